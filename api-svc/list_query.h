/*
 * The list parameters with a grammar that the API document cannot express.
 */
#ifndef API_SVC_LIST_QUERY_H
#define API_SVC_LIST_QUERY_H

#include "api-svc/document/faults.h"
#include "api-svc/http/target.h"

/* Add errors in filter and order_by, with their positions. */
void list_query_check(const struct target *target, struct faults *faults);

/* The same for a watch, which has a filter, but no order and no pages. */
void list_query_check_watch(const struct target *target, struct faults *faults);

/* Whether there is a filter or an order, which an old worker would ignore. */
bool list_query_is_narrowed(const struct target *target);

#endif
