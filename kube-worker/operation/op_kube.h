/*
 * Kubernetes calls of an operation, with errors for clients: the rejection and its reason, but no addresses, accounts
 * or library messages. The original is logged.
 */
#ifndef KUBE_WORKER_OPERATION_OP_KUBE_H
#define KUBE_WORKER_OPERATION_OP_KUBE_H

#include "common/kube/kube_path.h"
#include "kube-worker/operation/op_call.h"

/*
 * The calls on one object. `body` is JSON. reply as kube_client_do(). Errors: its codes, with texts for clients. A
 * write is only retried with the caller's permission (permission.h).
 */
enum rc op_kube_get(struct op_call *call, enum kube_kind kind, const char *name, struct kube_reply *reply,
		    struct error *err) must_check;
enum rc op_kube_create(struct op_call *call, enum kube_kind kind, const struct buf *body, struct kube_reply *reply,
		       struct error *err) must_check;

/*
 * Replace it. The body has the resourceVersion that was read: RC_CONFLICT if the object has changed, also by an earlier
 * attempt without a response.
 */
enum rc op_kube_update(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		       struct kube_reply *reply, struct error *err) must_check;

/*
 * Dry run: whether the API server and its admission accept it. name NULL: a create, else an update. RC_OK also if a
 * webhook does not support dry runs.
 */
enum rc op_kube_try(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		    struct error *err) must_check;

/* The same for op_kube_delete(). */
enum rc op_kube_try_delete(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
			   struct error *err) must_check;

/* `body` is a merge patch (RFC 7396); with metadata.uid in it, RC_CONFLICT if the object was replaced. */
enum rc op_kube_patch(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		      struct kube_reply *reply, struct error *err) must_check;

/*
 * Delete the object with that name if it still has that uid; dependents are deleted in the background. RC_OK also if it
 * no longer exists, or was replaced.
 */
enum rc op_kube_delete(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
		       struct error *err) must_check;

/*
 * The same with that resourceVersion. Errors: RC_CONFLICT it has changed.
 */
enum rc op_kube_delete_version(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
			       const char *resource_version, struct error *err) must_check;

/*
 * Translate an error of kube_client_do() for a client: replaces the text (see above) and, for an invalid object, fills
 * call->faults with Kubernetes' causes, each with a pointer into the request. Logs the original. `what` for the log:
 * "create the Deployment". Returns the code.
 */
enum rc op_kube_translate(struct op_call *call, const struct kube_reply *reply, const char *what, struct error *err);

/* Only the text, for other kinds of calls. status: Kubernetes' response; NULL: none. */
void op_kube_make_public(const cJSON *status, struct error *err);

/* RC_PERMISSION_DENIED: the cache will not be synced for these kinds (bits), as the Role does not allow to list one. */
enum rc op_kube_check_cache(const struct op_env *env, unsigned kinds, struct error *err) must_check;

#endif
