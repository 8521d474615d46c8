/*
 * Changes that are not complete, and whose caller is over or gone: a worker has died between two writes, or the outcome
 * of one was unknown. Every worker looks for their marks (change_mark.h), and finishes or undoes them.
 */
#ifndef KUBE_WORKER_REPAIR_CHANGE_REPAIR_H
#define KUBE_WORKER_REPAIR_CHANGE_REPAIR_H

#include "kube-worker/operation/op_call.h"

struct change_repair;

/* NULL when out of memory. */
struct change_repair *change_repair_create(void);

/* Takes NULL. */
void change_repair_destroy(struct change_repair *repair);

/*
 * Look once at all roots in the cache. A mark is looked after when it has been seen for 5 to 9 s, longer than any
 * permission lasts, and its caller does not say that the call runs.
 *
 * Blocks: for the Kubernetes calls, each change 8 s at most. Threads: one at a time, the same for `kube`.
 */
void change_repair_walk(struct change_repair *repair, const struct op_env *env, struct kube_client *kube);

#endif
