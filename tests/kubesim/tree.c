#include "tests/kubesim/tree.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"

cJSON *sim_tree_set(cJSON *object, const char *key, cJSON *value)
{
	if (json_get(object, key))
		cJSON_ReplaceItemInObjectCaseSensitive(object, key, value);
	else
		cJSON_AddItemToObject(object, key, value);
	return value;
}

void sim_tree_set_string(cJSON *object, const char *key, const char *value)
{
	sim_tree_set(object, key, cJSON_CreateString(value));
}

void sim_tree_set_int(cJSON *object, const char *key, int64_t value)
{
	sim_tree_set(object, key, cJSON_CreateNumber((double)value));
}

void sim_tree_set_bool(cJSON *object, const char *key, bool value)
{
	sim_tree_set(object, key, cJSON_CreateBool(value));
}

void sim_tree_drop(cJSON *object, const char *key)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
}

void sim_tree_set_count(cJSON *object, const char *key, int64_t count)
{
	if (count)
		sim_tree_set_int(object, key, count);
	else
		sim_tree_drop(object, key);
}

void sim_tree_default_string(cJSON *object, const char *key, const char *value)
{
	const char *there = json_string_at(object, key);

	if (!there || !*there)
		sim_tree_set_string(object, key, value);
}

void sim_tree_default_int(cJSON *object, const char *key, int64_t value)
{
	if (!json_get(object, key))
		sim_tree_set_int(object, key, value);
}

cJSON *sim_tree_child(cJSON *object, const char *key)
{
	cJSON *child = json_get(object, key);

	if (!object || cJSON_IsObject(child))
		return child;
	return sim_tree_set(object, key, cJSON_CreateObject());
}

cJSON *sim_tree_child_array(cJSON *object, const char *key)
{
	cJSON *child = json_get(object, key);

	if (!object || cJSON_IsArray(child))
		return child;
	return sim_tree_set(object, key, cJSON_CreateArray());
}

cJSON *sim_tree_copy(const cJSON *value)
{
	return value ? cJSON_Duplicate(value, true) : NULL;
}

cJSON *sim_tree_append_object(cJSON *array)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddItemToArray(array, object);
	return object;
}

cJSON *sim_tree_find(const cJSON *array, const char *key, const char *value)
{
	cJSON *element = NULL;

	cJSON_ArrayForEach (element, array)
		if (str_equal(json_string_at(element, key), value))
			return element;
	return NULL;
}

void sim_tree_sort(cJSON *object)
{
	cJSON sorted = { 0 };

	while (object->child) {
		cJSON *least = object->child;
		cJSON *member = NULL;

		cJSON_ArrayForEach (member, object)
			if (strcmp(member->string, least->string) < 0)
				least = member;
		cJSON_AddItemToArray(&sorted, cJSON_DetachItemViaPointer(object, least));
	}
	object->child = sorted.child;
}

bool sim_tree_repeats(const cJSON *value)
{
	const cJSON *child = NULL;

	cJSON_ArrayForEach (child, value)
		if ((cJSON_IsObject(value) && json_get(value, child->string) != child) || sim_tree_repeats(child))
			return true;
	return false;
}

void sim_tree_drop_nulls(cJSON *value)
{
	cJSON *child = value ? value->child : NULL;

	while (child) {
		cJSON *next = child->next;

		if (cJSON_IsNull(child) && cJSON_IsObject(value))
			cJSON_Delete(cJSON_DetachItemViaPointer(value, child));
		else
			sim_tree_drop_nulls(child);
		child = next;
	}
}

void sim_tree_set_now(cJSON *object, const char *key)
{
	char now[CLOCK_RFC3339_MAX];

	clock_format_rfc3339(clock_wall_ms(), false, now);
	sim_tree_set_string(object, key, now);
}
