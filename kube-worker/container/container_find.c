#include "kube-worker/container/container_find.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "kube-worker/container/container_gather.h"

#define FOREIGN_MAX 64 /* maximum number of roots of other programs per id */

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
