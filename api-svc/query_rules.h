/*
 * What the API document cannot express of a query: parameters with a grammar of their own, and those that exclude each
 * other.
 */
#ifndef API_SVC_QUERY_RULES_H
#define API_SVC_QUERY_RULES_H

#include "api-svc/document/faults.h"
#include "api-svc/http/target.h"

/* Add to `faults` what is wrong with filter and order_by of a list, and where in them. */
void query_rules_check_list(const struct target *target, struct faults *faults);

/* The same for a watch, which has a filter, but no order and no pages. */
void query_rules_check_watch(const struct target *target, struct faults *faults);

/* Is there a filter or an order, which a worker must not ignore? */
bool query_rules_is_narrowed(const struct target *target);

/* Of logs: a time in the future, and parameters that exclude each other. */
void query_rules_check_logs(const struct target *target, struct faults *faults);

#endif
