/*
 * Removing a container, and nothing but it: every object is deleted by name and uid, so that a successor with the same
 * id is never hit.
 */
#ifndef KUBE_WORKER_CONTAINER_REMOVE_H
#define KUBE_WORKER_CONTAINER_REMOVE_H

#include "kube-worker/op.h"

/*
 * A rollback does not share the deadline of what went wrong; but who waits for the answer gives up after 10 s, of which a
 * Kubernetes that is away has taken 8 already.
 */
#define ROLLBACK_TIMEOUT_MS 2000

/*
 * Delete a Deployment and its Services. ReplicaSets and Pods follow in the background.
 *
 * deployment  the object that was looked up.
 * Errors: as kube_client_do(), when the Deployment or a Service that has no owner is still there. An owned Service that
 * could not be deleted goes with its Deployment by garbage collection.
 */
enum rc container_remove(struct op_call *call, const cJSON *deployment, struct error *err) must_check;

/*
 * Undo a create: remove the container of that id if it was made with the token. RC_OK when there is nothing to undo.
 */
enum rc container_undo(struct op_call *call, const char *id, const char *token, struct error *err) must_check;

/*
 * The same after a failure, within ROLLBACK_TIMEOUT_MS of its own. When that fails as well, the call is unsettled: who
 * asked goes on with undoing.
 */
void container_roll_back(struct op_call *call, const char *id, const char *token);

#endif
