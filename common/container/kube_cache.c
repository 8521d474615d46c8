#include "common/container/kube_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"

#define BUCKETS_FIRST 64 /* a power of two; doubled when there are as many entries */

/* A fact and its two chains. */
struct entry {
	struct entry *next_by_uid;
	struct entry *next_by_instance;
	struct fact *fact;
	uint32_t list; /* the number of the list that told it last, for finding what vanished */
};

/* The entries of a chain by instance share a bucket, not necessarily an id. */
struct kube_cache {
	enum resource_type type;
	kube_cache_change on_change; /* NULL: none */
	void *change_ctx;
	pthread_rwlock_t lock; /* guards all below */
	struct entry **by_uid;
	struct entry **by_instance;
	size_t buckets;
	size_t entries;
	size_t bytes; /* of all facts */
	size_t instances;
	uint32_t list[KUBE_KIND_COUNT];
	unsigned synced; /* bits 1u << kind */
};

static struct entry **uid_bucket(const struct kube_cache *cache, const struct kube_uid *uid)
{
	return &cache->by_uid[hash_bytes(HASH_INIT, uid->bytes, sizeof(uid->bytes)) & (cache->buckets - 1)];
}

static struct entry **instance_bucket(const struct kube_cache *cache, const char *id)
{
	return &cache->by_instance[hash_bytes(HASH_INIT, id, strlen(id)) & (cache->buckets - 1)];
}

enum rc kube_cache_create(enum resource_type type, struct kube_cache **ret_cache, struct error *err)
{
	struct kube_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return error_no_memory(err);
	cache->buckets = BUCKETS_FIRST;
	cache->by_uid = calloc(cache->buckets, sizeof(*cache->by_uid));
	cache->by_instance = calloc(cache->buckets, sizeof(*cache->by_instance));
	if (!cache->by_uid || !cache->by_instance) {
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
	if (!cache)
		return;
	for (size_t i = 0; cache->by_uid && i < cache->buckets; i++) {
		struct entry *next;

		for (struct entry *e = cache->by_uid[i]; e; e = next) {
			next = e->next_by_uid;
			entry_free(e);
		}
	}
	free(cache->by_uid);
	free(cache->by_instance);
	pthread_rwlock_destroy(&cache->lock);
	free(cache);
}

/* Is there an entry of the instance in the chain before `end` (NULL: in all of it)? */
static bool has_instance(const struct entry *first, const struct entry *end, const char *id)
{
	for (const struct entry *e = first; e != end; e = e->next_by_instance)
		if (strcmp(e->fact->instance_id, id) == 0)
			return true;
	return false;
}

static void link_entry(struct kube_cache *cache, struct entry *entry)
{
	struct entry **by_uid = uid_bucket(cache, &entry->fact->uid);
	struct entry **by_instance = instance_bucket(cache, entry->fact->instance_id);

	entry->next_by_uid = *by_uid;
	*by_uid = entry;
	cache->instances += !has_instance(*by_instance, NULL, entry->fact->instance_id);
	entry->next_by_instance = *by_instance;
	*by_instance = entry;
}

static void unlink_entry(struct kube_cache *cache, struct entry *entry)
{
	struct entry **by_instance = instance_bucket(cache, entry->fact->instance_id);
	struct entry **at = uid_bucket(cache, &entry->fact->uid);

	while (*at != entry)
		at = &(*at)->next_by_uid;
	*at = entry->next_by_uid;
	at = by_instance;
	while (*at != entry)
		at = &(*at)->next_by_instance;
	*at = entry->next_by_instance;
	cache->instances -= !has_instance(*by_instance, NULL, entry->fact->instance_id);
}

/* Twice the buckets. Without memory for it everything stays as it is, only slower. */
static void grow(struct kube_cache *cache)
{
	size_t buckets = cache->buckets * 2;
	struct entry **by_uid = calloc(buckets, sizeof(struct entry *));
	struct entry **by_instance = calloc(buckets, sizeof(struct entry *));
	struct entry **old = cache->by_uid;
	size_t old_buckets = cache->buckets;

	if (!by_uid || !by_instance) {
		free(by_uid);
		free(by_instance);
		return;
	}
	free(cache->by_instance);
	cache->by_uid = by_uid;
	cache->by_instance = by_instance;
	cache->buckets = buckets;
	cache->instances = 0;
	for (size_t i = 0; i < old_buckets; i++) {
		struct entry *next;

		for (struct entry *e = old[i]; e; e = next) {
			next = e->next_by_uid;
			link_entry(cache, e);
		}
	}
	free(old);
}

static struct entry *find_entry(const struct kube_cache *cache, const struct kube_uid *uid)
{
	struct entry *entry = *uid_bucket(cache, uid);

	while (entry && !kube_uid_equal(&entry->fact->uid, uid))
		entry = entry->next_by_uid;
	return entry;
}

/*
 * A failure lasts from when it was first seen: an evicted Pod's conditions may all be old, and FAILED must not be said
 * before its grace is over.
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

/* Takes the fact in, but for an error. ret_previous: what it replaces, to be freed by the caller, or NULL. */
static enum rc put(struct kube_cache *cache, struct fact *fact, struct fact **ret_previous, struct error *err)
{
	struct entry *entry = find_entry(cache, &fact->uid);
	size_t bytes = cache->bytes - (entry ? entry->fact->bytes : 0) + fact->bytes;

	if (bytes > KUBE_CACHE_MAX)
		return error_set(err, RC_UNAVAILABLE, "there are more containers than %u MiB of memory hold",
				 KUBE_CACHE_MAX / 1024 / 1024);
	if (entry) {
		date_failure(fact, entry->fact);
		unlink_entry(cache, entry);
		*ret_previous = entry->fact;
	} else {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return error_no_memory(err);
		if (++cache->entries > cache->buckets)
			grow(cache);
	}
	entry->fact = fact;
	entry->list = cache->list[fact->kind];
	cache->bytes = bytes;
	link_entry(cache, entry);
	return RC_OK;
}

/* Out of both chains; the entry is the caller's. */
static void take_out(struct kube_cache *cache, struct entry *entry)
{
	unlink_entry(cache, entry);
	cache->entries--;
	cache->bytes -= entry->fact->bytes;
}

/* Take out all of the kind, or those that the last list did not tell: a chain by next_by_uid for the caller. */
static struct entry *take_out_kind(struct kube_cache *cache, enum kube_kind kind, bool all)
{
	struct entry *taken = NULL;
	struct entry *next;

	for (size_t i = 0; i < cache->buckets; i++) {
		for (struct entry *e = cache->by_uid[i]; e; e = next) {
			next = e->next_by_uid;
			if (e->fact->kind != kind || (!all && e->list == cache->list[kind]))
				continue;
			take_out(cache, e);
			e->next_by_uid = taken;
			taken = e;
		}
	}
	return taken;
}

static void free_chain(struct entry *first)
{
	struct entry *next;

	for (struct entry *e = first; e; e = next) {
		next = e->next_by_uid;
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
		return RC_OK; /* an object that cannot be told from others is no container of anybody's */
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
	if (previous && !str_equal(previous->instance_id, id)) /* its label was another one */
		tell_change(cache, kind, previous->instance_id);
	tell_change(cache, kind, id ? id : "");
	free(previous);
	free(gone);
	return RC_OK;
}

/* What the list that ends now did not tell has been deleted while there was no watch. */
static void on_list_end(void *ctx, enum kube_kind kind)
{
	struct kube_cache *cache = ctx;
	struct entry *vanished;

	pthread_rwlock_wrlock(&cache->lock);
	vanished = take_out_kind(cache, kind, false);
	cache->synced |= 1u << kind;
	pthread_rwlock_unlock(&cache->lock);
	for (const struct entry *e = vanished; e; e = e->next_by_uid)
		tell_change(cache, kind, e->fact->instance_id);
	free_chain(vanished);
}

struct informer_listener kube_cache_listener(struct kube_cache *cache)
{
	return (struct informer_listener){
		.list_begin = on_list_begin,
		.object = on_object,
		.list_end = on_list_end,
		.ctx = cache,
		.selector = labels_selector(cache->type),
	};
}

bool kube_cache_is_synced(struct kube_cache *cache, unsigned kinds)
{
	bool synced;

	pthread_rwlock_rdlock(&cache->lock);
	synced = (cache->synced & kinds) == kinds;
	pthread_rwlock_unlock(&cache->lock);
	return synced;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

#define VISIT_FEW 256 /* facts of one instance for which no memory is needed */

/* How much a fact says of its instance: what it is made of, its living Pods, and those that only lie about. */
enum weight { WEIGHT_FRAME, WEIGHT_LIVING, WEIGHT_ENDED, WEIGHT_COUNT };

static enum weight weight_of(const struct fact *fact)
{
	if (fact->kind != KUBE_POD)
		return WEIGHT_FRAME;
	return fact->phase == POD_FAILED || fact->phase == POD_SUCCEEDED ? WEIGHT_ENDED : WEIGHT_LIVING;
}

static size_t count_facts(const struct entry *first, const char *id)
{
	size_t count = 0;

	for (const struct entry *e = first; e; e = e->next_by_instance)
		count += strcmp(e->fact->instance_id, id) == 0;
	return count;
}

/* The weightiest first. Returns how many there are now. */
static size_t collect_facts(const struct entry *first, const char *id, const struct fact **facts, size_t max)
{
	size_t count = 0;

	for (int weight = 0; weight < WEIGHT_COUNT; weight++)
		for (const struct entry *e = first; e && count < max; e = e->next_by_instance)
			if (strcmp(e->fact->instance_id, id) == 0 && (int)weight_of(e->fact) == weight)
				facts[count++] = e->fact;
	return count;
}

/* Evicted Pods pile up by the thousand. Should there be no memory for them, those that say least are left out. */
static void visit_bucket(const struct entry *first, const char *id, kube_cache_visitor visit, void *ctx)
{
	const struct fact *few[VISIT_FEW];
	size_t max = count_facts(first, id);
	const struct fact **many = max > VISIT_FEW ? calloc(max, sizeof(*many)) : NULL;

	if (many)
		visit(ctx, many, collect_facts(first, id, many, max));
	else
		visit(ctx, few, collect_facts(first, id, few, VISIT_FEW));
	free(many);
}

void kube_cache_visit(struct kube_cache *cache, const char *instance_id, kube_cache_visitor visit, void *ctx)
{
	pthread_rwlock_rdlock(&cache->lock);
	visit_bucket(*instance_bucket(cache, instance_id), instance_id, visit, ctx);
	pthread_rwlock_unlock(&cache->lock);
}

void kube_cache_visit_all(struct kube_cache *cache, kube_cache_visitor visit, void *ctx)
{
	pthread_rwlock_rdlock(&cache->lock);
	for (size_t i = 0; i < cache->buckets; i++)
		for (const struct entry *e = cache->by_instance[i]; e; e = e->next_by_instance)
			if (!has_instance(cache->by_instance[i], e, e->fact->instance_id)) /* each instance once */
				visit_bucket(e, e->fact->instance_id, visit, ctx);
	pthread_rwlock_unlock(&cache->lock);
}

struct kube_cache_size kube_cache_size(struct kube_cache *cache)
{
	struct kube_cache_size size;

	pthread_rwlock_rdlock(&cache->lock);
	size = (struct kube_cache_size){ .instances = cache->instances, .facts = cache->entries };
	pthread_rwlock_unlock(&cache->lock);
	return size;
}
