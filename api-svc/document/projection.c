#include "api-svc/document/projection.h"

#include <string.h>

#define BRANCHES_MAX 16 /* schemas that apply to one value; our document needs 2 */

/* The schemas that apply to a value: one, and those of its allOf. */
struct branches {
	const struct schema *items[BRANCHES_MAX];
	size_t count;
};

static void add_branch(struct branches *b, const struct schema *schema)
{
	if (!schema || b->count == BRANCHES_MAX)
		return;
	b->items[b->count++] = schema;
	for (size_t i = 0; i < schema->all_of.count; i++)
		add_branch(b, schema->all_of.items[i]);
}

static void write_value(const struct branches *b, const cJSON *value, struct json_writer *w, const char *key);

static struct branches branches_of_member(const struct branches *b, const char *name)
{
	struct branches found = { .count = 0 };

	for (size_t i = 0; i < b->count; i++)
		for (size_t k = 0; k < b->items[i]->property_count; k++)
			if (strcmp(b->items[i]->properties[k].name, name) == 0)
				add_branch(&found, b->items[i]->properties[k].schema);
	return found;
}

static bool keeps_unknown_members(const struct branches *b)
{
	bool names_some = false;

	for (size_t i = 0; i < b->count; i++) {
		if (b->items[i]->additional == SCHEMA_ADDITIONAL_KEPT)
			return true;
		names_some = names_some || b->items[i]->property_count > 0;
	}
	return !names_some;
}

static bool is_dropped(const struct branches *member, const cJSON *value)
{
	for (size_t i = 0; i < member->count; i++)
		if (member->items[i]->read_only || (member->items[i]->nullable && cJSON_IsNull(value)))
			return true;
	return false;
}

static void write_members(const struct branches *b, const cJSON *object, struct json_writer *w)
{
	bool keeps_unknown = keeps_unknown_members(b);
	const cJSON *value = NULL;

	cJSON_ArrayForEach (value, object) {
		struct branches member = branches_of_member(b, value->string);

		if (member.count > 0 && !is_dropped(&member, value))
			write_value(&member, value, w, value->string);
		else if (member.count == 0 && keeps_unknown)
			json_tree(w, value->string, value);
	}
}

static void write_object(const struct branches *b, const cJSON *object, struct json_writer *w, const char *key)
{
	json_begin_object(w, key);
	write_members(b, object, w);
	json_end_object(w);
}

static void write_array(const struct branches *b, const cJSON *array, struct json_writer *w, const char *key)
{
	struct branches items = { .count = 0 };
	const cJSON *value = NULL;

	for (size_t i = 0; i < b->count; i++)
		add_branch(&items, b->items[i]->items);
	json_begin_array(w, key);
	cJSON_ArrayForEach (value, array)
		write_value(&items, value, w, NULL);
	json_end_array(w);
}

static void write_value(const struct branches *b, const cJSON *value, struct json_writer *w, const char *key)
{
	if (cJSON_IsObject(value))
		write_object(b, value, w, key);
	else if (cJSON_IsArray(value))
		write_array(b, value, w, key);
	else
		json_tree(w, key, value);
}

void projection_write(const struct schema *schema, const cJSON *object, struct json_writer *w)
{
	struct branches branches = { .count = 0 };

	add_branch(&branches, schema);
	write_members(&branches, object, w);
}
