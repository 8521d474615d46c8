/*
 * The update loop of all operations that change a container. The root is read, a callback returns the desired state,
 * and a PUT with the resourceVersion that was read applies it (common/container/object_merge.h); after a conflict
 * everything is retried.
 *
 * The root's PUT is the commit. If other objects change as well, their writes are tried first (dry run), and the PUT
 * sets a mark (change_mark.h) until they are done. A later rejection rolls the root back; if a worker is killed, the
 * next update, or the repair of any worker, completes the update, or rolls it back if rejected.
 *
 * An unsettled container can be updated as well: its debt refers to token and uid, which do not change.
 */
#ifndef KUBE_WORKER_CHANGE_CONTAINER_CHANGE_H
#define KUBE_WORKER_CHANGE_CONTAINER_CHANGE_H

#include "common/container/container_view.h"
#include "common/container/run_state.h"
#include "kube-worker/container/precondition.h"

/*
 * The container of an update, with its current state; the callback sets the desired `spec` and `run`.
 */
struct change {
	const struct root *root;
	char etag[CONTAINER_ETAG_MAX];
	cJSON *spec; /* without values set by the cluster; the callback may replace it */
	struct run_state run;
	struct buf texts; /* storage of the callback for texts of `run` */
};

/*
 * Set the desired state. Called again after each conflict. Errors end the update; RC_CONFLICT is returned to api-svc,
 * which merges again.
 */
typedef enum rc (*change_decide)(void *ctx, struct op_call *call, const cJSON *request, struct change *change,
				 struct error *err);

/*
 * Update the container of the request, and append it to `result`; sets call->etag. Nothing is written if nothing
 * changes. A request whose token is that of the last update was already executed.
 *
 * request  with the members CHANGE_MEMBERS.
 * Errors: RC_NOT_FOUND, RC_PRECONDITION, RC_PENDING another update is incomplete; RC_CANCELLED; those of `decide`; as
 * op_kube_update(). After RC_UNAVAILABLE and RC_TIMEOUT the update may be, or become, effective: completely or not at
 * all.
 */
enum rc container_change(struct op_call *call, const cJSON *request, change_decide decide, void *ctx,
			 struct buf *result, struct error *err) must_check;

/* The common members of update requests. */
#define CHANGE_MEMBERS                               \
	REQUEST_MEMBER_ID,                           \
		{ .name = "token",                   \
		  .required = true,                  \
		  .type = request_member_is_text,    \
		  .valid = protocol_is_create_token, \
		  .form = "a creation token" },      \
		PRECONDITION_MEMBER

#endif
