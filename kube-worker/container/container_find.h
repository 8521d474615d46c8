/*
 * Finds a container and its parts: its root by name, which equals the id for our own containers, and by label for those
 * of other programs; the rest in the cache, or by lists while the cache is incomplete.
 */
#ifndef KUBE_WORKER_CONTAINER_CONTAINER_FIND_H
#define KUBE_WORKER_CONTAINER_CONTAINER_FIND_H

#include "common/container/container_view.h"
#include "kube-worker/container/root.h"

/* ---- roots ------------------------------------------------------------------------------------------------------- */

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

/* ---- parts ------------------------------------------------------------------------------------------ */

/* The kinds of the parts of a Container, in addition to its root, as bits 1u << enum kube_kind. */
unsigned container_part_kinds(void);

/* A cache of objects: the shared one, or a private one. */
struct container_cache {
	struct kube_cache *cache;
	struct kube_cache *own; /* NULL: the shared one is used */
};

void container_cache_close(struct container_cache *cache);
#define cleanup_container_cache cleanup_with(container_cache_close)

/*
 * Get the shared cache if it is synced for these kinds (bits); else a private one, filled by one list per kind.
 *
 * id     of the objects to list; NULL: all containers.
 * cache  zeroed; filled on RC_OK; container_cache_close() by the caller.
 * Errors: as op_kube_get(); RC_UNAVAILABLE too many (KUBE_CACHE_MAX).
 */
enum rc container_cache_open(struct op_call *call, unsigned kinds, const char *id, struct container_cache *cache,
			     struct error *err) must_check;

/*
 * Collect the parts of a Container: from the cache, or by lists for this id if the cache lacks objects that must exist
 * (not synced; Pods or children implied by the root).
 *
 * extras  from container_extras_make(); filled.
 */
enum rc container_gather(struct op_call *call, const struct root *root, struct container_extras *extras,
			 struct error *err) must_check;

/* The same by lists, if the cache may be outdated after a change. */
enum rc container_gather_fresh(struct op_call *call, const struct root *root, struct container_extras *extras,
			       struct error *err) must_check;

/* The same for a list page: from this cache only, without calls per container. */
enum rc container_gather_from(struct op_call *call, struct kube_cache *cache, const struct fact *root,
			      struct container_extras *extras, struct error *err) must_check;

#endif
