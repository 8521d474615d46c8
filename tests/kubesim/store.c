#include "tests/kubesim/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "tests/kubesim/store_private.h"

#define TABLE_FIRST 64 /* rows */

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct sim_store *sim_store_create(size_t history_max)
{
	struct sim_store *s = calloc(1, sizeof(*s));
	bool complete = true;

	if (!s)
		return NULL;
	s->history_max = history_max;
	s->version = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	for (size_t i = 0; i < SIM_KIND_COUNT; i++) {
		pthread_cond_init(&s->tables[i].changed, NULL);
		s->tables[i].ring = calloc(history_max, sizeof(struct sim_event));
		complete = complete && s->tables[i].ring;
	}
	if (complete)
		return s;
	sim_store_destroy(s);
	return NULL;
}

void sim_store_destroy(struct sim_store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SIM_KIND_COUNT; i++) {
		struct table *t = &s->tables[i];

		sim_history_clear(s, t);
		for (size_t k = 0; k < t->count; k++) {
			sim_object_unref(t->rows[k]->current);
			free(t->rows[k]);
		}
		free(t->rows);
		free(t->ring);
		pthread_cond_destroy(&t->changed);
	}
	sim_queue_clear(&s->todo);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void sim_store_stop(struct sim_store *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopped = true;
	pthread_cond_broadcast(&s->work);
	for (size_t i = 0; i < SIM_KIND_COUNT; i++)
		pthread_cond_broadcast(&s->tables[i].changed);
	pthread_mutex_unlock(&s->lock);
}

bool sim_store_stopped(struct sim_store *s)
{
	bool stopped;

	pthread_mutex_lock(&s->lock);
	stopped = s->stopped;
	pthread_mutex_unlock(&s->lock);
	return stopped;
}

void sim_store_wait_locked(struct sim_store *s, pthread_cond_t *condition, int64_t wait_ms)
{
	(void)thread_wait(condition, &s->lock, clock_mono_ms() + wait_ms); /* woken or not: look again */
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

struct table *sim_table_of(struct sim_store *s, const struct sim_kind *kind)
{
	return &s->tables[sim_kind_place(kind)];
}

size_t sim_rows_lower_bound(const struct table *t, const char *key)
{
	size_t low = 0;
	size_t high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(t->rows[middle]->current->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct slot *sim_slot_of(struct sim_store *s, const struct sim_object *object)
{
	struct link *link = sim_link_first(s->by_uid, object->uid);

	return link ? link->slot : NULL;
}

/* ---- the hash tables --------------------------------------------------------------------------------------------- */

static size_t bucket_of(const char *uid)
{
	size_t hash = 5381;

	for (; *uid; uid++)
		hash = hash * 33 + (unsigned char)*uid;
	return hash & (SIM_STORE_BUCKETS - 1);
}

static struct link *find_link(struct link *link, const char *uid)
{
	while (link && strcmp(link->uid, uid) != 0)
		link = link->next;
	return link;
}

struct link *sim_link_first(struct link *const *buckets, const char *uid)
{
	return find_link(buckets[bucket_of(uid)], uid);
}

struct link *sim_link_next(const struct link *link)
{
	return find_link(link->next, link->uid);
}

static void add_link(struct link **buckets, struct link *link, struct slot *slot, const char *uid)
{
	struct link **head = &buckets[bucket_of(uid)];

	*link = (struct link){ .uid = uid, .slot = slot, .next = *head };
	*head = link;
}

static void remove_link(struct link **buckets, struct link *link)
{
	struct link **at = &buckets[bucket_of(link->uid)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
}

static void add_links(struct sim_store *s, struct slot *slot)
{
	add_link(s->by_uid, &slot->by_uid, slot, slot->current->uid);
	for (size_t i = 0; i < SIM_OWNERS_MAX && slot->current->owners[i][0]; i++)
		add_link(s->by_owner, &slot->by_owner[i], slot, slot->current->owners[i]);
}

static void remove_links(struct sim_store *s, struct slot *slot)
{
	remove_link(s->by_uid, &slot->by_uid);
	for (size_t i = 0; i < SIM_OWNERS_MAX && slot->current->owners[i][0]; i++)
		remove_link(s->by_owner, &slot->by_owner[i]);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* Make room for one more row. */
static bool reserve_row(struct table *t)
{
	size_t capacity = t->capacity ? t->capacity * 2 : TABLE_FIRST;
	struct slot **grown;

	if (t->count < t->capacity)
		return true;
	grown = realloc(t->rows, capacity * sizeof(struct slot *));
	if (!grown)
		return false;
	t->rows = grown;
	t->capacity = capacity;
	return true;
}

static enum rc insert_locked(struct sim_store *s, struct sim_object *draft)
{
	struct table *t = sim_table_of(s, draft->kind);
	size_t index = sim_rows_lower_bound(t, draft->key);
	struct slot *slot;

	if (index < t->count && strcmp(t->rows[index]->current->key, draft->key) == 0)
		return RC_ALREADY_EXISTS;
	slot = reserve_row(t) ? calloc(1, sizeof(*slot)) : NULL;
	if (!slot)
		return RC_NO_MEMORY;
	memmove(t->rows + index + 1, t->rows + index, (t->count - index) * sizeof(struct slot *));
	t->rows[index] = slot;
	t->count++;
	draft->version = ++s->version;
	slot->current = sim_object_ref(draft);
	slot->created_ms = clock_mono_ms();
	add_links(s, slot);
	sim_touch_locked(s, slot, 0);
	sim_touch_owners_locked(s, draft);
	sim_history_add_locked(s, SIM_ADDED, sim_object_ref(draft), NULL);
	return RC_OK;
}

enum rc sim_store_insert(struct sim_store *s, struct sim_object *draft)
{
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	rc = insert_locked(s, draft);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void replace_locked(struct sim_store *s, struct slot *slot, struct sim_object *draft)
{
	struct sim_object *before = slot->current;

	if (strcmp(before->text, draft->text) == 0) {
		draft->version = before->version;
		return;
	}
	draft->version = ++s->version;
	remove_links(s, slot);
	slot->current = sim_object_ref(draft);
	add_links(s, slot);
	if (draft->deleting && !slot->deleting_ms)
		slot->deleting_ms = clock_mono_ms();
	sim_touch_owners_locked(s, before);
	sim_touch_locked(s, slot, 0);
	sim_touch_owners_locked(s, draft);
	sim_history_add_locked(s, SIM_MODIFIED, sim_object_ref(draft), before);
}

/* The slot that still holds `old`. */
static enum rc find_current(struct sim_store *s, const struct sim_object *old, struct slot **ret_slot)
{
	*ret_slot = sim_slot_of(s, old);
	if (!*ret_slot)
		return RC_NOT_FOUND;
	return (*ret_slot)->current == old ? RC_OK : RC_CONFLICT;
}

enum rc sim_store_replace(struct sim_store *s, const struct sim_object *old, struct sim_object *draft)
{
	struct slot *slot;
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	rc = find_current(s, old, &slot);
	if (!rc)
		replace_locked(s, slot, draft);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void remove_locked(struct sim_store *s, struct slot *slot)
{
	struct sim_object *last = slot->current;
	struct table *t = sim_table_of(s, last->kind);
	size_t index = sim_rows_lower_bound(t, last->key);

	s->version++;
	remove_links(s, slot);
	t->count--;
	memmove(t->rows + index, t->rows + index + 1, (t->count - index) * sizeof(struct slot *));
	free(slot);
	sim_touch_owners_locked(s, last);
	sim_touch_dependents_locked(s, last->uid);
	sim_history_add_locked(s, SIM_DELETED, last, sim_object_ref(last));
}

enum rc sim_store_remove(struct sim_store *s, const struct sim_object *old)
{
	struct slot *slot;
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	rc = find_current(s, old, &slot);
	if (!rc)
		remove_locked(s, slot);
	pthread_mutex_unlock(&s->lock);
	return rc;
}
