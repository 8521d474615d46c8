#include "kube-worker/container/container_find.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/workload.h"
#include "common/kube/kube_list.h"
#include "kube-worker/operation/op_kube.h"

#define LIST_LIMIT 500
#define FOREIGN_MAX 64 /* maximum number of roots of other programs per id */

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

/* ---- roots of other programs ------------------------------------------------------------------------------------- */

void container_names_clear(struct container_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
	*names = (struct container_names){ .count = 0 };
}

static int older_first(const void *a, const void *b)
{
	const struct fact *x = *(const struct fact *const *)a;
	const struct fact *y = *(const struct fact *const *)b;

	if (x->created_ms != y->created_ms)
		return x->created_ms < y->created_ms ? -1 : 1;
	return strcmp(x->name, y->name);
}

struct foreign_search {
	const char *id;
	struct container_names *result;
	bool no_memory;
};

static void collect_foreign(void *ctx, const struct fact *const *facts, size_t count)
{
	struct foreign_search *search = ctx;
	const struct fact *found[FOREIGN_MAX] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < count && n < FOREIGN_MAX; i++)
		if (workload_is_root(facts[i]->kind) && !facts[i]->deleting && strcmp(facts[i]->name, search->id) != 0)
			found[n++] = facts[i];
	qsort(found, n, sizeof(found[0]), older_first);
	search->result->items = calloc(n + 1, sizeof(*search->result->items));
	search->no_memory = !search->result->items;
	for (size_t i = 0; i < n && !search->no_memory; i++) {
		struct container_name *item = &search->result->items[search->result->count++];

		*item = (struct container_name){ found[i]->kind, str_dup(found[i]->name) };
		search->no_memory = !item->name;
	}
}

enum rc container_find_foreign(struct op_call *call, const char *id, struct container_names *ret_names,
			       struct error *err)
{
	struct foreign_search search = { .id = id, .result = ret_names };
	struct container_cache cache cleanup_container_cache = { 0 };
	enum rc rc;

	*ret_names = (struct container_names){ .count = 0 };
	rc = container_cache_open(call, workload_root_kinds(), id, &cache, err);
	if (rc)
		return rc;
	kube_cache_visit(cache.cache, id, collect_foreign, &search);
	return search.no_memory ? error_no_memory(err) : RC_OK;
}

enum rc container_find_other(struct op_call *call, const char *id, struct root *root, struct error *err)
{
	struct container_names names cleanup_container_names = { 0 };
	enum rc rc = container_find_foreign(call, id, &names, err);

	/* The cache may be outdated: verify its entries. */
	for (size_t i = 0; !rc && i < names.count; i++) {
		rc = root_get(call, names.items[i].kind, names.items[i].name, root, err);
		if (!rc && root_is_live(root, id))
			return RC_OK;
		if (rc == RC_NOT_FOUND)
			rc = RC_OK;
	}
	return rc ? rc : error_set(err, RC_NOT_FOUND, "container '%s' does not exist", id);
}

enum rc container_find(struct op_call *call, const char *id, struct root *root, struct error *err)
{
	enum rc rc = root_find(call, id, root_is_live_of, id, root, err);

	return rc == RC_NOT_FOUND ? container_find_other(call, id, root, err) : rc;
}

/* ---- by token ---------------------------------------------------------------------------------------------------- */

struct token_search {
	uint64_t hash;
	int64_t created_ms;
	char *id; /* PROTOCOL_ID_MAX + 1 bytes; "" until found */
};

/* Races without JetStream may have created several: the first one is used, consistently on all workers. */
static bool comes_first(const struct fact *fact, const struct token_search *search)
{
	if (!search->id[0] || fact->created_ms != search->created_ms)
		return !search->id[0] || fact->created_ms < search->created_ms;
	return strcmp(fact->instance_id, search->id) < 0;
}

static void look_for_token(void *ctx, const struct fact *const *facts, size_t count)
{
	struct token_search *search = ctx;

	for (size_t i = 0; i < count; i++) {
		if (!workload_is_root(facts[i]->kind) || facts[i]->token != search->hash || !facts[i]->made_here ||
		    facts[i]->deleting || !comes_first(facts[i], search))
			continue;
		snprintf(search->id, PROTOCOL_ID_MAX + 1, "%s", facts[i]->instance_id);
		search->created_ms = facts[i]->created_ms;
	}
}

enum rc container_find_by_token(struct op_call *call, const char *token, char ret_id[PROTOCOL_ID_MAX + 1],
				struct error *err)
{
	struct token_search search = { .hash = fact_token_hash(token), .id = ret_id };
	struct container_cache cache cleanup_container_cache = { 0 };
	enum rc rc;

	ret_id[0] = '\0';
	rc = container_cache_open(call, workload_root_kinds(), NULL, &cache, err);
	if (rc)
		return rc;
	kube_cache_visit_all(cache.cache, look_for_token, &search);
	return ret_id[0] ? RC_OK : error_set(err, RC_NOT_FOUND, "no container was created with this token");
}

/* ---- parts of a container ---------------------------------------------------------------------------------------- */

unsigned container_part_kinds(void)
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
