#include "kube-worker/container_find.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/service_name.h"
#include "common/kube/kube_lister.h"
#include "common/services/log.h"
#include "kube-worker/container_mark.h"
#include "kube-worker/op_kube.h"

#define NAMES_MAX 65536
#define LIST_LIMIT 500
#define FOREIGN_MAX 64 /* Deployments of one id by other programs; nobody has more in earnest */

bool container_is(const cJSON *deployment, const char *id)
{
	return labels_are_of(deployment, id);
}

bool container_is_live(const cJSON *deployment, const char *id)
{
	return container_is(deployment, id) && !json_at(deployment, "metadata.deletionTimestamp");
}

/* ---- lists into a cache of one's own ------------------------------------------------------------------------------
 */

struct feed {
	struct informer_listener listener;
	enum kube_kind kind;
};

static enum rc feed_item(void *ctx, const cJSON *item, struct error *err)
{
	struct feed *feed = ctx;

	return feed->listener.object(feed->listener.ctx, feed->kind, KUBE_ADDED, item, err);
}

static void selector_of(const char *id, struct buf *selector)
{
	buf_add_str(selector, LABEL_SELECTOR);
	if (id)
		buf_addf(selector, "," LABEL_INSTANCE_ID "=%s", id);
}

/* Everything of a kind that is ours, or (id not NULL) that belongs to one container. */
static enum rc list_kind(struct op_call *call, enum kube_kind kind, const char *id, kube_list_item on_item, void *ctx,
			 struct error *err)
{
	struct buf selector cleanup_buf = buf_make(1024);
	struct kube_page page = {
		.kind = kind,
		.namespace = call->env->config->namespace,
		.limit = LIST_LIMIT,
		.deadline_ms = call->deadline_ms,
		.on_item = on_item,
		.ctx = ctx,
	};
	struct kube_reply nothing = { 0 };

	selector_of(id, &selector);
	page.selector = selector.data;
	if (kube_list_all(call->kube, &page, NULL, err))
		return op_kube_translate(call, &nothing, kube_kind_plural(kind), err);
	return RC_OK;
}

static enum rc read_kind(struct op_call *call, struct kube_cache *cache, enum kube_kind kind, const char *id,
			 struct error *err)
{
	struct feed feed = { .listener = kube_cache_listener(cache), .kind = kind };

	return list_kind(call, kind, id, feed_item, &feed, err);
}

enum rc container_read_all(struct op_call *call, const char *id, struct kube_cache **ret_cache, struct error *err)
{
	static const enum kube_kind kinds[] = { KUBE_REPLICASET, KUBE_POD, KUBE_SERVICE };
	struct kube_cache *cache = NULL;
	enum rc rc = kube_cache_create(&cache, err);

	for (size_t i = 0; !rc && i < ARRAY_LEN(kinds); i++)
		rc = read_kind(call, cache, kinds[i], id, err);
	if (rc) {
		kube_cache_destroy(cache);
		return rc;
	}
	*ret_cache = cache;
	return RC_OK;
}

/* ---- Deployments of other programs --------------------------------------------------------------------------------
 */

void container_names_clear(struct container_names *names)
{
	buf_clear(&names->names);
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
};

static void collect_foreign(void *ctx, const struct fact *const *facts, size_t count)
{
	struct foreign_search *search = ctx;
	const struct fact *found[FOREIGN_MAX] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < count && n < FOREIGN_MAX; i++)
		if (facts[i]->kind == KUBE_DEPLOYMENT && !facts[i]->deleting && strcmp(facts[i]->name, search->id) != 0)
			found[n++] = facts[i];
	qsort(found, n, sizeof(found[0]), older_first);
	for (size_t i = 0; i < n; i++)
		buf_add(&search->result->names, found[i]->name, strlen(found[i]->name) + 1);
	search->result->count = n;
}

enum rc container_find_foreign(struct op_call *call, const char *id, struct container_names *ret_names,
			       struct error *err)
{
	struct foreign_search search = { .id = id, .result = ret_names };
	struct kube_cache *own = NULL;
	enum rc rc = RC_OK;

	*ret_names = (struct container_names){ .names = buf_make(NAMES_MAX) };
	if (kube_cache_is_synced(call->env->cache, 1u << KUBE_DEPLOYMENT)) {
		kube_cache_visit(call->env->cache, id, collect_foreign, &search);
		return buf_check(&ret_names->names, err);
	}
	rc = kube_cache_create(&own, err);
	if (!rc)
		rc = read_kind(call, own, KUBE_DEPLOYMENT, id, err);
	if (!rc)
		kube_cache_visit(own, id, collect_foreign, &search);
	kube_cache_destroy(own);
	return rc ? rc : buf_check(&ret_names->names, err);
}

enum rc container_find_other(struct op_call *call, const char *id, struct kube_reply *reply, struct error *err)
{
	struct container_names names cleanup_container_names = { 0 };
	enum rc rc = container_find_foreign(call, id, &names, err);
	const char *name = names.names.data;

	/* The cache may be a moment old: what it names is looked at. */
	for (size_t i = 0; !rc && i < names.count; i++, name += strlen(name) + 1) {
		rc = op_kube_get(call, KUBE_DEPLOYMENT, name, reply, err);
		if (!rc && container_is_live(reply->object, id))
			return RC_OK;
		if (rc == RC_NOT_FOUND)
			rc = RC_OK;
	}
	return rc ? rc : error_set(err, RC_NOT_FOUND, "container '%s' does not exist", id);
}

enum rc container_find(struct op_call *call, const char *id, struct kube_reply *reply, struct error *err)
{
	enum rc rc = op_kube_get(call, KUBE_DEPLOYMENT, id, reply, err);

	if (rc && rc != RC_NOT_FOUND)
		return rc;
	if (!rc && container_is_live(reply->object, id))
		return RC_OK;
	return container_find_other(call, id, reply, err);
}

/* ---- by token ----------------------------------------------------------------------------------------------------- */

struct token_search {
	const char *token;
	uint64_t hash;
	char *id; /* PROTOCOL_ID_MAX + 1 bytes; "" until it is found */
};

static enum rc look_for_token(void *ctx, const cJSON *deployment, struct error *err unused)
{
	struct token_search *search = ctx;
	const char *id = cJSON_GetStringValue(json_get(json_at(deployment, "metadata.labels"), LABEL_INSTANCE_ID));

	if (id && container_is_live(deployment, id) && str_equal(container_token(deployment), search->token))
		snprintf(search->id, PROTOCOL_ID_MAX + 1, "%s", id);
	return RC_OK;
}

static void look_for_hash(void *ctx, const struct fact *const *facts, size_t count)
{
	struct token_search *search = ctx;

	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_DEPLOYMENT && facts[i]->token == search->hash && facts[i]->made_here &&
		    !facts[i]->deleting)
			snprintf(search->id, PROTOCOL_ID_MAX + 1, "%s", facts[i]->instance_id);
}

enum rc container_find_by_token(struct op_call *call, const char *token, char ret_id[PROTOCOL_ID_MAX + 1],
				struct error *err)
{
	struct token_search search = { .token = token, .hash = fact_token_hash(token), .id = ret_id };
	enum rc rc = RC_OK;

	ret_id[0] = '\0';
	if (kube_cache_is_synced(call->env->cache, 1u << KUBE_DEPLOYMENT))
		kube_cache_visit_all(call->env->cache, look_for_hash, &search);
	else
		rc = list_kind(call, KUBE_DEPLOYMENT, NULL, look_for_token, &search, err);
	if (rc)
		return rc;
	return ret_id[0] ? RC_OK : error_set(err, RC_NOT_FOUND, "no container was made with this token");
}

/* ---- what belongs to a Deployment ---------------------------------------------------------------------------------
 */

struct gather {
	const struct fact *deployment;
	struct container_extras *extras;
	int64_t grace_ms;
	enum rc rc;
	struct error *err;
};

static void collect_extras(void *ctx, const struct fact *const *facts, size_t count)
{
	struct gather *gather = ctx;

	gather->rc = container_extras_read(gather->extras, gather->deployment, facts, count, clock_mono_ms(),
					   gather->grace_ms, gather->err);
}

static enum rc gather_from(struct op_call *call, struct kube_cache *cache, const struct fact *deployment,
			   struct container_extras *extras, struct error *err)
{
	struct gather gather = {
		.deployment = deployment, .extras = extras, .grace_ms = call->env->config->failed_grace_ms, .err = err
	};

	kube_cache_visit(cache, deployment->instance_id, collect_extras, &gather);
	return gather.rc;
}

enum rc container_gather_from(struct op_call *call, struct kube_cache *cache, const cJSON *deployment,
			      struct container_extras *extras, struct error *err)
{
	cleanup_free struct fact *fact = NULL;
	enum rc rc = fact_from_object(KUBE_DEPLOYMENT, deployment, &fact, err);

	return rc ? rc : gather_from(call, cache, fact, extras, err);
}

/* Does the Deployment say that there is something which the cache has not shown? */
static bool is_lacking(const cJSON *deployment, const struct container_extras *extras)
{
	return extras->missing || (json_int_at(deployment, "status.replicas", 0) > 0 && !extras->pod_seen);
}

enum rc container_gather(struct op_call *call, const cJSON *deployment, struct container_extras *extras,
			 struct error *err)
{
	cleanup_free struct fact *fact = NULL;
	struct kube_cache *own = NULL;
	enum rc rc = fact_from_object(KUBE_DEPLOYMENT, deployment, &fact, err);

	if (rc)
		return rc;
	if (kube_cache_is_synced(call->env->cache, CONTAINER_PART_KINDS)) {
		rc = gather_from(call, call->env->cache, fact, extras, err);
		if (rc || !is_lacking(deployment, extras))
			return rc;
	}
	rc = container_read_all(call, fact->instance_id, &own, err);
	if (rc)
		return rc;
	rc = gather_from(call, own, fact, extras, err);
	kube_cache_destroy(own);
	return rc;
}
