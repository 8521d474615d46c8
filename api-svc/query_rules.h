/*
 * Rules for the query that the API document cannot express: parameters with their own grammar, and conflicting ones.
 */
#ifndef API_SVC_QUERY_RULES_H
#define API_SVC_QUERY_RULES_H

#include "api-svc/document/faults.h"
#include "api-svc/http/target.h"

/* Add the errors in filter and order_by of a list to `faults`, with their positions. */
void query_rules_check_list(const struct target *target, struct faults *faults);

/* The same for a watch, which has a filter, but no order and no pages. */
void query_rules_check_watch(const struct target *target, struct faults *faults);

/* Whether there is a filter or an order, which a worker must not ignore. */
bool query_rules_is_narrowed(const struct target *target);

/* The same for logs: times in the future, and conflicting parameters. */
void query_rules_check_logs(const struct target *target, struct faults *faults);

#endif
