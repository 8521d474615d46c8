#include "common/services/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/services/json_check.h"

static int compare_members(const void *a, const void *b)
{
	const struct json_member *one = a;
	const struct json_member *other = b;
	int order = strcmp(one->node->string, other->node->string);

	return order ? order : (one->place > other->place) - (one->place < other->place);
}

enum rc json_sort_members(const cJSON *object, struct json_member **ret_members, size_t *ret_count, struct error *err)
{
	size_t count = (size_t)cJSON_GetArraySize(object);
	struct json_member *members = calloc(count ? count : 1, sizeof(*members));
	cJSON *node = NULL;

	if (!members)
		return error_no_memory(err);
	count = 0;
	cJSON_ArrayForEach (node, object) {
		members[count] = (struct json_member){ .node = node, .place = count };
		count++;
	}
	qsort(members, count, sizeof(*members), compare_members);
	*ret_members = members;
	*ret_count = count;
	return RC_OK;
}

static enum rc check_object(const cJSON *object, struct error *err)
{
	cleanup_free struct json_member *members = NULL;
	int size = cJSON_GetArraySize(object);
	size_t count;
	enum rc rc;

	if (size > JSON_MEMBERS_MAX)
		return error_set(err, RC_INVALID_ARGUMENT, "an object has %d members; at most %d are allowed", size,
				 JSON_MEMBERS_MAX);
	rc = json_sort_members(object, &members, &count, err);
	for (size_t i = 1; !rc && i < count; i++)
		if (strcmp(members[i - 1].node->string, members[i].node->string) == 0)
			rc = error_set(err, RC_INVALID_ARGUMENT, "duplicate member '%.100s' in an object",
				       members[i].node->string);
	return rc;
}

/* Recursion is bounded: json_check() rejects more than JSON_DEPTH_MAX levels. */
enum rc json_check_objects(const cJSON *value, struct error *err)
{
	const cJSON *child = NULL;
	enum rc rc = RC_OK;

	if (cJSON_IsObject(value))
		rc = check_object(value, err);
	cJSON_ArrayForEach (child, value) {
		if (rc)
			return rc;
		rc = json_check_objects(child, err);
	}
	return rc;
}

static enum rc parse_checked(const char *text, size_t len, cJSON **ret_tree, struct error *err)
{
	cJSON *tree = cJSON_ParseWithLengthOpts(text, len, NULL, 0);

	if (!tree)
		return error_no_memory(err); /* the text passed json_check() */
	*ret_tree = tree;
	return RC_OK;
}

enum rc json_parse_strict(const char *text, size_t len, cJSON **ret_tree, struct error *err)
{
	cleanup_json cJSON *tree = NULL;
	enum rc rc;

	rc = json_check(text, len, JSON_DEPTH_MAX, err);
	if (rc)
		return rc;
	rc = parse_checked(text, len, &tree, err);
	if (rc)
		return rc;
	rc = json_check_objects(tree, err);
	if (rc)
		return rc;
	*ret_tree = TAKE(tree);
	return RC_OK;
}

enum rc json_parse(const char *text, size_t len, cJSON **ret_tree, struct error *err)
{
	enum rc rc = json_check(text, len, JSON_DEPTH_MAX, err);

	return rc ? rc : parse_checked(text, len, ret_tree, err);
}

cJSON *json_get(const cJSON *obj, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(obj, key);
}

cJSON *json_at(const cJSON *obj, const char *path)
{
	char key[64];
	const char *dot = strchr(path, '.');

	while (obj && dot) {
		size_t len = (size_t)(dot - path);

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		obj = json_get(obj, key);
		path = dot + 1;
		dot = strchr(path, '.');
	}
	return json_get(obj, path);
}

const cJSON *json_members(const cJSON *value)
{
	return cJSON_IsObject(value) ? value : NULL;
}

const char *json_string_at(const cJSON *obj, const char *path)
{
	return cJSON_GetStringValue(json_at(obj, path));
}

bool json_is_int(const cJSON *value, int64_t *ret_value)
{
	if (!cJSON_IsNumber(value) || floor(value->valuedouble) != value->valuedouble ||
	    fabs(value->valuedouble) > JSON_EXACT_INT_MAX)
		return false;
	if (ret_value)
		*ret_value = (int64_t)value->valuedouble;
	return true;
}

int64_t json_int_at(const cJSON *obj, const char *path, int64_t otherwise)
{
	int64_t value = otherwise;

	(void)json_is_int(json_at(obj, path), &value); /* not an integer: return `otherwise` */
	return value;
}

bool json_true_at(const cJSON *obj, const char *path)
{
	return cJSON_IsTrue(json_at(obj, path));
}

void cleanup_json_at(cJSON **tree)
{
	cJSON_Delete(*tree);
}
