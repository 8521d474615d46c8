/*
 * Removal of objects that their root owns but does not require, created by a delayed write after the update that
 * removed them. Every worker checks for them, and removes them.
 */
#ifndef KUBE_WORKER_REPAIR_STRAY_REPAIR_H
#define KUBE_WORKER_REPAIR_STRAY_REPAIR_H

#include "kube-worker/operation/op_call.h"

struct stray_repair;

/* NULL if out of memory. */
struct stray_repair *stray_repair_create(void);

/* NULL is allowed. */
void stray_repair_destroy(struct stray_repair *repair);

/*
 * Check all roots in the cache once. Objects present in every check for 12 to 16 s are removed (change_stray.h).
 *
 * Blocks: for the Kubernetes calls, at most 8 s per container. Threads: one at a time, the same for `kube`.
 */
void stray_repair_walk(struct stray_repair *repair, const struct op_env *env, struct kube_client *kube);

#endif
