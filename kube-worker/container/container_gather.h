/*
 * What belongs to a container beside its root: from the cache, or by lists while the cache does not know enough.
 */
#ifndef KUBE_WORKER_CONTAINER_CONTAINER_GATHER_H
#define KUBE_WORKER_CONTAINER_CONTAINER_GATHER_H

#include "common/container/container_view.h"
#include "kube-worker/container/root.h"

/* The kinds that a Container shows beside its root, as bits 1u << enum kube_kind. */
unsigned container_gather_kinds(void);

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
