/*
 * What is known of all containers' objects, kept by informers: facts by uid and by instance id. Safe in every thread.
 *
 * The cache answers what may be as old as the watch (phases, addresses, which containers other programs have made);
 * whether a container exists is always asked of the API server.
 */
#ifndef COMMON_CONTAINER_KUBE_CACHE_H
#define COMMON_CONTAINER_KUBE_CACHE_H

#include "common/container/kube_facts.h"
#include "common/kube/informer.h"
#include "common/kube/kube_list.h"
#include "common/resource.h"

#define KUBE_CACHE_MAX (64u * 1024 * 1024) /* bytes of facts: of about 50,000 containers */

struct kube_cache;

/*
 * Make an empty cache for resources of a type. ret_cache: owned by the caller (kube_cache_destroy). Errors:
 * RC_NO_MEMORY.
 */
enum rc kube_cache_create(enum resource_type type, struct kube_cache **ret_cache, struct error *err) must_check;

/* Free, when no informer and no reader uses it any more. NULL is allowed. */
void kube_cache_destroy(struct kube_cache *cache);

/*
 * Be told the id of each instance of which an object of that kind was told, changed or has gone, on the informers'
 * threads and without the cache's lock: the callback may visit the cache, and must not block. Set it before the first
 * informer; a list tells every instance.
 */
typedef void (*kube_cache_change)(void *ctx, enum kube_kind kind, const char *instance_id);
void kube_cache_on_change(struct kube_cache *cache, kube_cache_change on_change, void *ctx);

/*
 * The listener that an informer of any kind feeds this cache through. What goes beyond KUBE_CACHE_MAX is rejected with
 * RC_UNAVAILABLE, and all facts of its kind are forgotten with it: until a list has been complete again the kind counts
 * as not synchronised.
 */
struct informer_listener kube_cache_listener(struct kube_cache *cache);

/* Take in one object, as if a watch had told it. Errors: as the listener's. */
enum rc kube_cache_add(struct kube_cache *cache, enum kube_kind kind, const cJSON *object, struct error *err)
	must_check;

/*
 * Take in all objects of a kind that the API server has now, for a cache that no informer feeds.
 *
 * page         kind, namespace, limit, deadline_ms and once; the other members are not used.
 * instance_id  only those of this instance; NULL: of all.
 * Errors: as kube_list_all(), and those of the listener. Blocks until page->deadline_ms at most.
 */
enum rc kube_cache_read(struct kube_cache *cache, struct kube_client *client, const struct kube_page *page,
			const char *instance_id, struct error *err) must_check;

/*
 * Whether each of these kinds has been listed completely at least once. `kinds`: bits 1u << enum kube_kind. A kind that
 * the Role does not allow and that can be done without (workload_optional_kinds()) counts as listed, with what is known
 * of it.
 */
bool kube_cache_is_synced(struct kube_cache *cache, unsigned kinds);

/*
 * Give `visit` all facts of an instance, at one moment: all but Pods, then living Pods, then
 * those that have ended, of which some may be missing when out of memory. The facts are borrowed for the call, during
 * which the cache is locked: visit copies what it needs, and does nothing that blocks.
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
