/*
 * Finding a container and what belongs to it: its root by name, which is its id for everything that we made, and by
 * label for what other programs made; the rest in the cache, or by lists while the cache does not know enough.
 */
#ifndef KUBE_WORKER_CONTAINER_CONTAINER_FIND_H
#define KUBE_WORKER_CONTAINER_CONTAINER_FIND_H

#include "common/container/container_view.h"
#include "kube-worker/container/root.h"

/* ---- roots ------------------------------------------------------------------------------------------------------- */

/* Kinds and names of roots, the oldest first. */
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
 * Find the live roots of an id that have another name than the id: made by other programs.
 *
 * From the cache; by a label list of each kind of root while that is not synchronised.
 * ret_names  filled; container_names_clear() by the caller, also after an error.
 * Errors: as op_kube_get().
 */
enum rc container_find_foreign(struct op_call *call, const char *id, struct container_names *ret_names,
			       struct error *err) must_check;

/*
 * Get a live root of the id that has another name, as it is now.
 *
 * root  as for root_get().
 * Errors: RC_NOT_FOUND there is none; else as op_kube_get().
 */
enum rc container_find_other(struct op_call *call, const char *id, struct root *root, struct error *err) must_check;

/*
 * Get the container's root: one call for those that we made, once the cache shows them or if they are of the first
 * kind.
 *
 * root  as for root_get().
 * Errors: RC_NOT_FOUND there is none, or it is being deleted; else as op_kube_get().
 */
enum rc container_find(struct op_call *call, const char *id, struct root *root, struct error *err) must_check;

/*
 * Find the container that was made with a token: in the cache, as fresh as the watch; by lists while that is not
 * synchronised.
 *
 * ret_id  its id.
 * Errors: RC_NOT_FOUND there is none; else as op_kube_get().
 */
enum rc container_find_by_token(struct op_call *call, const char *token, char ret_id[PROTOCOL_ID_MAX + 1],
				struct error *err) must_check;

/* ---- what belongs to them ---------------------------------------------------------------------------------------- */

/* The kinds that a Container shows beside its root, as bits 1u << enum kube_kind. */
unsigned container_part_kinds(void);

/* Where to look for objects: the shared cache, or one's own. */
struct container_cache {
	struct kube_cache *cache;
	struct kube_cache *own; /* NULL: it is the shared one */
};

void container_cache_close(struct container_cache *cache);
#define cleanup_container_cache cleanup_with(container_cache_close)

/*
 * Get the shared cache when it is synchronised for these kinds (bits); else one's own, filled by one list of each kind.
 *
 * id     whose objects are listed; NULL: those of all containers.
 * cache  zeroed; filled on RC_OK; container_cache_close() by the caller.
 * Errors: as op_kube_get(); RC_UNAVAILABLE there are too many (KUBE_CACHE_MAX).
 */
enum rc container_cache_open(struct op_call *call, unsigned kinds, const char *id, struct container_cache *cache,
			     struct error *err) must_check;

/*
 * Gather what a Container shows beside its root: from the cache, or by lists of this id when the cache lacks what must
 * exist (it is not synchronised; Pods or children that the root says exist).
 *
 * extras  from container_extras_make(); filled.
 */
enum rc container_gather(struct op_call *call, const struct root *root, struct container_extras *extras,
			 struct error *err) must_check;

/* The same by lists, when the cache may show what has just been changed. */
enum rc container_gather_fresh(struct op_call *call, const struct root *root, struct container_extras *extras,
			       struct error *err) must_check;

/* The same for a list page: from this cache only, without a call for a single container. */
enum rc container_gather_from(struct op_call *call, struct kube_cache *cache, const struct fact *root,
			      struct container_extras *extras, struct error *err) must_check;

#endif
