/*
 * Reading objects from the store: one object, pages of a current or earlier list, and the objects of an owner.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/kubesim/selector.h"
#include "tests/kubesim/store_private.h"

#define KEY_MAX 640    /* bytes of "namespace/name" */
#define LIST_FIRST 64u /* objects */

struct sim_object *sim_store_get(struct sim_store *s, const struct sim_kind *kind, const char *ns, const char *name)
{
	struct table *t = sim_table_of(s, kind);
	struct sim_object *found = NULL;
	char key[KEY_MAX];
	size_t index;

	snprintf(key, sizeof(key), "%s%s%s", ns, *ns ? "/" : "", name);
	pthread_mutex_lock(&s->lock);
	index = sim_rows_lower_bound(t, key);
	if (index < t->count && strcmp(t->rows[index]->current->key, key) == 0)
		found = sim_object_ref(t->rows[index]->current);
	pthread_mutex_unlock(&s->lock);
	return found;
}

static enum rc append(struct sim_list *list, struct sim_object *object)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : LIST_FIRST;
		struct sim_object **grown = realloc(list->objects, capacity * sizeof(struct sim_object *));

		if (!grown)
			return RC_NO_MEMORY;
		list->objects = grown;
		list->capacity = capacity;
	}
	list->objects[list->count++] = sim_object_ref(object);
	return RC_OK;
}

/* The keys of a query, from `from` to before `to`: those of one namespace, and after `after`. */
struct range {
	char from[KEY_MAX];
	char to[KEY_MAX];
};

static struct range range_of(const struct sim_list_query *query)
{
	struct range range = { .from = "", .to = "\xff" };

	if (query->ns[0]) {
		snprintf(range.from, sizeof(range.from), "%s/", query->ns);
		snprintf(range.to, sizeof(range.to), "%s0", query->ns); /* '0' follows '/' */
	}
	if (query->after && strcmp(query->after, range.from) > 0)
		snprintf(range.from, sizeof(range.from), "%s\x01", query->after); /* the next greater key */
	return range;
}

/* ---- the past ---------------------------------------------------------------------------------------------------- */

/* Sorted by key, then by time. The events are owned by the history. */
struct past {
	const struct sim_event **changes;
	size_t count;
	size_t at;
};

static int compare_changes(const void *a, const void *b)
{
	const struct sim_event *x = *(const struct sim_event *const *)a;
	const struct sim_event *y = *(const struct sim_event *const *)b;
	int order = strcmp(x->object->key, y->object->key);

	return order ? order : (x->version > y->version) - (x->version < y->version);
}

/* The changes after a version, in a range. ret_past: to be freed, its changes, by the caller. */
static enum rc read_past(const struct sim_store *s, const struct table *t, uint64_t version, const struct range *range,
			 struct past *ret_past)
{
	struct past past = { .changes = calloc(t->next - t->first + 1, sizeof(*past.changes)) };

	if (!past.changes)
		return RC_NO_MEMORY;
	for (uint64_t i = t->next; i > t->first; i--) {
		const struct sim_event *event = &t->ring[(i - 1) % s->history_max];

		if (event->version <= version)
			break;
		if (strcmp(event->object->key, range->from) >= 0 && strcmp(event->object->key, range->to) < 0)
			past.changes[past.count++] = event;
	}
	qsort(past.changes, past.count, sizeof(*past.changes), compare_changes);
	*ret_past = past;
	return RC_OK;
}

/* The first change of the next key in order; NULL: none. */
static const struct sim_event *next_change(const struct past *past)
{
	return past->at < past->count ? past->changes[past->at] : NULL;
}

static void skip_change(struct past *past)
{
	const char *key = next_change(past)->object->key;

	while (next_change(past) && strcmp(next_change(past)->object->key, key) == 0)
		past->at++;
}

/* The next object, as it is or was at the past version; NULL: the key had no object at that version. */
static struct sim_object *next_object(const struct table *t, size_t *row, size_t end, struct past *past)
{
	struct sim_object *current = *row < end ? t->rows[*row]->current : NULL;
	const struct sim_event *change = next_change(past);
	int order = !change ? -1 : !current ? 1 : strcmp(current->key, change->object->key);

	*row += order <= 0;
	if (order < 0)
		return current;
	skip_change(past);
	return change->before;
}

static enum rc list_locked(struct sim_store *s, const struct sim_list_query *query, struct sim_list *list)
{
	const struct table *t = sim_table_of(s, query->kind);
	const struct range range = range_of(query);
	size_t row = sim_rows_lower_bound(t, range.from);
	size_t end = sim_rows_lower_bound(t, range.to);
	struct past past = { .count = 0 };
	enum rc rc = RC_OK;

	if (query->at && query->at < t->lost_version)
		return RC_EXPIRED;
	list->version = query->at ? query->at : s->version;
	if (query->at)
		rc = read_past(s, t, query->at, &range, &past);
	while (!rc && !list->more && (row < end || next_change(&past))) {
		struct sim_object *object = next_object(t, &row, end, &past);

		if (!object || !sim_selector_matches(query->selector, object))
			continue;
		list->more = query->limit && list->count == query->limit;
		if (!list->more)
			rc = append(list, object);
	}
	free(past.changes);
	return rc;
}

uint64_t sim_store_version(struct sim_store *s)
{
	uint64_t version;

	pthread_mutex_lock(&s->lock);
	version = s->version;
	pthread_mutex_unlock(&s->lock);
	return version;
}

enum rc sim_store_list(struct sim_store *s, const struct sim_list_query *query, struct sim_list *ret_list)
{
	struct sim_list list = { 0 };
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	rc = list_locked(s, query, &list);
	pthread_mutex_unlock(&s->lock);
	if (rc)
		sim_list_clear(&list);
	else
		*ret_list = list;
	return rc;
}

enum rc sim_store_dependents(struct sim_store *s, const char *uid, const struct sim_kind *kind,
			     struct sim_list *ret_list)
{
	struct sim_list list = { 0 };
	enum rc rc = RC_OK;

	pthread_mutex_lock(&s->lock);
	for (struct link *link = sim_link_first(s->by_owner, uid); link && !rc; link = sim_link_next(link))
		if (link->slot->current->kind == kind)
			rc = append(&list, link->slot->current);
	pthread_mutex_unlock(&s->lock);
	if (rc)
		sim_list_clear(&list);
	else
		*ret_list = list;
	return rc;
}

void sim_list_clear(struct sim_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		sim_object_unref(list->objects[i]);
	free(list->objects);
	*list = (struct sim_list){ 0 };
}
