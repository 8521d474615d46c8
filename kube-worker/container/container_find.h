/*
 * Finding a container: its root by name, which is its id for everything that we made, and by label for what other
 * programs made.
 */
#ifndef KUBE_WORKER_CONTAINER_CONTAINER_FIND_H
#define KUBE_WORKER_CONTAINER_CONTAINER_FIND_H

#include "kube-worker/container/root.h"

/* Kinds and names of roots, oldest first. */
struct container_name {
	enum kube_kind kind;
	char *name;
};

struct container_names {
	struct container_name *items;
	size_t count;
};

void container_names_clear(struct container_names *names);
#define cleanup_container_names cleanup_with(container_names_clear)

/*
 * Find the live roots with an id and another name, created by other programs.
 *
 * From the cache; by a label list of each kind of root while that is not synced.
 * ret_names  filled; container_names_clear() by the caller, also after an error.
 * Errors: as op_kube_get().
 */
enum rc container_find_foreign(struct op_call *call, const char *id, struct container_names *ret_names,
			       struct error *err) must_check;

/*
 * Read a live root with the id and another name.
 *
 * root  as for root_get().
 * Errors: RC_NOT_FOUND none; else as op_kube_get().
 */
enum rc container_find_other(struct op_call *call, const char *id, struct root *root, struct error *err) must_check;

/*
 * Read the container's root: one call for our own containers, if they are in the cache or of the first kind.
 *
 * root  as for root_get().
 * Errors: RC_NOT_FOUND none, or it is being deleted; else as op_kube_get().
 */
enum rc container_find(struct op_call *call, const char *id, struct root *root, struct error *err) must_check;

/*
 * Find the container created with a token: in the cache, as fresh as the watch; by lists while that is not synced.
 *
 * ret_id  its id.
 * Errors: RC_NOT_FOUND none; else as op_kube_get().
 */
enum rc container_find_by_token(struct op_call *call, const char *token, char ret_id[PROTOCOL_ID_MAX + 1],
				struct error *err) must_check;

#endif
