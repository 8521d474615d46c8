#include "kube-worker/container/container_gather.h"

#include "common/base/clock.h"
#include "common/container/workload.h"
#include "common/kube/kube_list.h"
#include "kube-worker/operation/op_kube.h"

#define LIST_LIMIT 500

/* ---- sources ----------------------------------------------------------------------------------------------------- */

/* Read all labelled objects of a kind, or (id not NULL) of one container, into the cache. */
static enum rc read_kind(struct op_call *call, struct kube_cache *cache, enum kube_kind kind, const char *id,
			 struct error *err)
{
	const struct kube_page page = {
		.kind = kind,
		.namespace = call->env->namespace,
		.limit = LIST_LIMIT,
		.deadline_ms = call->deadline_ms,
	};

	if (!kube_cache_read(cache, call->kube, &page, id, err))
		return RC_OK;
	if (err->rc == RC_PERMISSION_DENIED && workload_optional_kinds() & 1u << kind)
		return RC_OK; /* not allowed by an older Role: none */
	return op_kube_translate(call, &(struct kube_reply){ 0 }, kube_kind_plural(kind), err);
}

void container_cache_close(struct container_cache *cache)
{
	kube_cache_destroy(TAKE(cache->own));
}

static enum rc read_own(struct op_call *call, unsigned kinds, const char *id, struct container_cache *cache,
			struct error *err)
{
	struct kube_cache *own = NULL;
	enum rc rc = kube_cache_create(call->env->resource, &own, err);

	for (int kind = 0; !rc && kind < KUBE_KIND_COUNT; kind++)
		if (kinds & 1u << kind)
			rc = read_kind(call, own, (enum kube_kind)kind, id, err);
	if (rc) {
		kube_cache_destroy(own);
		return rc;
	}
	*cache = (struct container_cache){ .cache = own, .own = own };
	return RC_OK;
}

enum rc container_cache_open(struct op_call *call, unsigned kinds, const char *id, struct container_cache *cache,
			     struct error *err)
{
	if (!kube_cache_is_synced(call->env->cache, kinds))
		return read_own(call, kinds, id, cache, err);
	*cache = (struct container_cache){ .cache = call->env->cache };
	return RC_OK;
}

/* ---- parts of a container ---------------------------------------------------------------------------------------- */

unsigned container_gather_kinds(void)
{
	return CONTAINER_STATE_KINDS | workload_child_kinds();
}

/* For one root, without the parts of other kinds of roots. */
static unsigned parts_of(const struct root *root)
{
	return workload_status_kinds(root->kind) | workload_child_kinds();
}

struct gather {
	const struct fact *root;
	struct container_extras *extras;
	struct status_rules rules;
	enum rc rc;
	struct error *err;
};

static void collect_extras(void *ctx, const struct fact *const *facts, size_t count)
{
	struct gather *gather = ctx;

	gather->rc = container_extras_read(gather->extras, gather->root, facts, count, clock_mono_ms(), &gather->rules,
					   gather->err);
}

enum rc container_gather_from(struct op_call *call, struct kube_cache *cache, const struct fact *root,
			      struct container_extras *extras, struct error *err)
{
	struct gather gather = {
		.root = root,
		.extras = extras,
		.rules = call->env->status_rules,
		.err = err,
	};

	kube_cache_visit(cache, root->instance_id, collect_extras, &gather);
	return gather.rc;
}

enum rc container_gather_fresh(struct op_call *call, const struct root *root, struct container_extras *extras,
			       struct error *err)
{
	struct container_cache cache cleanup_container_cache = { 0 };
	cleanup_free struct fact *fact = NULL;
	enum rc rc = root_fact(root, &fact, err);

	if (!rc)
		rc = read_own(call, parts_of(root), fact->instance_id, &cache, err);
	return rc ? rc : container_gather_from(call, cache.cache, fact, extras, err);
}

/* Whether the root implies objects that are missing in the cache. */
static bool is_lacking(const struct root *root, const struct container_extras *extras)
{
	return extras->missing || (json_int_at(root->object, "status.replicas", 0) > 0 && !extras->pod_seen);
}

enum rc container_gather(struct op_call *call, const struct root *root, struct container_extras *extras,
			 struct error *err)
{
	struct container_cache cache cleanup_container_cache = { 0 };
	cleanup_free struct fact *fact = NULL;
	enum rc rc = root_fact(root, &fact, err);

	if (!rc)
		rc = container_cache_open(call, parts_of(root), fact->instance_id, &cache, err);
	if (!rc)
		rc = container_gather_from(call, cache.cache, fact, extras, err);
	if (rc || cache.own || !is_lacking(root, extras))
		return rc;
	rc = read_own(call, parts_of(root), fact->instance_id, &cache, err);
	return rc ? rc : container_gather_from(call, cache.cache, fact, extras, err);
}
