/*
 * Objects that their root owns but does not want: a create that came after the change that took them away, when no
 * worker was left to notice. Every worker looks for them, and removes them.
 */
#ifndef KUBE_WORKER_REPAIR_STRAY_REPAIR_H
#define KUBE_WORKER_REPAIR_STRAY_REPAIR_H

#include "kube-worker/operation/op_call.h"

struct stray_repair;

/* NULL when out of memory. */
struct stray_repair *stray_repair_create(void);

/* Takes NULL. */
void stray_repair_destroy(struct stray_repair *repair);

/*
 * Look once at all roots in the cache. What is seen in every look for 12 to 16 s is removed (change_stray.h).
 *
 * Blocks: for the Kubernetes calls, each container 8 s at most. Threads: one at a time, the same for `kube`.
 */
void stray_repair_walk(struct stray_repair *repair, const struct op_env *env, struct kube_client *kube);

#endif
