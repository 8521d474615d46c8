/*
 * Repair of incomplete updates (change_repair.h), and of partly created containers without a debt: a worker of v0.1 was
 * killed between two writes, or the store of NATS was lost. Every worker checks for them, and completes them. Nothing
 * is removed, as the client may have received the response. (Containers with a debt are handled by the sweeper.)
 */
#ifndef KUBE_WORKER_REPAIR_REPAIR_H
#define KUBE_WORKER_REPAIR_REPAIR_H

#include "common/kube/kube_auth.h"
#include "kube-worker/operation/op_call.h"

struct repair;

/*
 * Start the thread. env and auth must outlive it.
 *
 * A container is considered incomplete if it is younger than 10 minutes, has no debt, and an object required by its
 * spec (workload.h) was not seen for 12 s. Objects that were seen and then deleted, and those missing in older
 * containers, are not created again. If Kubernetes rejects an object, the reason is stored in the root
 * (ANNOTATION_PROBLEM), and the next retry is a minute later.
 *
 * ret_repair: owned by the caller (repair_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc repair_create(const struct op_env *env, struct kube_auth *auth, struct repair **ret_repair, struct error *err)
	must_check;

/* End the thread and free. NULL is allowed. Blocks while a repair runs. */
void repair_destroy(struct repair *repair);

#endif
