#include "kube-worker/streams/container_feed.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash_table.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/container/labels.h"
#include "common/container/workload.h"
#include "kube-worker/container/container_find.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/operation/op_kube.h"
#include "kube-worker/streams/instance_watch.h"

#define TEXT_MAX (16u * 1024 * 1024) /* bytes of an object; above any Kubernetes object */
#define FAILURES_MAX 4               /* consecutive, of an informer, a few seconds: another worker may succeed */
#define CHECK_MS 1000                /* check interval */
#define INSTANCES_AT_ONCE 64         /* processed per call, even without output */

/* A possible root of a container. */
struct root_text {
	struct hash_link by_uid;
	struct instance *instance;
	struct root_text *next; /* of the instance */
	struct fact *fact;
	char *text; /* the object */
	size_t len;
	uint32_t list; /* the last list that contained it */
};

struct instance {
	struct hash_link by_id;
	struct root_text *roots;
	bool waits; /* in the queue */
	struct instance *next_waiting;
	uint64_t ticket; /* its position in the queue */
	uint64_t told;   /* a hash of the last output; 0: none, or deleted */
	int64_t recheck_ms;
	char id[];
};

struct container_feed {
	const struct op_env *env;
	void (*wake)(void *ctx);
	void *ctx;
	struct instance_listener listener;
	struct informer *informers[KUBE_KIND_COUNT];
	struct op_call call;            /* the reader's */
	struct container_extras extras; /* the reader's */
	pthread_mutex_t lock;           /* protects everything below; taken before the cache's lock */
	struct hash_table by_uid;
	struct hash_table by_id;
	size_t bytes;
	uint32_t list[KUBE_KIND_COUNT];
	unsigned listed;    /* kinds, as bits */
	unsigned forbidden; /* the same, of optional ones */
	struct instance *first_waiting, *last_waiting;
	uint64_t next_ticket;
	uint64_t snapshot_end; /* the first ticket after the snapshot */
	bool begun;
	bool synced;
	int64_t recheck_ms; /* the earliest; INT64_MAX: none */
	bool too_many;
	bool closed;
	size_t informer_count; /* running */
};

/* ---- counting ---------------------------------------------------------------------------------------------------- */

void feed_count_init(struct feed_count *feeds)
{
	pthread_mutex_init(&feeds->lock, NULL);
	pthread_cond_init(&feeds->changed, NULL);
	feeds->count = 0;
}

static void count_feed(struct feed_count *feeds, int change)
{
	pthread_mutex_lock(&feeds->lock);
	feeds->count += (size_t)change;
	pthread_cond_broadcast(&feeds->changed);
	pthread_mutex_unlock(&feeds->lock);
}

void feed_count_wait(struct feed_count *feeds)
{
	pthread_mutex_lock(&feeds->lock);
	while (feeds->count)
		(void)thread_wait(&feeds->changed, &feeds->lock, INT64_MAX); /* check in any case */
	pthread_mutex_unlock(&feeds->lock);
}

/* ---- the tables; all with the lock ------------------------------------------------------------------------------- */

static struct root_text *root_of(struct hash_link *link)
{
	return link ? hash_entry_of(link, struct root_text, by_uid) : NULL;
}

static struct instance *instance_of(struct hash_link *link)
{
	return link ? hash_entry_of(link, struct instance, by_id) : NULL;
}

static uint64_t hash_uid(const struct kube_uid *uid)
{
	return hash_bytes(HASH_INIT, uid->bytes, sizeof(uid->bytes));
}

static struct root_text *find_root(const struct container_feed *feed, const struct kube_uid *uid)
{
	struct hash_link *link = hash_table_find(&feed->by_uid, hash_uid(uid));

	while (link && !kube_uid_equal(&root_of(link)->fact->uid, uid))
		link = hash_table_find_next(link);
	return root_of(link);
}

static struct instance *find_instance(const struct container_feed *feed, const char *id)
{
	struct hash_link *link = hash_table_find(&feed->by_id, hash_text(HASH_INIT, id));

	while (link && strcmp(instance_of(link)->id, id) != 0)
		link = hash_table_find_next(link);
	return instance_of(link);
}

/* NULL: out of memory. */
static struct instance *make_instance(struct container_feed *feed, const char *id)
{
	struct instance *instance = find_instance(feed, id);

	if (instance)
		return instance;
	instance = calloc(1, sizeof(*instance) + strlen(id) + 1);
	if (!instance)
		return NULL;
	memcpy(instance->id, id, strlen(id) + 1);
	hash_table_add(&feed->by_id, &instance->by_id, hash_text(HASH_INIT, id));
	return instance;
}

static void enqueue(struct container_feed *feed, struct instance *instance)
{
	if (instance->waits)
		return;
	instance->waits = true;
	instance->ticket = feed->next_ticket++;
	instance->next_waiting = NULL;
	*(feed->last_waiting ? &feed->last_waiting->next_waiting : &feed->first_waiting) = instance;
	feed->last_waiting = instance;
}

static struct instance *dequeue(struct container_feed *feed)
{
	struct instance *instance = feed->first_waiting;

	feed->first_waiting = instance->next_waiting;
	if (!feed->first_waiting)
		feed->last_waiting = NULL;
	instance->waits = false;
	return instance;
}

static void free_root(struct root_text *root)
{
	free(root->fact);
	free(root->text);
	free(root);
}

static size_t bytes_of(const struct root_text *root)
{
	return sizeof(*root) + root->len + root->fact->bytes;
}

static void add_root(struct container_feed *feed, struct instance *instance, struct root_text *root)
{
	root->instance = instance;
	root->next = instance->roots;
	instance->roots = root;
	hash_table_add(&feed->by_uid, &root->by_uid, hash_uid(&root->fact->uid));
	feed->bytes += bytes_of(root);
	enqueue(feed, instance);
}

static void remove_root(struct container_feed *feed, struct root_text *root)
{
	struct root_text **at = &root->instance->roots;

	while (*at != root)
		at = &(*at)->next;
	*at = root->next;
	hash_table_remove(&feed->by_uid, &root->by_uid);
	feed->bytes -= bytes_of(root);
	enqueue(feed, root->instance);
	free_root(root);
}

/* ---- from the informers ------------------------------------------------------------------------------------------ */

/* Without server-side metadata, which may be half of it. */
static void write_object(struct json_writer *w, const cJSON *object)
{
	const cJSON *member = NULL;
	const cJSON *part = NULL;

	json_begin_object(w, NULL);
	cJSON_ArrayForEach (member, object) {
		if (strcmp(member->string, "metadata") != 0) {
			json_tree(w, member->string, member);
			continue;
		}
		json_begin_object(w, "metadata");
		cJSON_ArrayForEach (part, member)
			if (strcmp(part->string, "managedFields") != 0)
				json_tree(w, part->string, part);
		json_end_object(w);
	}
	json_end_object(w);
}

static enum rc make_root(enum kube_kind kind, const cJSON *object, struct root_text **ret_root, struct error *err)
{
	struct buf text cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&text);
	cleanup_free struct fact *fact = NULL;
	struct root_text *root;
	enum rc rc = fact_from_object(kind, object, &fact, err);

	if (rc)
		return rc;
	write_object(&w, object);
	rc = buf_check(&text, err);
	if (rc)
		return rc;
	root = calloc(1, sizeof(*root));
	if (!root)
		return error_no_memory(err);
	root->len = text.len;
	root->text = strndup(text.data, text.len);
	root->fact = TAKE(fact);
	if (!root->text) {
		free_root(root);
		return error_no_memory(err);
	}
	*ret_root = root;
	return RC_OK;
}

static void on_list_begin(void *ctx, enum kube_kind kind)
{
	struct container_feed *feed = ctx;

	pthread_mutex_lock(&feed->lock);
	feed->list[kind]++;
	pthread_mutex_unlock(&feed->lock);
}

/* With the lock. Takes ownership of the root on RC_OK. */
static enum rc take_root(struct container_feed *feed, struct root_text *root, bool gone, struct error *err)
{
	struct root_text *before = find_root(feed, &root->fact->uid);
	struct instance *instance;

	if (before)
		remove_root(feed, before);
	if (gone || !root->fact->instance_id[0]) {
		free_root(root);
		return RC_OK;
	}
	instance = make_instance(feed, root->fact->instance_id);
	if (!instance)
		return error_no_memory(err);
	root->list = feed->list[root->fact->kind];
	add_root(feed, instance, root);
	feed->too_many = feed->bytes > CONTAINER_FEED_MAX; /* reported by the reader */
	return RC_OK;
}

/* With the lock. */
static void wake(struct container_feed *feed)
{
	if (!feed->closed)
		feed->wake(feed->ctx);
}

static enum rc on_object(void *ctx, enum kube_kind kind, enum kube_event event, const cJSON *object, struct error *err)
{
	struct container_feed *feed = ctx;
	struct root_text *root = NULL;
	enum rc rc = make_root(kind, object, &root, err);

	if (rc)
		return rc == RC_UNAVAILABLE ? RC_OK : rc; /* as in kube_cache.h: objects without identity are ignored */
	pthread_mutex_lock(&feed->lock);
	if (!feed->too_many && !feed->closed) {
		rc = take_root(feed, root, event == KUBE_DELETED, err);
		root = rc ? root : NULL;
	}
	wake(feed);
	pthread_mutex_unlock(&feed->lock);
	if (root)
		free_root(root);
	return rc;
}

static void on_list_end(void *ctx, enum kube_kind kind)
{
	struct container_feed *feed = ctx;
	struct hash_link *next;

	pthread_mutex_lock(&feed->lock);
	for (struct hash_link *link = hash_table_first(&feed->by_uid); link; link = next) {
		struct root_text *root = root_of(link);

		next = hash_table_after(&feed->by_uid, link);
		if (root->fact->kind == kind && root->list != feed->list[kind])
			remove_root(feed, root);
	}
	feed->listed |= 1u << kind;
	feed->forbidden &= ~(1u << kind);
	if (!feed->begun)
		feed->snapshot_end = feed->next_ticket;
	wake(feed);
	pthread_mutex_unlock(&feed->lock);
}

/* Optional kinds count as listed. */
static void on_list_forbidden(void *ctx, enum kube_kind kind)
{
	struct container_feed *feed = ctx;

	pthread_mutex_lock(&feed->lock);
	feed->forbidden |= workload_optional_kinds() & 1u << kind;
	wake(feed);
	pthread_mutex_unlock(&feed->lock);
}

/* An instance has changed in the cache; roots are from our own informers. */
static void on_change(void *ctx, enum kube_kind kind, const char *instance_id)
{
	struct container_feed *feed = ctx;
	struct instance *instance;

	if (workload_root_kinds() & 1u << kind)
		return;
	pthread_mutex_lock(&feed->lock);
	instance = find_instance(feed, instance_id);
	if (instance) {
		enqueue(feed, instance);
		wake(feed);
	}
	pthread_mutex_unlock(&feed->lock);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void free_feed(struct container_feed *feed)
{
	struct feed_count *feeds = feed->env->feeds;
	struct hash_link *next;

	for (struct hash_link *link = hash_table_first(&feed->by_uid); link; link = next) {
		next = hash_table_after(&feed->by_uid, link);
		free_root(root_of(link));
	}
	for (struct hash_link *link = hash_table_first(&feed->by_id); link; link = next) {
		next = hash_table_after(&feed->by_id, link);
		free(instance_of(link));
	}
	hash_table_clear(&feed->by_uid);
	hash_table_clear(&feed->by_id);
	container_extras_clear(&feed->extras);
	pthread_mutex_destroy(&feed->lock);
	free(feed);
	count_feed(feeds, -1);
}

/* The last user frees it. */
static void let_go(void *ctx)
{
	struct container_feed *feed = ctx;
	bool last;

	pthread_mutex_lock(&feed->lock);
	last = --feed->informer_count == 0;
	pthread_mutex_unlock(&feed->lock);
	if (last)
		free_feed(feed);
}

void container_feed_close(struct container_feed *feed)
{
	instance_watch_unlisten(feed->env->watch, &feed->listener);
	pthread_mutex_lock(&feed->lock);
	feed->closed = true;
	pthread_mutex_unlock(&feed->lock);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		if (feed->informers[kind])
			informer_abandon(TAKE(feed->informers[kind]), let_go, feed);
	let_go(feed);
}

static enum rc start_informers(struct container_feed *feed, struct error *err)
{
	const struct informer_listener listener = {
		.list_begin = on_list_begin,
		.object = on_object,
		.list_end = on_list_end,
		.list_forbidden = on_list_forbidden,
		.ctx = feed,
		.selector = labels_selector(feed->env->resource),
	};
	enum rc rc = RC_OK;

	for (int kind = 0; !rc && kind < KUBE_KIND_COUNT; kind++) {
		if (!(workload_root_kinds() & 1u << kind))
			continue;
		rc = informer_create(feed->env->auth, feed->env->namespace, (enum kube_kind)kind, INFORMER_AUTO,
				     &listener, &feed->informers[kind], err);
		pthread_mutex_lock(&feed->lock);
		feed->informer_count += rc == RC_OK;
		pthread_mutex_unlock(&feed->lock);
	}
	return rc;
}

/* With its tables: on_change() uses them as soon as it listens. NULL: out of memory. */
static struct container_feed *feed_alloc(void)
{
	struct container_feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	if (hash_table_init(&feed->by_uid) && hash_table_init(&feed->by_id))
		return feed;
	hash_table_clear(&feed->by_uid);
	free(feed);
	return NULL;
}

enum rc container_feed_open(const struct op_env *env, void (*wake_reader)(void *ctx), void *ctx,
			    struct container_feed **ret_feed, struct error *err)
{
	struct container_feed *feed = feed_alloc();
	enum rc rc;

	if (!feed)
		return error_no_memory(err);
	feed->env = env;
	feed->wake = wake_reader;
	feed->ctx = ctx;
	feed->call.env = env;
	feed->extras = container_extras_make();
	feed->recheck_ms = INT64_MAX;
	feed->next_ticket = 1;
	feed->informer_count = 1; /* us */
	feed->listener = (struct instance_listener){ .changed = on_change, .ctx = feed };
	pthread_mutex_init(&feed->lock, NULL);
	count_feed(env->feeds, 1);
	instance_watch_listen(env->watch, &feed->listener);
	rc = start_informers(feed, err);
	if (rc) {
		container_feed_close(feed);
		return rc;
	}
	*ret_feed = feed;
	return RC_OK;
}

/* ---- for the reader ---------------------------------------------------------------------------------------------- */

/* A list that the Role does not allow is an error. */
static enum rc check_informer(const struct container_feed *feed, enum kube_kind kind, struct error *err)
{
	struct error failure = informer_failure(feed->informers[kind]);
	bool forbidden = failure.rc == RC_PERMISSION_DENIED && !(feed->listed & 1u << kind) &&
			 !(workload_optional_kinds() & 1u << kind);

	if (informer_counts(feed->informers[kind]).failing < FAILURES_MAX && !forbidden)
		return RC_OK;
	if (!failure.rc)
		return error_set(err, RC_UNAVAILABLE, "Kubernetes failed to list the containers");
	op_kube_make_public(NULL, &failure);
	*err = failure;
	return failure.rc;
}

static enum rc check(const struct container_feed *feed, struct error *err)
{
	enum rc rc = RC_OK;

	if (feed->too_many)
		return error_set(err, RC_UNAVAILABLE, "the containers exceed %u MiB of memory",
				 CONTAINER_FEED_MAX / 1024 / 1024);
	for (int kind = 0; !rc && kind < KUBE_KIND_COUNT; kind++)
		if (feed->informers[kind] && !(feed->forbidden & 1u << kind))
			rc = check_informer(feed, (enum kube_kind)kind, err);
	return rc;
}

enum rc container_feed_is_ready(struct container_feed *feed, bool *ret_ready, struct error *err)
{
	enum rc rc;

	pthread_mutex_lock(&feed->lock);
	rc = check(feed, err);
	*ret_ready = ((feed->listed | feed->forbidden) & workload_root_kinds()) == workload_root_kinds();
	pthread_mutex_unlock(&feed->lock);
	if (!rc)
		rc = op_kube_check_cache(feed->env, container_gather_kinds(), err);
	*ret_ready = *ret_ready && kube_cache_is_synced(feed->env->cache, container_gather_kinds());
	return rc;
}

/* As in container_find.h: the one named like the id, or else the oldest. */
static bool comes_first(const struct fact *a, const struct fact *b)
{
	bool named = strcmp(a->name, a->instance_id) == 0;

	if (named != (strcmp(b->name, b->instance_id) == 0))
		return named;
	if (a->created_ms != b->created_ms)
		return a->created_ms < b->created_ms;
	return strcmp(a->name, b->name) != 0 ? strcmp(a->name, b->name) < 0 : a->kind < b->kind;
}

static const struct root_text *choose_root(const struct instance *instance)
{
	const struct root_text *chosen = NULL;

	for (const struct root_text *root = instance->roots; root; root = root->next)
		if (!root->fact->deleting && (!chosen || comes_first(root->fact, chosen->fact)))
			chosen = root;
	return chosen;
}

static enum rc write_container(struct container_feed *feed, const struct root_text *root, struct json_writer *w,
			       struct error *err)
{
	cleanup_json cJSON *object = NULL;
	enum rc rc = json_parse(root->text, root->len, &object, err);

	if (!rc)
		rc = container_gather_from(&feed->call, feed->env->cache, root->fact, &feed->extras, err);
	return rc ? rc : container_view_write(w, object, &feed->extras, NULL, err);
}

static void note_recheck(struct container_feed *feed, struct instance *instance)
{
	instance->recheck_ms = feed->extras.recheck_ms;
	if (instance->recheck_ms && instance->recheck_ms < feed->recheck_ms)
		feed->recheck_ms = instance->recheck_ms;
}

/* An unchanged container is not written again. */
static enum rc tell_container(struct container_feed *feed, struct instance *instance, const struct root_text *root,
			      struct buf *out, struct error *err)
{
	struct json_writer w = json_writer_make(out);
	size_t before = out->len;
	uint64_t hash;
	enum rc rc = write_container(feed, root, &w, err);

	if (rc)
		return rc;
	note_recheck(feed, instance);
	hash = hash_bytes(HASH_INIT, out->data + before, out->len - before) | 1;
	if (hash == instance->told)
		buf_truncate(out, before);
	else
		buf_add_char(out, '\n');
	instance->told = hash;
	return buf_check(out, err);
}

static void tell_gone(struct container_feed *feed, struct instance *instance, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	if (instance->told) {
		json_begin_object(&w, NULL);
		json_string(&w, "gone", instance->id);
		json_end_object(&w);
		buf_add_char(out, '\n');
	}
	instance->told = 0;
	instance->recheck_ms = 0;
	if (instance->roots)
		return; /* being deleted */
	hash_table_remove(&feed->by_id, &instance->by_id);
	free(instance);
}

static void tell_word(const char *word, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_bool(&w, word, true);
	json_end_object(&w);
	buf_add_char(out, '\n');
}

/* Containers whose state changes with time. */
static void recheck(struct container_feed *feed, int64_t now_ms)
{
	if (now_ms < feed->recheck_ms)
		return;
	feed->recheck_ms = INT64_MAX;
	for (struct hash_link *link = hash_table_first(&feed->by_id); link;
	     link = hash_table_after(&feed->by_id, link)) {
		struct instance *instance = instance_of(link);

		if (!instance->recheck_ms)
			continue;
		if (instance->recheck_ms <= now_ms)
			enqueue(feed, instance);
		else if (instance->recheck_ms < feed->recheck_ms)
			feed->recheck_ms = instance->recheck_ms;
	}
}

static bool snapshot_ends(const struct container_feed *feed)
{
	return !feed->synced && (!feed->first_waiting || feed->first_waiting->ticket >= feed->snapshot_end);
}

static enum rc read_next(struct container_feed *feed, struct buf *out, struct error *err)
{
	struct instance *instance = dequeue(feed);
	const struct root_text *root = choose_root(instance);

	if (root)
		return tell_container(feed, instance, root, out, err);
	tell_gone(feed, instance, out);
	return buf_check(out, err);
}

enum rc container_feed_read(struct container_feed *feed, size_t max, struct buf *out, int64_t *ret_due_ms,
			    struct error *err)
{
	size_t end = out->len + max;
	enum rc rc;

	pthread_mutex_lock(&feed->lock);
	rc = check(feed, err);
	if (!feed->begun)
		tell_word("snapshot", out);
	feed->begun = true;
	recheck(feed, clock_mono_ms());
	for (int i = 0; !rc && i < INSTANCES_AT_ONCE && out->len < end && feed->first_waiting; i++) {
		if (snapshot_ends(feed))
			break;
		rc = read_next(feed, out, err);
	}
	if (!rc && snapshot_ends(feed)) {
		tell_word("synced", out);
		feed->synced = true;
	}
	*ret_due_ms = clock_mono_ms() + (feed->first_waiting ? 0 : CHECK_MS);
	*ret_due_ms = feed->recheck_ms < *ret_due_ms ? feed->recheck_ms : *ret_due_ms;
	pthread_mutex_unlock(&feed->lock);
	return rc ? rc : buf_check(out, err);
}
