#include "common/container/spec_delta.h"

#include <string.h>

#define TEXT_MAX (16u * 1024 * 1024) /* bytes of a value; above any request */
#define AT "at"
#define IS "is"

/* The current position, from the root. */
struct place {
	const struct place *parent;
	const char *name;
};

static void write_names(struct json_writer *w, const struct place *place)
{
	if (!place->parent)
		return;
	write_names(w, place->parent);
	json_string(w, NULL, place->name);
}

static void write_one(struct json_writer *w, const struct place *place, const cJSON *value)
{
	json_begin_object(w, NULL);
	json_begin_array(w, AT);
	write_names(w, place);
	json_end_array(w);
	json_tree(w, IS, value);
	json_end_object(w);
}

/* Compared as texts, because doubles may not distinguish large numbers. */
static bool is_same(const cJSON *a, const cJSON *b)
{
	struct buf of_a cleanup_buf = buf_make(TEXT_MAX);
	struct buf of_b cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer to_a = json_writer_make(&of_a);
	struct json_writer to_b = json_writer_make(&of_b);

	json_tree(&to_a, NULL, a);
	json_tree(&to_b, NULL, b);
	return !of_a.failed && !of_b.failed && strcmp(of_a.data, of_b.data) == 0;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static void write_members(struct json_writer *w, const struct place *parent, const cJSON *from, const cJSON *to)
{
	const cJSON *member = NULL;

	cJSON_ArrayForEach (member, from)
		if (!json_get(to, member->string))
			write_one(w, &(struct place){ parent, member->string }, NULL);
	cJSON_ArrayForEach (member, to) {
		const struct place place = { parent, member->string };
		const cJSON *before = json_get(from, member->string);

		if (cJSON_IsObject(member) && cJSON_IsObject(before))
			write_members(w, &place, before, member);
		else if (!before || !is_same(before, member))
			write_one(w, &place, member);
	}
}

void spec_delta_write(struct json_writer *w, const char *key, const cJSON *from, const cJSON *to)
{
	const struct place top = { NULL, NULL };

	json_begin_array(w, key);
	write_members(w, &top, from, to);
	json_end_array(w);
}

/* The object that contains the last name; it must exist, as it did when the delta was written. */
static cJSON *parent_of(const cJSON *names, cJSON *spec, const char **ret_name)
{
	const cJSON *name = NULL;

	*ret_name = NULL;
	cJSON_ArrayForEach (name, names) {
		if (*ret_name)
			spec = json_get(spec, *ret_name);
		*ret_name = cJSON_GetStringValue(name);
		if (!*ret_name)
			return NULL;
	}
	return *ret_name && cJSON_IsObject(spec) ? spec : NULL;
}

enum rc spec_delta_apply(const cJSON *delta, cJSON *spec, struct error *err)
{
	const cJSON *one = NULL;

	if (!cJSON_IsArray(delta))
		return error_set(err, RC_INVALID_ARGUMENT, "not a spec delta");
	cJSON_ArrayForEach (one, delta) {
		const cJSON *value = json_get(one, IS);
		const char *name;
		cJSON *parent = parent_of(json_get(one, AT), spec, &name);
		cJSON *copy;

		if (!parent)
			return error_set(err, RC_INVALID_ARGUMENT, "the delta is for another spec");
		cJSON_DeleteItemFromObjectCaseSensitive(parent, name);
		copy = value ? cJSON_Duplicate(value, 1) : NULL;
		if (value && (!copy || !cJSON_AddItemToObject(parent, name, copy)))
			return error_no_memory(err);
	}
	return RC_OK;
}
