/*
 * Seeing the cluster: a cache, and the informers for the kinds that a container's state is made of, and for those that
 * say where it is reached.
 */
#ifndef MONITOR_WATCHING_H
#define MONITOR_WATCHING_H

#include "common/container/kube_cache.h"
#include "common/kube/informer.h"

struct watching;

/*
 * Begin with empty knowledge.
 *
 * auth       outlives it; namespace is copied.
 * on_change  as kube_cache_on_change(); called from now on.
 * ret_watching  owned by the caller (watching_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc watching_create(enum resource_type type, struct kube_auth *auth, const char *namespace, enum informer_mode mode,
			kube_cache_change on_change, void *ctx, struct watching **ret_watching, struct error *err)
	must_check;

/* Start the informers; apart, so that the cache can be made known first. Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc watching_start(struct watching *watching, struct error *err) must_check;

/* No change is told after this; the cache lives on. Waits for the informers, about a second. */
void watching_stop(struct watching *watching);

/* Free. NULL is allowed. */
void watching_destroy(struct watching *watching);

struct kube_cache *watching_cache(struct watching *watching);

/*
 * Whether all initial lists are complete. Of what a container's state does not need, also when the list has failed: it
 * may be forbidden.
 */
bool watching_is_complete(struct watching *watching);

/* The informer of one kind alone. */
struct informer_counts watching_kind(struct watching *watching, enum kube_kind kind);

/* How many lists of roots have been complete, of all kinds together. */
int64_t watching_root_lists(struct watching *watching);

/* All informers together; `polling` when one of them does. */
struct informer_counts watching_counts(struct watching *watching);

#endif
