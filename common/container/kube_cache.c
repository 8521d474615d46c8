#include "common/container/kube_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash_table.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/workload.h"

#define SELECTOR_MAX 1024 /* bytes */

struct entry {
	struct hash_link by_uid;
	struct hash_link by_instance;
	struct entry *next_taken; /* after removal from the tables */
	struct fact *fact;
	uint32_t list; /* the number of the last list that contained it, to detect deletions */
};

struct kube_cache {
	enum resource_type type;
	kube_cache_change on_change; /* NULL: none */
	void *change_ctx;
	pthread_rwlock_t lock; /* guards all below */
	struct hash_table by_uid;
	struct hash_table by_instance;
	size_t bytes; /* of all facts */
	size_t instances;
	uint32_t list[KUBE_KIND_COUNT];
	unsigned synced;    /* bits 1u << kind */
	unsigned forbidden; /* the same, of kinds that may not be listed */
};

static uint64_t hash_uid(const struct kube_uid *uid)
{
	return hash_bytes(HASH_INIT, uid->bytes, sizeof(uid->bytes));
}

static struct entry *of_uid(struct hash_link *link)
{
	return link ? hash_entry_of(link, struct entry, by_uid) : NULL;
}

static struct entry *of_instance(struct hash_link *link)
{
	return link ? hash_entry_of(link, struct entry, by_instance) : NULL;
}

enum rc kube_cache_create(enum resource_type type, struct kube_cache **ret_cache, struct error *err)
{
	struct kube_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return error_no_memory(err);
	if (!hash_table_init(&cache->by_uid) || !hash_table_init(&cache->by_instance)) {
		kube_cache_destroy(cache);
		return error_no_memory(err);
	}
	pthread_rwlock_init(&cache->lock, NULL);
	cache->type = type;
	*ret_cache = cache;
	return RC_OK;
}

static void entry_free(struct entry *entry)
{
	free(entry->fact);
	free(entry);
}

void kube_cache_destroy(struct kube_cache *cache)
{
	struct hash_link *next;

	if (!cache)
		return;
	for (struct hash_link *link = hash_table_first(&cache->by_uid); link; link = next) {
		next = hash_table_after(&cache->by_uid, link);
		entry_free(of_uid(link));
	}
	hash_table_clear(&cache->by_uid);
	hash_table_clear(&cache->by_instance);
	pthread_rwlock_destroy(&cache->lock);
	free(cache);
}

/* One entry of the instance; NULL: none. */
static struct entry *find_instance(const struct kube_cache *cache, const char *id)
{
	struct hash_link *link = hash_table_find(&cache->by_instance, hash_text(HASH_INIT, id));

	while (link && strcmp(of_instance(link)->fact->instance_id, id) != 0)
		link = hash_table_find_next(link);
	return of_instance(link);
}

/* Another one of the same instance, after it. */
static struct entry *next_of_instance(const struct entry *entry)
{
	struct hash_link *link = hash_table_find_next(&entry->by_instance);

	while (link && strcmp(of_instance(link)->fact->instance_id, entry->fact->instance_id) != 0)
		link = hash_table_find_next(link);
	return of_instance(link);
}

static void link_entry(struct kube_cache *cache, struct entry *entry)
{
	const char *id = entry->fact->instance_id;

	cache->instances += !find_instance(cache, id);
	hash_table_add(&cache->by_uid, &entry->by_uid, hash_uid(&entry->fact->uid));
	hash_table_add(&cache->by_instance, &entry->by_instance, hash_text(HASH_INIT, id));
}

static void unlink_entry(struct kube_cache *cache, struct entry *entry)
{
	hash_table_remove(&cache->by_uid, &entry->by_uid);
	hash_table_remove(&cache->by_instance, &entry->by_instance);
	cache->instances -= !find_instance(cache, entry->fact->instance_id);
}

static struct entry *find_entry(const struct kube_cache *cache, const struct kube_uid *uid)
{
	struct hash_link *link = hash_table_find(&cache->by_uid, hash_uid(uid));

	while (link && !kube_uid_equal(&of_uid(link)->fact->uid, uid))
		link = hash_table_find_next(link);
	return of_uid(link);
}

/*
 * A failure counts from when it was first observed: all conditions of an evicted Pod may be old, and FAILED must not be
 * reported before the grace period.
 */
static void date_failure(struct fact *fact, const struct fact *previous)
{
	if (!fact->failed_ms || !previous)
		return;
	if (previous->failed_ms)
		fact->failed_ms = previous->failed_ms;
	else if (fact->kind == KUBE_POD)
		fact->failed_ms = clock_mono_ms();
}

/* Takes ownership of the fact, except on error. ret_previous: the replaced one, freed by the caller, or NULL. */
static enum rc put(struct kube_cache *cache, struct fact *fact, struct fact **ret_previous, struct error *err)
{
	struct entry *entry = find_entry(cache, &fact->uid);
	size_t bytes = cache->bytes - (entry ? entry->fact->bytes : 0) + fact->bytes;

	if (bytes > KUBE_CACHE_MAX)
		return error_set(err, RC_UNAVAILABLE, "the containers exceed %u MiB of memory",
				 KUBE_CACHE_MAX / 1024 / 1024);
	if (entry) {
		date_failure(fact, entry->fact);
		unlink_entry(cache, entry);
		*ret_previous = entry->fact;
	} else {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return error_no_memory(err);
	}
	entry->fact = fact;
	entry->list = cache->list[fact->kind];
	cache->bytes = bytes;
	link_entry(cache, entry);
	return RC_OK;
}

/* Remove from both tables; the caller owns the entry. */
static void take_out(struct kube_cache *cache, struct entry *entry)
{
	unlink_entry(cache, entry);
	cache->bytes -= entry->fact->bytes;
}

/* Remove all entries of the kind, or those not in the last list: returned as a list linked by next_taken. */
static struct entry *take_out_kind(struct kube_cache *cache, enum kube_kind kind, bool all)
{
	struct entry *taken = NULL;
	struct hash_link *next;

	for (struct hash_link *link = hash_table_first(&cache->by_uid); link; link = next) {
		struct entry *e = of_uid(link);

		next = hash_table_after(&cache->by_uid, link);
		if (e->fact->kind != kind || (!all && e->list == cache->list[kind]))
			continue;
		take_out(cache, e);
		e->next_taken = taken;
		taken = e;
	}
	return taken;
}

static void free_chain(struct entry *first)
{
	struct entry *next;

	for (struct entry *e = first; e; e = next) {
		next = e->next_taken;
		entry_free(e);
	}
}

void kube_cache_on_change(struct kube_cache *cache, kube_cache_change on_change, void *ctx)
{
	cache->on_change = on_change;
	cache->change_ctx = ctx;
}

static void tell_change(const struct kube_cache *cache, enum kube_kind kind, const char *instance_id)
{
	if (cache->on_change && instance_id[0])
		cache->on_change(cache->change_ctx, kind, instance_id);
}

static void on_list_begin(void *ctx, enum kube_kind kind)
{
	struct kube_cache *cache = ctx;

	pthread_rwlock_wrlock(&cache->lock);
	cache->list[kind]++;
	pthread_rwlock_unlock(&cache->lock);
}

static enum rc on_object(void *ctx, enum kube_kind kind, enum kube_event event, const cJSON *object, struct error *err)
{
	struct kube_cache *cache = ctx;
	const char *id = cJSON_GetStringValue(json_get(json_at(object, "metadata.labels"), LABEL_INSTANCE_ID));
	struct fact *fact = NULL;
	struct fact *previous = NULL;
	struct entry *gone = NULL;
	struct entry *forgotten = NULL;
	enum rc rc = fact_from_object(kind, object, &fact, err);

	if (rc == RC_UNAVAILABLE)
		return RC_OK; /* an object without identity is ignored */
	if (rc)
		return rc;
	pthread_rwlock_wrlock(&cache->lock);
	if (event == KUBE_DELETED) {
		gone = find_entry(cache, &fact->uid);
		if (gone)
			take_out(cache, gone);
	} else {
		rc = put(cache, fact, &previous, err);
		if (rc) {
			forgotten = take_out_kind(cache, kind, true);
			cache->synced &= ~(1u << kind);
		}
	}
	pthread_rwlock_unlock(&cache->lock);
	free_chain(forgotten);
	if (event == KUBE_DELETED || rc)
		free(fact);
	if (rc)
		return rc;
	if (gone)
		previous = gone->fact;
	if (previous && !str_equal(previous->instance_id, id)) /* its label has changed */
		tell_change(cache, kind, previous->instance_id);
	tell_change(cache, kind, id ? id : "");
	free(previous);
	free(gone);
	return RC_OK;
}

/* Objects that are not in the completed list were deleted while not watched. */
static void on_list_end(void *ctx, enum kube_kind kind)
{
	struct kube_cache *cache = ctx;
	struct entry *vanished;

	pthread_rwlock_wrlock(&cache->lock);
	vanished = take_out_kind(cache, kind, false);
	cache->synced |= 1u << kind;
	cache->forbidden &= ~(1u << kind);
	pthread_rwlock_unlock(&cache->lock);
	for (const struct entry *e = vanished; e; e = e->next_taken)
		tell_change(cache, kind, e->fact->instance_id);
	free_chain(vanished);
}

static void on_list_forbidden(void *ctx, enum kube_kind kind)
{
	struct kube_cache *cache = ctx;

	pthread_rwlock_wrlock(&cache->lock);
	cache->forbidden |= 1u << kind;
	pthread_rwlock_unlock(&cache->lock);
}

struct informer_listener kube_cache_listener(struct kube_cache *cache)
{
	return (struct informer_listener){
		.list_begin = on_list_begin,
		.object = on_object,
		.list_end = on_list_end,
		.list_forbidden = on_list_forbidden,
		.ctx = cache,
		.selector = labels_selector(cache->type),
	};
}

enum rc kube_cache_add(struct kube_cache *cache, enum kube_kind kind, const cJSON *object, struct error *err)
{
	return on_object(cache, kind, KUBE_ADDED, object, err);
}

/* The context of a list read into a cache. */
struct reading {
	struct kube_cache *cache;
	enum kube_kind kind;
};

static enum rc read_item(void *ctx, const cJSON *item, struct error *err)
{
	const struct reading *reading = ctx;

	return kube_cache_add(reading->cache, reading->kind, item, err);
}

enum rc kube_cache_read(struct kube_cache *cache, struct kube_client *client, const struct kube_page *page,
			const char *instance_id, struct error *err)
{
	struct reading reading = { .cache = cache, .kind = page->kind };
	struct buf selector cleanup_buf = buf_make(SELECTOR_MAX);
	struct kube_page whole = *page;
	enum rc rc;

	buf_add_str(&selector, labels_selector(cache->type));
	if (instance_id)
		buf_addf(&selector, "," LABEL_INSTANCE_ID "=%s", instance_id);
	rc = buf_check(&selector, err);
	whole.selector = selector.data;
	whole.on_item = read_item;
	whole.ctx = &reading;
	return rc ? rc : kube_list_all(client, &whole, NULL, err);
}

bool kube_cache_is_synced(struct kube_cache *cache, unsigned kinds)
{
	bool synced;

	pthread_rwlock_rdlock(&cache->lock);
	synced = ((cache->synced | (cache->forbidden & workload_optional_kinds())) & kinds) == kinds;
	pthread_rwlock_unlock(&cache->lock);
	return synced;
}

unsigned kube_cache_forbidden(struct kube_cache *cache, unsigned kinds)
{
	unsigned forbidden;

	pthread_rwlock_rdlock(&cache->lock);
	forbidden = cache->forbidden & ~cache->synced & ~workload_optional_kinds() & kinds;
	pthread_rwlock_unlock(&cache->lock);
	return forbidden;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

#define VISIT_FEW 256 /* facts of an instance that need no allocation */

/* The importance of a fact: objects other than Pods, live Pods, terminated Pods. */
enum weight { WEIGHT_FRAME, WEIGHT_LIVING, WEIGHT_ENDED, WEIGHT_COUNT };

static enum weight weight_of(const struct fact *fact)
{
	if (fact->kind != KUBE_POD)
		return WEIGHT_FRAME;
	return fact->phase == POD_FAILED || fact->phase == POD_SUCCEEDED ? WEIGHT_ENDED : WEIGHT_LIVING;
}

/* The most important first. Returns the new count. */
static size_t collect_facts(const struct entry *first, const struct fact **facts, size_t max)
{
	size_t count = 0;

	for (int weight = 0; weight < WEIGHT_COUNT; weight++)
		for (const struct entry *e = first; e && count < max; e = next_of_instance(e))
			if ((int)weight_of(e->fact) == weight)
				facts[count++] = e->fact;
	return count;
}

/*
 * first: of the instance; NULL: none. There may be thousands of evicted Pods: if out of memory, the least important
 * facts are omitted.
 */
static void visit_instance(const struct entry *first, kube_cache_visitor visit, void *ctx)
{
	const struct fact *few[VISIT_FEW];
	const struct fact **many = NULL;
	size_t max = 0;

	for (const struct entry *e = first; e; e = next_of_instance(e))
		max++;
	if (max > VISIT_FEW)
		many = calloc(max, sizeof(*many));
	if (many)
		visit(ctx, many, collect_facts(first, many, max));
	else
		visit(ctx, few, collect_facts(first, few, VISIT_FEW));
	free(many);
}

void kube_cache_visit(struct kube_cache *cache, const char *instance_id, kube_cache_visitor visit, void *ctx)
{
	pthread_rwlock_rdlock(&cache->lock);
	visit_instance(find_instance(cache, instance_id), visit, ctx);
	pthread_rwlock_unlock(&cache->lock);
}

void kube_cache_visit_all(struct kube_cache *cache, kube_cache_visitor visit, void *ctx)
{
	pthread_rwlock_rdlock(&cache->lock);
	for (struct hash_link *link = hash_table_first(&cache->by_instance); link;
	     link = hash_table_after(&cache->by_instance, link))
		if (find_instance(cache, of_instance(link)->fact->instance_id) ==
		    of_instance(link)) /* each instance once */
			visit_instance(of_instance(link), visit, ctx);
	pthread_rwlock_unlock(&cache->lock);
}

struct kube_cache_size kube_cache_size(struct kube_cache *cache)
{
	struct kube_cache_size size;

	pthread_rwlock_rdlock(&cache->lock);
	size = (struct kube_cache_size){ .instances = cache->instances, .facts = cache->by_uid.count };
	pthread_rwlock_unlock(&cache->lock);
	return size;
}
