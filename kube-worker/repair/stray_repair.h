/*
 * Removal of objects that their root owns but does not require, created by a delayed write after the update that
 * removed them. Every worker checks for them, and removes them.
 */
#ifndef KUBE_WORKER_REPAIR_STRAY_REPAIR_H
#define KUBE_WORKER_REPAIR_STRAY_REPAIR_H

#include "kube-worker/operation/op_call.h"
#include "kube-worker/repair/repair_list.h"

/* The list of containers with stray objects; repair_list_clear(). Returns false if out of memory. */
bool stray_repair_init(struct repair_list *strays) must_check;

/*
 * Check all roots in the cache once. Objects present in every check for 12 to 16 s are removed (change_stray.h).
 *
 * Blocks: for the Kubernetes calls, at most 8 s per container. Threads: one at a time, the same for `kube`.
 */
void stray_repair_walk(struct repair_list *strays, const struct op_env *env, struct kube_client *kube);

#endif
