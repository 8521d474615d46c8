/*
 * Completes an update whose root has a mark (change_mark.h): updates the other objects to the root's spec, or rolls the
 * root back if they are rejected.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_SETTLE_H
#define KUBE_WORKER_CHANGE_CHANGE_SETTLE_H

#include "kube-worker/container/root.h"

/*
 * Complete the update marked on the container's root, or roll it back if rejected; no effect without a mark.
 *
 * root  as read; afterwards the current one, or none if deleted.
 * ret_undone  it was rolled back, and *err has the rejection. May be NULL.
 * Errors: as children_plan_make(), children_plan_run(): it is incomplete, and stays marked.
 */
enum rc change_settle(struct op_call *call, const char *id, struct root *root, bool *ret_undone, struct error *err)
	must_check;

#endif
