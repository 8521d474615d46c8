/*
 * Half-made containers of which no debt is known: a worker of v0.1 that died between the Deployment and its Service, or a
 * store of NATS that was lost. Every worker looks for them, and completes them. Nothing is removed: nobody can tell that
 * the client was not told. (What has a debt is the sweeper's.)
 */
#ifndef KUBE_WORKER_REPAIR_H
#define KUBE_WORKER_REPAIR_H

#include "common/kube/kube_auth.h"
#include "kube-worker/op.h"

struct repair;

/*
 * Start the thread. env and auth outlive it.
 *
 * A container is taken for half-made when it asks for a Service, is younger than 10 minutes, has no debt, and no Service
 * of it was seen for 12 s. One whose Service was seen and then deleted by somebody, and an older one, are left as they
 * are. When Kubernetes refuses the Service, the reason is noted on the Deployment (ANNOTATION_PROBLEM), and the next try
 * comes a minute later.
 *
 * ret_repair: given to the caller (repair_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc repair_create(const struct op_env *env, struct kube_auth *auth, struct repair **ret_repair, struct error *err)
	must_check;

/* End the thread and free. Takes NULL. Blocks while a repair runs. */
void repair_destroy(struct repair *repair);

#endif
