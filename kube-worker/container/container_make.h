/*
 * Making the objects of a container: one loop over its workload (common/container/workload.h), for all of it (create)
 * or for what is missing (repair).
 */
#ifndef KUBE_WORKER_CONTAINER_CONTAINER_MAKE_H
#define KUBE_WORKER_CONTAINER_CONTAINER_MAKE_H

#include "common/container/container_view.h"
#include "common/container/workload.h"
#include "kube-worker/container/root.h"

/* One making: what is to be made, and what came of it. Zeroed but for the first group; making_clear() at the end. */
struct making {
	struct workload workload;
	unsigned roles; /* of it that are to be made, as bits; the others exist */
	/*
	 * The root's name is taken. RC_OK: by what this request has made, and `root` is that; RC_NOT_FOUND: it is free
	 * again; any other code ends the making. Not called when the root is not to be made.
	 */
	enum rc (*root_taken)(void *ctx, struct op_call *call, struct error *err);
	/* The root has been made, or is what root_taken found: may its children be? NULL: they may. */
	enum rc (*root_stands)(void *ctx, struct op_call *call, struct error *err);
	void *ctx;

	struct root root;                     /* once it is known; filled in by the caller when it exists */
	cJSON *children[WORKLOAD_ROLE_COUNT]; /* by role, as the API server has them */

	const struct workload_object *object; /* that is being made: after an error the one that failed */
	bool written;                         /* a POST has left for the API server */
	bool unsure;                          /* one of the root had no clear answer: it may still be carried out */
	bool root_made;                       /* by this making */
};

void making_clear(struct making *making);
#define cleanup_making cleanup_with(making_clear)

/*
 * Make the objects, in the order of their list: a POST each, whose name decides a race. Needs the permission
 * (permission.h), and holds it before each write. An object other than the root that this container owns already is
 * taken as it is; one that a predecessor of the same id has left is replaced.
 *
 * Errors: RC_ALREADY_EXISTS an object of the name that is not ours, which is not touched; RC_CONFLICT the root was
 * deleted meanwhile; RC_CANCELLED; those of root_taken and root_stands; else as op_kube_create(). What was made until
 * then is in `making`.
 */
enum rc container_make(struct op_call *call, struct making *making, struct error *err) must_check;

/*
 * Look whether the names of the children are free, or held by what a predecessor of the same id has left: one call
 * each.
 *
 * Errors: RC_ALREADY_EXISTS as container_make(); else as op_kube_get().
 */
enum rc container_make_check_names(struct op_call *call, const struct workload *workload, struct error *err) must_check;

/* Set the error of a create whose id another container has: RC_ALREADY_EXISTS. */
enum rc container_make_refuse(const char *id, struct error *err);

/* Show the children that were made or found. Errors: as container_extras_show(). */
enum rc making_show(const struct making *making, struct container_extras *extras, struct error *err) must_check;

#endif
