/*
 * Kubernetes calls of an operation, with errors that may be shown to a client: what Kubernetes refused and why, but no
 * address, account or raw library text. The original goes to the log.
 */
#ifndef KUBE_WORKER_OPERATION_OP_KUBE_H
#define KUBE_WORKER_OPERATION_OP_KUBE_H

#include "common/kube/kube_path.h"
#include "kube-worker/operation/op_call.h"

/*
 * The calls on one object. `body` is JSON. reply as kube_client_do(). Errors: its codes, texts for clients.
 * A write is only repeated with the caller's permission (permission.h).
 */
enum rc op_kube_get(struct op_call *call, enum kube_kind kind, const char *name, struct kube_reply *reply,
		    struct error *err) must_check;
enum rc op_kube_create(struct op_call *call, enum kube_kind kind, const struct buf *body, struct kube_reply *reply,
		       struct error *err) must_check;

/*
 * Replace it. The body has the resourceVersion that it was made from: RC_CONFLICT when the object is another one by
 * now, also when a try that had no answer was carried out.
 */
enum rc op_kube_update(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		       struct kube_reply *reply, struct error *err) must_check;

/*
 * Would the API server take it, and all who have a word there: a dry run. name NULL: of a create, else of an update.
 * RC_OK also when a webhook cannot be asked without doing it.
 */
enum rc op_kube_try(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		    struct error *err) must_check;

/* The same of op_kube_delete(). */
enum rc op_kube_try_delete(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
			   struct error *err) must_check;

/* `body` is a merge patch (RFC 7396); with metadata.uid in it, RC_CONFLICT when the object is another one by now. */
enum rc op_kube_patch(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		      struct kube_reply *reply, struct error *err) must_check;

/*
 * Delete the object of that name if it still is the one with that uid; its dependents go in the background.
 * RC_OK also when it is no longer there, or another one is there by now.
 */
enum rc op_kube_delete(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
		       struct error *err) must_check;

/*
 * The same if it still has that resourceVersion too. Errors: RC_CONFLICT it is another one by now.
 */
enum rc op_kube_delete_version(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
			       const char *resource_version, struct error *err) must_check;

/*
 * Make an error of kube_client_do() fit for a client: the text is replaced (see above) and, for an object that was
 * refused as invalid, call->faults filled with Kubernetes' causes, each with the pointer into the request that the
 * field came from. Logs the original. `what` for the log: "create the Deployment". Returns the code.
 */
enum rc op_kube_translate(struct op_call *call, const struct kube_reply *reply, const char *what, struct error *err);

/* The text alone: of a call that was made in another way. status: Kubernetes' answer; NULL: none. */
void op_kube_make_public(const cJSON *status, struct error *err);

#endif
