/*
 * Removal of stray objects: owned by the container's root but not required by its spec, created by a delayed write
 * after all workers had finished.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_STRAY_H
#define KUBE_WORKER_CHANGE_CHANGE_STRAY_H

#include "kube-worker/container/root.h"

/*
 * Remove it, only with the derived name, owner and labels; no effect while an update is incomplete.
 *
 * root  as for change_settle().
 * ret_removed false: none. Errors: RC_CONFLICT the root has changed; those of change_settle().
 */
enum rc change_stray_remove(struct op_call *call, const char *id, struct root *root, bool *ret_removed,
			    struct error *err) must_check;

#endif
