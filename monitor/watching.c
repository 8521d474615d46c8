#include "monitor/watching.h"

#include <stdlib.h>

#include "common/base/strutil.h"

static const enum kube_kind kinds[] = { KUBE_DEPLOYMENT, KUBE_REPLICASET, KUBE_POD };

struct watching {
	struct kube_auth *auth;
	char *namespace;
	enum informer_mode mode;
	struct kube_cache *cache;
	struct informer *informers[ARRAY_LEN(kinds)];
	struct informer_counts ended; /* of the informers, when they have been stopped */
};

enum rc watching_create(struct kube_auth *auth, const char *namespace, enum informer_mode mode,
			kube_cache_change on_change, void *ctx, struct watching **ret_watching, struct error *err)
{
	struct watching *watching = calloc(1, sizeof(*watching));
	enum rc rc;

	if (!watching)
		return error_no_memory(err);
	watching->auth = auth;
	watching->mode = mode;
	watching->namespace = str_dup(namespace);
	rc = watching->namespace ? kube_cache_create(&watching->cache, err) : error_no_memory(err);
	if (rc) {
		watching_destroy(watching);
		return rc;
	}
	kube_cache_on_change(watching->cache, on_change, ctx);
	*ret_watching = watching;
	return RC_OK;
}

enum rc watching_start(struct watching *watching, struct error *err)
{
	const struct informer_listener listener = kube_cache_listener(watching->cache);
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < ARRAY_LEN(kinds); i++)
		rc = informer_create(watching->auth, watching->namespace, kinds[i], watching->mode, &listener,
				     &watching->informers[i], err);
	return rc;
}

void watching_stop(struct watching *watching)
{
	watching->ended = watching_counts(watching);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (watching->informers[i])
			informer_stop(watching->informers[i]);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		informer_destroy(TAKE(watching->informers[i]));
}

void watching_destroy(struct watching *watching)
{
	if (!watching)
		return;
	watching_stop(watching);
	kube_cache_destroy(watching->cache);
	free(watching->namespace);
	free(watching);
}

struct kube_cache *watching_cache(struct watching *watching)
{
	return watching->cache;
}

bool watching_is_complete(struct watching *watching)
{
	unsigned needed = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		needed |= 1u << kinds[i];
	return kube_cache_is_synced(watching->cache, needed);
}

struct informer_counts watching_deployments(struct watching *watching)
{
	struct informer_counts counts = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i] == KUBE_DEPLOYMENT && watching->informers[i])
			counts = informer_counts(watching->informers[i]);
	return counts;
}

struct informer_counts watching_counts(struct watching *watching)
{
	struct informer_counts sum = watching->ended;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct informer_counts counts = { 0 };

		if (watching->informers[i])
			counts = informer_counts(watching->informers[i]);
		sum.lists += counts.lists;
		sum.watches += counts.watches;
		sum.events += counts.events;
		sum.failures += counts.failures;
		sum.polling = sum.polling || counts.polling;
	}
	return sum;
}
