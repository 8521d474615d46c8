/*
 * What no change has left: an object that the container's root owns and that its spec does not want, made by a create
 * that came so late that no worker was left to notice.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_STRAY_H
#define KUBE_WORKER_CHANGE_CHANGE_STRAY_H

#include "kube-worker/container/root.h"

/*
 * Remove it. Only one with the name, the owner and the labels that we give; nothing while a change is incomplete.
 *
 * root  as for change_settle().
 * ret_removed  false: there was none.
 * Errors: RC_CONFLICT the root has changed meanwhile; those of change_settle().
 */
enum rc change_stray_remove(struct op_call *call, const char *id, struct root *root, bool *ret_removed,
			    struct error *err) must_check;

#endif
