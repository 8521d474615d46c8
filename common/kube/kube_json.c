#include "common/kube/kube_json.h"

#include <string.h>

#include "common/base/retry_after.h"

/* As the API server writes it. It cannot occur in a string, where quotes are escaped. */
#define MANAGED_FIELDS "\"managedFields\":["

/* The closing bracket of the array that began before `at`; NULL: none. */
static char *array_end(char *at, const char *end)
{
	size_t depth = 1;
	bool in_string = false;

	for (; at < end; at++) {
		if (*at == '"')
			in_string = !in_string;
		else if (in_string && *at == '\\')
			at++;
		else if (!in_string && *at == '[')
			depth++;
		else if (!in_string && *at == ']' && --depth == 0)
			return at;
	}
	return NULL;
}

/* Replaces it by an empty array; returns the new length. */
static size_t empty_managed_fields(char *text, size_t len)
{
	char *key = memmem(text, len, MANAGED_FIELDS, strlen(MANAGED_FIELDS));
	char *first = key ? key + strlen(MANAGED_FIELDS) : NULL;
	char *last = key ? array_end(first, text + len) : NULL;

	if (!last)
		return len;
	memmove(first, last, (size_t)(text + len - last));
	return len - (size_t)(last - first);
}

enum rc kube_json_parse(char *text, size_t len, cJSON **ret_tree, struct error *err)
{
	return json_parse(text, empty_managed_fields(text, len), ret_tree, err);
}

int kube_json_retry_after_s(const cJSON *status)
{
	return retry_after_grant(json_int_at(status, "details.retryAfterSeconds", 0));
}
