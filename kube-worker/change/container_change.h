/*
 * Changing a container: the one loop of all operations that do. The root is looked up, a callback says what it shall
 * be, and one PUT with the resourceVersion that was read makes it so (common/container/object_merge.h); when it was
 * changed meanwhile, all of it again.
 *
 * The root's PUT is the point of no return. When other objects change with it, their writes are tried first (a dry
 * run), and the PUT carries a mark (change_mark.h) until they are done. A refusal then puts the root back; a worker
 * that dies leaves the mark to the next change, or to every worker's repair: they finish it, or undo it where that is
 * refused.
 *
 * What a create still owes can be changed as well: the debt names token and uid, which stay what they are.
 */
#ifndef KUBE_WORKER_CHANGE_CONTAINER_CHANGE_H
#define KUBE_WORKER_CHANGE_CONTAINER_CHANGE_H

#include "common/container/container_view.h"
#include "common/container/run_state.h"
#include "kube-worker/container/precondition.h"

/*
 * A container that is being changed. Filled with what it is; the callback makes of `spec` and `run` what it shall be.
 */
struct change {
	const struct root *root;
	char etag[CONTAINER_ETAG_MAX];
	cJSON *spec; /* as clients see it, without what the cluster puts in; the callback may put another in its place */
	struct run_state run;
	struct buf texts; /* what the callback makes for `run` */
};

/*
 * Say what it shall be. Called again after each conflict. Errors end the change; RC_CONFLICT is told to the client's
 * api-svc, which makes the request anew.
 */
typedef enum rc (*change_decide)(void *ctx, struct op_call *call, const cJSON *request, struct change *change,
				 struct error *err);

/*
 * Change the container of the request, and append it to `result`; call->etag is set. What is the same afterwards is not
 * written. A request whose token the container has as its last change was carried out already.
 *
 * request  with the members CHANGE_MEMBERS.
 * Errors: RC_NOT_FOUND, RC_PRECONDITION, RC_PENDING another change of it is not complete; RC_CANCELLED; those of
 * `decide`; as op_kube_update(). After RC_UNAVAILABLE and RC_TIMEOUT it may be changed, or will be: as a whole.
 */
enum rc container_change(struct op_call *call, const cJSON *request, change_decide decide, void *ctx,
			 struct buf *result, struct error *err) must_check;

/* The members of a request for a change. */
#define CHANGE_MEMBERS                                                                                                \
	{ .name = "id", .required = true, .type = request_member_is_text, .valid = protocol_is_id, .form = "an id" }, \
		{ .name = "token",                                                                                    \
		  .required = true,                                                                                   \
		  .type = request_member_is_text,                                                                     \
		  .valid = protocol_is_create_token,                                                                  \
		  .form = "a creation token" },                                                                       \
		PRECONDITION_MEMBER

#endif
