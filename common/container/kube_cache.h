/*
 * The cache of all containers' objects, fed by informers: facts by uid and by instance id. Safe in every thread.
 *
 * Used for data that may be as old as the watch (phases, addresses, containers of other programs); the existence of a
 * container is always read from the API server.
 */
#ifndef COMMON_CONTAINER_KUBE_CACHE_H
#define COMMON_CONTAINER_KUBE_CACHE_H

#include "common/container/fact.h"
#include "common/kube/informer.h"
#include "common/kube/kube_list.h"
#include "common/resource.h"

#define KUBE_CACHE_MAX (64u * 1024 * 1024) /* bytes of facts, for about 50,000 containers */

struct kube_cache;

/*
 * Make an empty cache for resources of a type. ret_cache: owned by the caller (kube_cache_destroy). Errors:
 * RC_NO_MEMORY.
 */
enum rc kube_cache_create(enum resource_type type, struct kube_cache **ret_cache, struct error *err) must_check;

/* Free it, when no informer and no reader uses it. NULL is allowed. */
void kube_cache_destroy(struct kube_cache *cache);

/*
 * Called with the id of each instance of which an object of that kind was listed, changed or deleted, on the informers'
 * threads and without the cache's lock: may visit the cache, must not block. Set it before the first informer is
 * started; a list reports every instance.
 */
typedef void (*kube_cache_change)(void *ctx, enum kube_kind kind, const char *instance_id);
void kube_cache_on_change(struct kube_cache *cache, kube_cache_change on_change, void *ctx);

/*
 * The listener for informers of any kind. An object above KUBE_CACHE_MAX is rejected with RC_UNAVAILABLE, and all facts
 * of its kind are dropped: the kind is not synced until a list is complete again.
 */
struct informer_listener kube_cache_listener(struct kube_cache *cache);

/* Process one object like a watch event. Errors: as the listener's. */
enum rc kube_cache_add(struct kube_cache *cache, enum kube_kind kind, const cJSON *object, struct error *err)
	must_check;

/*
 * Read all objects of a kind from the API server, for a cache without informers.
 *
 * page         kind, namespace, limit, deadline_ms and once; other members are ignored.
 * instance_id  only objects of this instance; NULL: all.
 * Errors: as kube_list_all(), and those of the listener. Blocks until page->deadline_ms at most.
 */
enum rc kube_cache_read(struct kube_cache *cache, struct kube_client *client, const struct kube_page *page,
			const char *instance_id, struct error *err) must_check;

/*
 * Whether each of these kinds has been listed completely at least once. `kinds`: bits 1u << enum kube_kind. An optional
 * kind (workload_optional_kinds()) that the Role does not allow counts as listed.
 */
bool kube_cache_is_synced(struct kube_cache *cache, unsigned kinds);

/* Those of these kinds (bits) that keep the cache from being synced because the Role does not allow to list them. */
unsigned kube_cache_forbidden(struct kube_cache *cache, unsigned kinds);

/*
 * Call `visit` with a consistent snapshot of all facts of an instance: first other objects than Pods, then live Pods,
 * then terminated Pods, of which some may be missing if out of memory. The facts are borrowed for the call, during
 * which the cache is locked: visit must not block.
 */
typedef void (*kube_cache_visitor)(void *ctx, const struct fact *const *facts, size_t count);
void kube_cache_visit(struct kube_cache *cache, const char *instance_id, kube_cache_visitor visit, void *ctx);

/* The same for every instance, one after the other. */
void kube_cache_visit_all(struct kube_cache *cache, kube_cache_visitor visit, void *ctx);

struct kube_cache_size {
	size_t instances;
	size_t facts;
};

struct kube_cache_size kube_cache_size(struct kube_cache *cache);

#endif
