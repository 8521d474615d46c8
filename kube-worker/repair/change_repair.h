/*
 * Repair of incomplete updates whose call has finished or whose caller no longer exists: a worker was killed between
 * two writes, or the outcome of one was unknown. Every worker checks for their marks (change_mark.h), and completes
 * them or rolls them back.
 */
#ifndef KUBE_WORKER_REPAIR_CHANGE_REPAIR_H
#define KUBE_WORKER_REPAIR_CHANGE_REPAIR_H

#include "kube-worker/operation/op_call.h"
#include "kube-worker/repair/repair_list.h"

/* The list of incomplete updates; repair_list_clear(). Returns false if out of memory. */
bool change_repair_init(struct repair_list *changes) must_check;

/*
 * Check all roots in the cache once. A mark is due after 5 to 9 s, longer than any permission is valid, unless its
 * caller replies that the call is running.
 *
 * Blocks: for the Kubernetes calls, at most 8 s per update. Threads: one at a time, the same for `kube`.
 */
void change_repair_walk(struct repair_list *changes, const struct op_env *env, struct kube_client *kube);

#endif
