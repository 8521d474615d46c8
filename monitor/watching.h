/*
 * Watching the cluster: a cache with informers for the kinds that determine a container's state and its addresses.
 */
#ifndef MONITOR_WATCHING_H
#define MONITOR_WATCHING_H

#include "common/container/kube_cache.h"
#include "common/kube/informer.h"

struct watching;

/*
 * Create it with an empty cache.
 *
 * auth       must outlive it; namespace is copied.
 * on_change  as kube_cache_on_change(); called from now on.
 * ret_watching  owned by the caller (watching_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc watching_create(enum resource_type type, struct kube_auth *auth, const char *namespace, enum informer_mode mode,
			kube_cache_change on_change, void *ctx, struct watching **ret_watching, struct error *err)
	must_check;

/* Start the informers; separate, so that the cache can be published first. Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc watching_start(struct watching *watching, struct error *err) must_check;

/* Stop the informers: no more changes; the cache stays valid. Blocks about a second. */
void watching_stop(struct watching *watching);

/* Free. NULL is allowed. */
void watching_destroy(struct watching *watching);

struct kube_cache *watching_cache(struct watching *watching);

/*
 * Whether all initial lists are complete. Kinds that a container's state does not need also count if the list has
 * failed, as it may be forbidden.
 */
bool watching_is_complete(struct watching *watching);

/* The counts of one kind. */
struct informer_counts watching_kind(struct watching *watching, enum kube_kind kind);

/* The number of completed lists of roots, of all kinds. */
int64_t watching_root_lists(struct watching *watching);

/* The counts of all informers; `polling` if any is polling. */
struct informer_counts watching_counts(struct watching *watching);

#endif
