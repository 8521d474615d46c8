#include "tests/kubesim/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/kubesim/store_private.h"

#define TABLE_FIRST 64 /* rows */

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct sim_store *sim_store_create(size_t history_max, int64_t gc_delay_ms)
{
	struct sim_store *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;

	if (!s)
		return NULL;
	s->history_max = history_max;
	s->gc_delay_ms = gc_delay_ms;
	s->version = 1;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, &monotonic);
	for (size_t i = 0; i < SIM_KIND_COUNT; i++) {
		pthread_cond_init(&s->tables[i].changed, &monotonic);
		s->tables[i].ring = calloc(history_max, sizeof(struct sim_event));
		if (!s->tables[i].ring) {
			sim_store_destroy(s);
			s = NULL;
			break;
		}
	}
	pthread_condattr_destroy(&monotonic);
	return s;
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

uint64_t sim_store_version(struct sim_store *s)
{
	uint64_t version;

	pthread_mutex_lock(&s->lock);
	version = s->version;
	pthread_mutex_unlock(&s->lock);
	return version;
}

void sim_store_wait_locked(struct sim_store *s, pthread_cond_t *condition, int64_t wait_ms)
{
	int64_t until_ns = clock_mono_ns() + wait_ms * 1000000;
	struct timespec until = { .tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 };

	pthread_cond_timedwait(condition, &s->lock, &until);
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

size_t sim_store_bucket(const char *uid)
{
	size_t hash = 5381;

	for (; *uid; uid++)
		hash = hash * 33 + (unsigned char)*uid;
	return hash & (SIM_STORE_BUCKETS - 1);
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

static struct table *table_of(struct sim_store *s, const struct sim_kind *kind)
{
	return &s->tables[sim_kind_place(kind)];
}

/* The slot of that key; NULL when there is none, or when it holds another object than the one with `uid`. */
static struct slot *find_slot(struct sim_store *s, const struct sim_kind *kind, const char *key, const char *uid)
{
	struct table *t = table_of(s, kind);
	size_t index = sim_rows_lower_bound(t, key);
	struct slot *slot = index < t->count ? t->rows[index] : NULL;

	if (!slot || strcmp(slot->current->key, key) != 0)
		return NULL;
	return !uid || strcmp(slot->current->uid, uid) == 0 ? slot : NULL;
}

static struct slot *find_uid(struct sim_store *s, const char *uid)
{
	struct slot *slot = s->by_uid[sim_store_bucket(uid)];

	while (slot && strcmp(slot->current->uid, uid) != 0)
		slot = slot->next_uid;
	return slot;
}

struct sim_object *sim_store_get(struct sim_store *s, const struct sim_kind *kind, const char *ns, const char *name)
{
	char key[640];
	struct sim_object *found;
	struct slot *slot;

	snprintf(key, sizeof(key), "%s%s%s", kind->namespaced ? ns : "", kind->namespaced ? "/" : "", name);
	pthread_mutex_lock(&s->lock);
	slot = find_slot(s, kind, key, NULL);
	found = slot ? sim_object_ref(slot->current) : NULL;
	pthread_mutex_unlock(&s->lock);
	return found;
}

bool sim_store_has_uid(struct sim_store *s, const char *uid)
{
	bool has;

	pthread_mutex_lock(&s->lock);
	has = find_uid(s, uid) != NULL;
	pthread_mutex_unlock(&s->lock);
	return has;
}

size_t sim_store_count(struct sim_store *s, const struct sim_kind *kind)
{
	size_t count;

	pthread_mutex_lock(&s->lock);
	count = table_of(s, kind)->count;
	pthread_mutex_unlock(&s->lock);
	return count;
}

/* ---- the controllers' list --------------------------------------------------------------------------------------- */

/* Memory short: the object waits for its next change. */
static void touch_locked(struct sim_store *s, struct slot *slot, int64_t delay_ms)
{
	const struct sim_queue_node *first = sim_queue_first(&s->todo);

	(void)sim_queue_add(&s->todo, &slot->todo, clock_mono_ms() + delay_ms); /* see above */
	if (sim_queue_first(&s->todo) != first || delay_ms == 0)
		pthread_cond_signal(&s->work);
}

static void touch_owners_locked(struct sim_store *s, const struct sim_object *o)
{
	for (size_t i = 0; i < SIM_OWNERS_MAX && o->owners[i][0]; i++) {
		struct slot *owner = find_uid(s, o->owners[i]);

		if (owner)
			touch_locked(s, owner, 0);
	}
}

/* The object with this uid is gone: those who name it may have become orphans. */
static void touch_dependents_locked(struct sim_store *s, const char *uid)
{
	for (struct owner_link *link = s->by_owner[sim_store_bucket(uid)]; link; link = link->next) {
		size_t place = (size_t)(link - link->slot->links);

		if (strcmp(link->slot->current->owners[place], uid) != 0)
			continue;
		if (!link->slot->orphan_since_ms)
			link->slot->orphan_since_ms = clock_mono_ms();
		touch_locked(s, link->slot, s->gc_delay_ms);
	}
}

void sim_store_touch(struct sim_store *s, const struct sim_object *object, int64_t delay_ms)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	slot = find_slot(s, object->kind, object->key, object->uid);
	if (slot)
		touch_locked(s, slot, delay_ms);
	pthread_mutex_unlock(&s->lock);
}

struct sim_object *sim_store_next_due(struct sim_store *s)
{
	struct sim_object *object = NULL;

	pthread_mutex_lock(&s->lock);
	while (!s->stopped && !object) {
		struct sim_queue_node *first = sim_queue_first(&s->todo);
		int64_t now_ms = clock_mono_ms();

		if (!first) {
			pthread_cond_wait(&s->work, &s->lock);
		} else if (first->due_ms > now_ms) {
			sim_store_wait_locked(s, &s->work, first->due_ms - now_ms);
		} else {
			struct slot *slot = (struct slot *)(void *)((char *)first - offsetof(struct slot, todo));

			sim_queue_remove(&s->todo, first);
			object = sim_object_ref(slot->current);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return object;
}

int64_t sim_store_orphan_wait_ms(struct sim_store *s, const struct sim_object *object)
{
	struct slot *slot;
	int64_t wait_ms = -1;
	bool owned = object->owners[0][0] == '\0';

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SIM_OWNERS_MAX && object->owners[i][0]; i++)
		owned = owned || find_uid(s, object->owners[i]);
	slot = owned ? NULL : find_slot(s, object->kind, object->key, object->uid);
	if (slot) {
		if (!slot->orphan_since_ms)
			slot->orphan_since_ms = clock_mono_ms();
		wait_ms = slot->orphan_since_ms + s->gc_delay_ms - clock_mono_ms();
		wait_ms = wait_ms < 0 ? 0 : wait_ms;
	}
	pthread_mutex_unlock(&s->lock);
	return wait_ms;
}

bool sim_store_ages(struct sim_store *s, const struct sim_object *object, int64_t *ret_age_ms, int64_t *ret_deleting_ms)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	slot = find_slot(s, object->kind, object->key, object->uid);
	if (slot) {
		*ret_age_ms = clock_mono_ms() - slot->created_ms;
		*ret_deleting_ms = slot->deleting_ms ? clock_mono_ms() - slot->deleting_ms : 0;
	}
	pthread_mutex_unlock(&s->lock);
	return slot != NULL;
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

static void link_owners_locked(struct sim_store *s, struct slot *slot)
{
	for (size_t i = 0; i < SIM_OWNERS_MAX && slot->current->owners[i][0]; i++) {
		struct owner_link **head = &s->by_owner[sim_store_bucket(slot->current->owners[i])];
		struct owner_link *link = &slot->links[i];

		*link = (struct owner_link){ .slot = slot, .next = *head, .previous = head };
		if (link->next)
			link->next->previous = &link->next;
		*head = link;
	}
}

static void unlink_owners_locked(struct slot *slot)
{
	for (size_t i = 0; i < SIM_OWNERS_MAX; i++) {
		struct owner_link *link = &slot->links[i];

		if (!link->previous)
			continue;
		*link->previous = link->next;
		if (link->next)
			link->next->previous = link->previous;
		*link = (struct owner_link){ 0 };
	}
}

static void unlink_uid_locked(struct sim_store *s, struct slot *slot)
{
	struct slot **at = &s->by_uid[sim_store_bucket(slot->current->uid)];

	while (*at != slot)
		at = &(*at)->next_uid;
	*at = slot->next_uid;
}

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

static enum rc insert_locked(struct sim_store *s, const struct sim_object *draft, struct sim_object **ret_object)
{
	struct table *t = table_of(s, draft->kind);
	size_t index = sim_rows_lower_bound(t, draft->key);
	struct slot **bucket = &s->by_uid[sim_store_bucket(draft->uid)];
	struct slot *slot;

	if (index < t->count && strcmp(t->rows[index]->current->key, draft->key) == 0)
		return RC_ALREADY_EXISTS;
	slot = calloc(1, sizeof(*slot));
	if (!slot || !reserve_row(t)) {
		free(slot);
		return RC_NO_MEMORY;
	}
	slot->current = sim_object_renumber(draft, s->version + 1);
	if (!slot->current) {
		free(slot);
		return RC_NO_MEMORY;
	}
	s->version++;
	memmove(t->rows + index + 1, t->rows + index, (t->count - index) * sizeof(struct slot *));
	t->rows[index] = slot;
	t->count++;
	slot->created_ms = clock_mono_ms();
	slot->next_uid = *bucket;
	*bucket = slot;
	link_owners_locked(s, slot);
	touch_locked(s, slot, 0);
	touch_owners_locked(s, slot->current);
	sim_history_add_locked(s, SIM_ADDED, sim_object_ref(slot->current), NULL);
	if (ret_object)
		*ret_object = sim_object_ref(slot->current);
	return RC_OK;
}

enum rc sim_store_insert(struct sim_store *s, const struct sim_object *draft, struct sim_object **ret_object)
{
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	rc = insert_locked(s, draft, ret_object);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static enum rc replace_locked(struct sim_store *s, struct slot *slot, const struct sim_object *draft,
			      struct sim_object **ret_object)
{
	struct sim_object *before = slot->current;
	bool same = sim_object_same(before, draft);
	struct sim_object *after;

	if (!same) {
		after = sim_object_renumber(draft, s->version + 1);
		if (!after)
			return RC_NO_MEMORY;
		s->version++;
		unlink_owners_locked(slot);
		touch_owners_locked(s, before);
		slot->current = after;
		if (after->deleting && !slot->deleting_ms)
			slot->deleting_ms = clock_mono_ms();
		link_owners_locked(s, slot);
		touch_locked(s, slot, 0);
		touch_owners_locked(s, after);
		sim_history_add_locked(s, SIM_MODIFIED, sim_object_ref(after), before);
	}
	if (ret_object)
		*ret_object = sim_object_ref(slot->current);
	return RC_OK;
}

enum rc sim_store_replace(struct sim_store *s, const struct sim_object *old, const struct sim_object *draft,
			  struct sim_object **ret_object)
{
	struct slot *slot;
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	slot = find_slot(s, old->kind, old->key, old->uid);
	if (!slot)
		rc = RC_NOT_FOUND;
	else if (slot->current != old)
		rc = RC_CONFLICT;
	else
		rc = replace_locked(s, slot, draft, ret_object);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static enum rc remove_locked(struct sim_store *s, struct slot *slot, struct sim_object **ret_object)
{
	struct sim_object *before = slot->current;
	struct table *t = table_of(s, before->kind);
	size_t index = sim_rows_lower_bound(t, before->key);
	struct sim_object *last = sim_object_renumber(before, s->version + 1);

	if (!last)
		return RC_NO_MEMORY;
	s->version++;
	unlink_owners_locked(slot);
	unlink_uid_locked(s, slot);
	sim_queue_remove(&s->todo, &slot->todo);
	t->count--;
	memmove(t->rows + index, t->rows + index + 1, (t->count - index) * sizeof(struct slot *));
	free(slot);
	touch_owners_locked(s, last);
	touch_dependents_locked(s, last->uid);
	sim_history_add_locked(s, SIM_DELETED, sim_object_ref(last), before);
	if (ret_object)
		*ret_object = last;
	else
		sim_object_unref(last);
	return RC_OK;
}

enum rc sim_store_remove(struct sim_store *s, const struct sim_object *old, struct sim_object **ret_object)
{
	struct slot *slot;
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	slot = find_slot(s, old->kind, old->key, old->uid);
	if (!slot)
		rc = RC_NOT_FOUND;
	else if (slot->current != old)
		rc = RC_CONFLICT;
	else
		rc = remove_locked(s, slot, ret_object);
	pthread_mutex_unlock(&s->lock);
	return rc;
}
