/*
 * Reading lists out of the store: as they are now, or as they were at an older version, which is the present with the
 * younger changes undone.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/kubesim/store_private.h"

/* What a key held before the first change that the list must not see. */
struct undone {
	const char *key;
	uint64_t position;
	struct sim_object *before; /* NULL: it did not exist; borrowed from the history */
};

/* A walk over rows and undone changes, in the order of their keys. */
struct walk {
	const struct table *table;
	size_t row;
	size_t row_end;
	struct undone *undone;
	size_t at;
	size_t end;
};

static int compare_undone(const void *a, const void *b)
{
	const struct undone *x = a;
	const struct undone *y = b;
	int order = strcmp(x->key, y->key);

	if (order)
		return order;
	return x->position < y->position ? -1 : 1;
}

/* Of each key, only the oldest. */
static size_t keep_first(struct undone *undone, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(undone[kept - 1].key, undone[i].key) != 0)
			undone[kept++] = undone[i];
	return kept;
}

static enum rc collect_undone(struct sim_store *s, const struct table *t, uint64_t version, struct walk *walk)
{
	size_t count = 0;

	if (version < t->lost_version)
		return RC_EXPIRED;
	for (uint64_t p = t->next; p > t->first; p--) {
		if (t->ring[(p - 1) % s->history_max].object->version <= version)
			break;
		count++;
	}
	if (count == 0)
		return RC_OK;
	walk->undone = calloc(count, sizeof(struct undone));
	if (!walk->undone)
		return RC_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		uint64_t position = t->next - count + i;
		const struct sim_event *e = &t->ring[position % s->history_max];

		walk->undone[i] = (struct undone){ e->object->key, position, e->before };
	}
	qsort(walk->undone, count, sizeof(struct undone), compare_undone);
	walk->end = keep_first(walk->undone, count);
	return RC_OK;
}

/* The index of the first undone change whose key is not less than `key`. */
static size_t undone_lower_bound(const struct walk *walk, const char *key)
{
	size_t at = 0;

	while (at < walk->end && strcmp(walk->undone[at].key, key) < 0)
		at++;
	return at;
}

/* The range of keys: those of one namespace, and behind `after`. */
static void set_range(struct walk *walk, const struct sim_list_query *query)
{
	char from[640] = "";
	char to[300] = "";

	if (query->ns && query->ns[0] && query->kind->namespaced) {
		snprintf(from, sizeof(from), "%s/", query->ns);
		snprintf(to, sizeof(to), "%s0", query->ns); /* '0' follows '/' */
	}
	if (query->after && strcmp(query->after, from) >= 0)
		snprintf(from, sizeof(from), "%s\x01", query->after); /* the least key that is greater */
	walk->row = sim_rows_lower_bound(walk->table, from);
	walk->row_end = to[0] ? sim_rows_lower_bound(walk->table, to) : walk->table->count;
	walk->at = undone_lower_bound(walk, from);
	walk->end = to[0] ? undone_lower_bound(walk, to) : walk->end;
}

/* The next object of the walk; NULL at its end. */
static struct sim_object *next_object(struct walk *walk)
{
	while (walk->row < walk->row_end || walk->at < walk->end) {
		struct sim_object *row = walk->row < walk->row_end ? walk->table->rows[walk->row]->current : NULL;
		struct undone *undone = walk->at < walk->end ? &walk->undone[walk->at] : NULL;
		int order = !row ? 1 : !undone ? -1 : strcmp(row->key, undone->key);

		if (order <= 0)
			walk->row++;
		if (order < 0)
			return row;
		walk->at++;
		if (undone->before)
			return undone->before;
	}
	return NULL;
}

/* How many objects the rest of the walk holds, by arithmetic. */
static size_t count_rest(const struct walk *walk)
{
	size_t count = walk->row_end - walk->row;

	for (size_t i = walk->at; i < walk->end; i++) {
		const struct undone *undone = &walk->undone[i];
		size_t index = sim_rows_lower_bound(walk->table, undone->key);

		if (index < walk->table->count && strcmp(walk->table->rows[index]->current->key, undone->key) == 0)
			count--;
		if (undone->before)
			count++;
	}
	return count;
}

/* Append a reference; the list grows by doubling. */
static enum rc append(struct sim_list *list, struct sim_object *object)
{
	if ((list->count & (list->count + 1)) == 0) { /* room for 2^n - 1 */
		struct sim_object **grown = realloc(list->objects, (list->count * 2 + 1) * sizeof(struct sim_object *));

		if (!grown)
			return RC_NO_MEMORY;
		list->objects = grown;
	}
	list->objects[list->count++] = sim_object_ref(object);
	return RC_OK;
}

static enum rc fill(struct walk *walk, const struct sim_list_query *query, struct sim_list *list)
{
	struct sim_object *object;

	while ((object = next_object(walk)) != NULL) {
		if (!sim_selector_matches(query->selector, object))
			continue;
		if (query->limit && list->count == query->limit) {
			list->more = true;
			list->remaining = count_rest(walk) + 1;
			return RC_OK;
		}
		if (append(list, object))
			return RC_NO_MEMORY;
	}
	return RC_OK;
}

enum rc sim_store_list(struct sim_store *s, const struct sim_list_query *query, struct sim_list *ret_list)
{
	struct sim_list list = { 0 };
	struct walk walk = { .table = &s->tables[sim_kind_place(query->kind)] };
	enum rc rc = RC_OK;

	pthread_mutex_lock(&s->lock);
	list.version = query->version ? query->version : s->version;
	if (query->version && query->version < s->version)
		rc = collect_undone(s, walk.table, query->version, &walk);
	if (!rc) {
		set_range(&walk, query);
		rc = fill(&walk, query, &list);
	}
	pthread_mutex_unlock(&s->lock);
	free(walk.undone);
	if (rc) {
		sim_list_clear(&list);
		return rc;
	}
	*ret_list = list;
	return RC_OK;
}

enum rc sim_store_dependents(struct sim_store *s, const char *uid, const struct sim_kind *kind,
			     struct sim_list *ret_list)
{
	struct sim_list list = { 0 };
	enum rc rc = RC_OK;

	pthread_mutex_lock(&s->lock);
	for (struct owner_link *link = s->by_owner[sim_store_bucket(uid)]; link && !rc; link = link->next) {
		struct sim_object *object = link->slot->current;

		if (strcmp(object->owners[link - link->slot->links], uid) == 0 && (!kind || object->kind == kind))
			rc = append(&list, object);
	}
	pthread_mutex_unlock(&s->lock);
	if (rc) {
		sim_list_clear(&list);
		return rc;
	}
	*ret_list = list;
	return RC_OK;
}

void sim_list_clear(struct sim_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		sim_object_unref(list->objects[i]);
	free(list->objects);
	*list = (struct sim_list){ 0 };
}
