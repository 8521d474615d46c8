/*
 * What the API document cannot express of a request for logs.
 */
#ifndef API_SVC_LOG_QUERY_H
#define API_SVC_LOG_QUERY_H

#include "api-svc/document/faults.h"
#include "api-svc/http/target.h"

/* Add to `faults` a time in the future, and parameters that exclude each other. */
void log_query_check(const struct target *target, struct faults *faults);

#endif
