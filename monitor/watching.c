#include "monitor/watching.h"

#include <stdlib.h>

#include "common/base/strutil.h"
#include "common/container/container_state.h"
#include "common/container/workload.h"

struct watching {
	struct kube_auth *auth;
	char *namespace;
	enum informer_mode mode;
	struct kube_cache *cache;
	struct informer *informers[KUBE_KIND_COUNT]; /* of the kinds that determine a state */
	struct informer_counts ended;                /* of the stopped informers */
};

enum rc watching_create(enum resource_type type, struct kube_auth *auth, const char *namespace, enum informer_mode mode,
			kube_cache_change on_change, void *ctx, struct watching **ret_watching, struct error *err)
{
	struct watching *watching = calloc(1, sizeof(*watching));
	enum rc rc;

	if (!watching)
		return error_no_memory(err);
	watching->auth = auth;
	watching->mode = mode;
	watching->namespace = str_dup(namespace);
	rc = watching->namespace ? kube_cache_create(type, &watching->cache, err) : error_no_memory(err);
	if (rc) {
		watching_destroy(watching);
		return rc;
	}
	kube_cache_on_change(watching->cache, on_change, ctx);
	*ret_watching = watching;
	return RC_OK;
}

static unsigned needed_kinds(void)
{
	return workload_root_kinds() | CONTAINER_STATE_KINDS;
}

enum rc watching_start(struct watching *watching, struct error *err)
{
	const struct informer_listener listener = kube_cache_listener(watching->cache);
	enum rc rc = RC_OK;

	for (int kind = 0; !rc && kind < KUBE_KIND_COUNT; kind++)
		if ((needed_kinds() | workload_child_kinds()) & 1u << kind)
			rc = informer_create(watching->auth, watching->namespace, (enum kube_kind)kind, watching->mode,
					     &listener, &watching->informers[kind], err);
	return rc;
}

void watching_stop(struct watching *watching)
{
	watching->ended = watching_counts(watching);
	for (size_t i = 0; i < KUBE_KIND_COUNT; i++)
		if (watching->informers[i])
			informer_stop(watching->informers[i]);
	for (size_t i = 0; i < KUBE_KIND_COUNT; i++)
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

static bool has_answered(struct watching *watching, enum kube_kind kind)
{
	struct informer *informer = watching->informers[kind];

	return kube_cache_is_synced(watching->cache, 1u << kind) ||
	       (informer && informer_counts(informer).failures > 0);
}

bool watching_is_complete(struct watching *watching)
{
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		if (workload_child_kinds() & 1u << kind && !has_answered(watching, (enum kube_kind)kind))
			return false;
	return kube_cache_is_synced(watching->cache, needed_kinds());
}

struct informer_counts watching_kind(struct watching *watching, enum kube_kind kind)
{
	struct informer *informer = watching->informers[kind];

	return informer ? informer_counts(informer) : (struct informer_counts){ 0 };
}

int64_t watching_root_lists(struct watching *watching)
{
	int64_t lists = 0;

	for (int kind = workload_root_from(0); kind < KUBE_KIND_COUNT; kind = workload_root_from(kind + 1))
		lists += watching_kind(watching, (enum kube_kind)kind).lists;
	return lists;
}

struct informer_counts watching_counts(struct watching *watching)
{
	struct informer_counts sum = watching->ended;

	for (size_t i = 0; i < KUBE_KIND_COUNT; i++) {
		struct informer_counts counts = watching_kind(watching, (enum kube_kind)i);

		sum.lists += counts.lists;
		sum.watches += counts.watches;
		sum.events += counts.events;
		sum.failures += counts.failures;
		sum.polling = sum.polling || counts.polling;
	}
	return sum;
}
