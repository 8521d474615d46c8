/*
 * Rules for log requests that the API document cannot express.
 */
#ifndef API_SVC_LOG_QUERY_H
#define API_SVC_LOG_QUERY_H

#include "api-svc/document/faults.h"
#include "api-svc/http/target.h"

/* Add errors for times in the future, and for conflicting parameters. */
void log_query_check(const struct target *target, struct faults *faults);

#endif
