/*
 * Creates the objects of a container: a loop over its workload (common/container/workload.h), for all objects (create)
 * or missing ones (repair).
 */
#ifndef KUBE_WORKER_CONTAINER_CONTAINER_MAKE_H
#define KUBE_WORKER_CONTAINER_CONTAINER_MAKE_H

#include "common/container/container_view.h"
#include "common/container/workload.h"
#include "kube-worker/container/root.h"

/* Input and result of a creation. Zeroed except for the first group; making_clear() at the end. */
struct making {
	struct workload workload;
	unsigned roles; /* roles to create, as bits; the others exist */
	/*
	 * The root's name is in use. RC_OK: by an object of this request, set as `root`; RC_NOT_FOUND: it is free
	 * again; any other code ends the creation. Not called if the root is not to be created.
	 */
	enum rc (*root_taken)(void *ctx, struct op_call *call, struct error *err);
	/* The root was created, or found by root_taken: whether its children may be created. NULL: yes. */
	enum rc (*root_stands)(void *ctx, struct op_call *call, struct error *err);
	void *ctx;

	struct root root;                     /* once known; set by the caller if it exists */
	cJSON *children[WORKLOAD_ROLE_COUNT]; /* by role, as returned by the API server */

	const struct workload_object *object; /* the current one; after an error the failed one */
	bool written;                         /* a POST was sent */
	bool unsure;    /* a POST of the root had no definite response: it may still be executed */
	bool root_made; /* by this call */
};

void making_clear(struct making *making);
#define cleanup_making cleanup_with(making_clear)

/*
 * Create the objects, in the order of their list: one POST each, whose name decides races. Requires the permission
 * (permission.h), and renews it before each write. A child that this container already owns is kept unchanged; one of a
 * predecessor with the same id is replaced.
 *
 * Errors: RC_ALREADY_EXISTS the name is used by another object, which is not modified; RC_CONFLICT the root was
 * deleted; RC_CANCELLED; those of root_taken and root_stands; else as op_kube_create(). Objects created before the
 * error are in `making`.
 */
enum rc container_make(struct op_call *call, struct making *making, struct error *err) must_check;

/*
 * Check that the names of the children are free, or used by a predecessor with the same id: one call each.
 *
 * Errors: RC_ALREADY_EXISTS as container_make(); else as op_kube_get().
 */
enum rc container_make_check_names(struct op_call *call, const struct workload *workload, struct error *err) must_check;

/* Set the error of a create whose id is in use: RC_ALREADY_EXISTS. */
enum rc container_make_refuse(const char *id, struct error *err);

/* Show the children that were created or found. Errors: as container_extras_show(). */
enum rc making_show(const struct making *making, struct container_extras *extras, struct error *err) must_check;

#endif
