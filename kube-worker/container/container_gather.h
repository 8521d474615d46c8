/*
 * Collects the objects of a container other than its root: from the cache, or by lists if the cache is incomplete.
 */
#ifndef KUBE_WORKER_CONTAINER_CONTAINER_GATHER_H
#define KUBE_WORKER_CONTAINER_CONTAINER_GATHER_H

#include "common/container/container_view.h"
#include "kube-worker/container/root.h"

/* The kinds of the parts of a Container, in addition to its root, as bits 1u << enum kube_kind. */
unsigned container_gather_kinds(void);

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
