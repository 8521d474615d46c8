/*
 * The end of a change whose root carries a mark (change_mark.h): its other objects are brought to what the root says,
 * or the root is put back where that is refused.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_SETTLE_H
#define KUBE_WORKER_CHANGE_CHANGE_SETTLE_H

#include "kube-worker/container/root.h"

/*
 * Finish the change that the container's root is marked with, or undo it where it is refused; nothing when there is
 * none.
 *
 * root  as it was looked up; afterwards as it is, or none when it has gone.
 * ret_undone  it is as before the change, and *err says what was refused. May be NULL.
 * Errors: as children_plan_make(), children_plan_run(): it is not complete, and stays marked.
 */
enum rc change_settle(struct op_call *call, const char *id, struct root *root, bool *ret_undone, struct error *err)
	must_check;

#endif
