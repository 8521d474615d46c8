/*
 * Repair of incomplete updates whose call has finished or whose caller no longer exists: a worker was killed between
 * two writes, or the outcome of one was unknown. Every worker checks for their marks (change_mark.h), and completes
 * them or rolls them back.
 */
#ifndef KUBE_WORKER_REPAIR_CHANGE_REPAIR_H
#define KUBE_WORKER_REPAIR_CHANGE_REPAIR_H

#include "kube-worker/operation/op_call.h"

struct change_repair;

/* NULL if out of memory. */
struct change_repair *change_repair_create(void);

/* NULL is allowed. */
void change_repair_destroy(struct change_repair *repair);

/*
 * Check all roots in the cache once. A mark is due after 5 to 9 s, longer than any permission is valid, unless its
 * caller replies that the call is running.
 *
 * Blocks: for the Kubernetes calls, at most 8 s per update. Threads: one at a time, the same for `kube`.
 */
void change_repair_walk(struct change_repair *repair, const struct op_env *env, struct kube_client *kube);

#endif
