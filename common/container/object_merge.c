#include "common/container/object_merge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/strutil.h"

#define KEYS_MAX 2
#define NAMES_MAX (16u * 1024 * 1024) /* bytes of the names of a list; above any object */
#define PROTOCOL_DEFAULT "TCP"

/*
 * Lists whose elements are identified by members. Of two rows for a list, the one whose first member exists applies.
 */
static const struct list_row {
	const char *list;
	const char *keys[KEYS_MAX];
} rows[] = {
	{ "containers", { "name" } },        { "initContainers", { "name" } },
	{ "volumes", { "name" } },           { "env", { "name" } },
	{ "volumeMounts", { "mountPath" } }, { "ports", { "containerPort", "protocol" } },
	{ "ports", { "port", "protocol" } }, { "ownerReferences", { "uid" } },
};

static bool equal(const cJSON *a, const cJSON *b)
{
	return cJSON_Compare(a, b, true);
}

static enum rc copy_of(const cJSON *value, cJSON **ret_copy, struct error *err)
{
	*ret_copy = cJSON_Duplicate(value, 1);
	return *ret_copy ? RC_OK : error_no_memory(err);
}

/* ---- elements by their names ------------------------------------------------------------------------------------- */

/* The elements of a list, sorted by name, because environments may be long. */
struct element {
	const char *name;
	cJSON *value;
};

struct names {
	struct buf text; /* of all names, NUL-terminated */
	struct element *elements;
	size_t count;
};

static void names_clear(struct names *names)
{
	buf_clear(&names->text);
	free(names->elements);
	*names = (struct names){ .count = 0 };
}

static bool add_name(const struct list_row *row, const cJSON *element, struct buf *text)
{
	for (size_t i = 0; i < KEYS_MAX && row->keys[i]; i++) {
		const cJSON *key = json_get(element, row->keys[i]);
		const char *otherwise = str_equal(row->keys[i], "protocol") ? PROTOCOL_DEFAULT : NULL;
		int64_t number;

		if (cJSON_IsString(key) || (!key && otherwise))
			buf_add_str(text, key ? key->valuestring : otherwise);
		else if (json_is_int(key, &number))
			buf_addf(text, "%" PRId64, number);
		else
			return false;
		buf_add_char(text, '\n');
	}
	buf_add_char(text, '\0');
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct element *)a)->name, ((const struct element *)b)->name);
}

/* Returns false if an element has no name, for duplicate names, or if out of memory. A missing list is empty. */
static bool names_read(const struct list_row *row, const cJSON *list, struct names *names)
{
	cJSON *element = NULL;
	const char *at;

	*names = (struct names){ .text = buf_make(NAMES_MAX) };
	if (list && !cJSON_IsArray(list))
		return false;
	names->elements = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*names->elements));
	if (!names->elements)
		return false;
	cJSON_ArrayForEach (element, list) {
		if (!add_name(row, element, &names->text))
			return false;
		names->elements[names->count++].value = element;
	}
	if (buf_check(&names->text, NULL))
		return false;
	at = names->text.data;
	for (size_t i = 0; i < names->count; i++, at += strlen(at) + 1)
		names->elements[i].name = at;
	qsort(names->elements, names->count, sizeof(*names->elements), by_name);
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(names->elements[i - 1].name, names->elements[i].name) == 0)
			return false;
	return true;
}

static cJSON *find(const struct names *names, const struct list_row *row, const cJSON *like)
{
	struct buf text cleanup_buf = buf_make(NAMES_MAX);
	struct element wanted = { NULL, NULL };
	const struct element *found;

	if (!add_name(row, like, &text) || buf_check(&text, NULL))
		return NULL;
	wanted.name = text.data;
	found = bsearch(&wanted, names->elements, names->count, sizeof(wanted), by_name);
	return found ? found->value : NULL;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static enum rc merge_object(const cJSON *from, const cJSON *to, cJSON *live, struct error *err);

/* The state of a list merge. */
struct merge {
	const struct list_row *row;
	struct names from, to, live;
	const cJSON *next; /* of `to`: the next element to add */
	cJSON *list;
	enum rc rc;
	struct error *err;
};

static void merge_clear(struct merge *m)
{
	names_clear(&m->from);
	names_clear(&m->to);
	names_clear(&m->live);
}

/* Whether they can be merged by the names of their elements. */
static bool merge_begin(const char *name, const cJSON *from, const cJSON *to, const cJSON *live, struct merge *m)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_equal(rows[i].list, name))
			continue;
		m->row = &rows[i];
		if (names_read(m->row, from, &m->from) && names_read(m->row, to, &m->to) &&
		    names_read(m->row, live, &m->live))
			return true;
		merge_clear(m);
	}
	return false;
}

/*
 * Add the next wanted element, merged with the existing one if there is one. An existing element that was not ours is
 * replaced; an unchanged element that is missing was removed by others and is skipped. Returns whether it existed;
 * errors are stored.
 */
static bool put_next(struct merge *m)
{
	const cJSON *wanted = m->next;
	const cJSON *before = find(&m->from, m->row, wanted);
	cJSON *there = find(&m->live, m->row, wanted);
	cJSON *item = before ? there : NULL;
	enum rc rc = RC_OK;

	m->next = wanted->next;
	if (item)
		rc = merge_object(before, wanted, item, m->err);
	else if (!before || !equal(before, wanted))
		rc = copy_of(wanted, &item, m->err);
	if (item != there)
		cJSON_Delete(there);
	if (item)
		cJSON_AddItemToArray(m->list, item);
	m->rc = m->rc ? m->rc : rc;
	return there != NULL;
}

/* Positions of our elements are filled with our next elements, so that others keep their positions. */
static enum rc fill_places(struct merge *m)
{
	cleanup_free cJSON **places = calloc(m->live.count + 1, sizeof(cJSON *)); /* NULL: ours */
	size_t count = 0;

	if (!places)
		return error_no_memory(m->err);
	while (m->list->child) {
		cJSON *element = cJSON_DetachItemViaPointer(m->list, m->list->child);

		if (find(&m->to, m->row, element))
			places[count++] = NULL;
		else if (find(&m->from, m->row, element))
			cJSON_Delete(element);
		else
			places[count++] = element;
	}
	for (size_t i = 0; i < count; i++) {
		if (places[i])
			cJSON_AddItemToArray(m->list, places[i]);
		else
			while (m->next && !put_next(m))
				;
	}
	while (m->next)
		(void)put_next(m);
	return m->rc;
}

/* ---- objects ----------------------------------------------------------------------------------------------------- */

/* Remove a member, except for what others added to it. */
static enum rc take_out(const cJSON *from, cJSON *live, cJSON *there, struct error *err)
{
	const bool mixed = cJSON_IsObject(from) && cJSON_IsObject(there);
	enum rc rc = mixed ? merge_object(from, NULL, there, err) : RC_OK;

	if (!mixed || !there->child)
		cJSON_Delete(cJSON_DetachItemViaPointer(live, there));
	return rc;
}

static enum rc set_member(cJSON *live, const cJSON *to, struct error *err)
{
	cJSON *copy = NULL;
	enum rc rc = copy_of(to, &copy, err);

	if (rc)
		return rc;
	cJSON_DeleteItemFromObjectCaseSensitive(live, to->string);
	return cJSON_AddItemToObject(live, to->string, copy) ? RC_OK : error_no_memory(err);
}

/* Set a member. */
static enum rc merge_member(const cJSON *from, const cJSON *to, cJSON *live, struct error *err)
{
	cJSON *there = json_get(live, to->string);
	struct merge m cleanup_with(merge_clear) = { .next = to->child, .list = there, .err = err };

	if (from && equal(from, to))
		return RC_OK;
	if (there && merge_begin(to->string, from, to, there, &m))
		return fill_places(&m);
	if (cJSON_IsObject(to) && cJSON_IsObject(there))
		return merge_object(from, to, there, err);
	return set_member(live, to, err);
}

/* from, to: NULL, or not an object: empty. */
static enum rc merge_object(const cJSON *from, const cJSON *to, cJSON *live, struct error *err)
{
	const cJSON *member = NULL;
	enum rc rc = RC_OK;

	cJSON_ArrayForEach (member, json_members(from)) {
		cJSON *there = json_get(live, member->string);

		if (!rc && there && !json_get(to, member->string))
			rc = take_out(member, live, there, err);
	}
	cJSON_ArrayForEach (member, json_members(to))
		if (!rc)
			rc = merge_member(json_get(from, member->string), member, live, err);
	return rc;
}

enum rc object_merge(const cJSON *from, const cJSON *to, cJSON *live, struct error *err)
{
	return merge_object(from, to, live, err);
}
