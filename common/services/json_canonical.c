#include "common/services/json_canonical.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const cJSON *x = *(const cJSON *const *)a;
	const cJSON *y = *(const cJSON *const *)b;

	return strcmp(x->string, y->string);
}

static enum rc write_object(struct json_writer *w, const char *key, const cJSON *object, struct error *err)
{
	size_t count = (size_t)cJSON_GetArraySize(object);
	const cJSON **members = calloc(count ? count : 1, sizeof(const cJSON *));
	const cJSON *member = NULL;
	enum rc rc = RC_OK;
	size_t i = 0;

	if (!members)
		return error_no_memory(err);
	cJSON_ArrayForEach (member, object)
		members[i++] = member;
	qsort(members, count, sizeof(const cJSON *), by_name);
	json_begin_object(w, key);
	for (i = 0; !rc && i < count; i++)
		rc = json_canonical_write(w, members[i]->string, members[i], err);
	json_end_object(w);
	free(members);
	return rc;
}

enum rc json_canonical_write(struct json_writer *w, const char *key, const cJSON *value, struct error *err)
{
	const cJSON *item = NULL;
	enum rc rc = RC_OK;

	if (cJSON_IsObject(value))
		return write_object(w, key, value, err);
	if (!cJSON_IsArray(value)) {
		json_tree(w, key, value);
		return RC_OK;
	}
	json_begin_array(w, key);
	cJSON_ArrayForEach (item, value)
		if (!rc)
			rc = json_canonical_write(w, NULL, item, err);
	json_end_array(w);
	return rc;
}
