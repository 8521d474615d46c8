/*
 * What is left incomplete: changes whose worker died (change_repair.h), and half-made containers of which no debt is
 * known: a worker of v0.1 that died between two writes, or a store of NATS that was lost. Every worker looks for them,
 * and completes them. Nothing is removed: the client may have been told. (What has a debt is the sweeper's.)
 */
#ifndef KUBE_WORKER_REPAIR_REPAIR_H
#define KUBE_WORKER_REPAIR_REPAIR_H

#include "common/kube/kube_auth.h"
#include "kube-worker/operation/op_call.h"

struct repair;

/*
 * Start the thread. env and auth outlive it.
 *
 * A container is taken for half-made when it is younger than 10 minutes, has no debt, and an object that its spec wants
 * (workload.h) was not seen for 12 s. What was seen and then deleted, and what an older container lacks, is not made
 * again. When Kubernetes refuses an object, the reason is noted on the root (ANNOTATION_PROBLEM), and the next try
 * comes a minute later.
 *
 * ret_repair: given to the caller (repair_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc repair_create(const struct op_env *env, struct kube_auth *auth, struct repair **ret_repair, struct error *err)
	must_check;

/* End the thread and free. Takes NULL. Blocks while a repair runs. */
void repair_destroy(struct repair *repair);

#endif
