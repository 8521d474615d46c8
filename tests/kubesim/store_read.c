/*
 * Reading objects out of the store: one, pages of a list, and those that belong to an owner.
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

/* The rows of a query: those of one namespace, and after `after`. */
static void find_range(const struct table *t, const struct sim_list_query *query, size_t *ret_from, size_t *ret_to)
{
	char from[KEY_MAX] = "";
	char to[KEY_MAX];

	*ret_to = t->count;
	if (query->ns[0]) {
		snprintf(from, sizeof(from), "%s/", query->ns);
		snprintf(to, sizeof(to), "%s0", query->ns); /* '0' follows '/' */
		*ret_to = sim_rows_lower_bound(t, to);
	}
	if (query->after && strcmp(query->after, from) > 0)
		snprintf(from, sizeof(from), "%s\x01", query->after); /* the least key that is greater */
	*ret_from = sim_rows_lower_bound(t, from);
}

static enum rc list_locked(struct sim_store *s, const struct sim_list_query *query, struct sim_list *list)
{
	const struct table *t = sim_table_of(s, query->kind);
	enum rc rc = RC_OK;
	size_t row;
	size_t end;

	if (query->since && query->since < t->lost_version)
		return RC_EXPIRED;
	list->version = query->since ? query->since : s->version;
	find_range(t, query, &row, &end);
	for (; !rc && !list->more && row < end; row++) {
		struct sim_object *object = t->rows[row]->current;

		if (!sim_selector_matches(query->selector, object))
			continue;
		list->more = query->limit && list->count == query->limit;
		if (!list->more)
			rc = append(list, object);
	}
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
