#include "api-svc/conditions.h"

#include <string.h>
#include <strings.h>

static const char *const conditions[] = { CONDITIONS_IF_MATCH, CONDITIONS_IF_NONE_MATCH, "If-Modified-Since",
					  "If-Unmodified-Since", "If-Range" };

static bool takes(const struct openapi_operation *operation, const char *header)
{
	for (size_t i = 0; operation && i < operation->parameter_count; i++)
		if (operation->parameters[i].place == OPENAPI_IN_HEADER &&
		    strcasecmp(operation->parameters[i].name, header) == 0)
			return true;
	return false;
}

enum rc conditions_check(const struct openapi_operation *operation,
			 const char *(*header)(const void *ctx, const char *name), const void *ctx, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
		if (header(ctx, conditions[i]) && !takes(operation, conditions[i]))
			return error_set(err, RC_INVALID_ARGUMENT, "the header %s is not supported here",
					 conditions[i]);
	return RC_OK;
}

/* ---- entity tags ------------------------------------------------------------------------------------------------- */

struct tag {
	const char *text; /* without its quotes */
	size_t len;
	bool weak;
};

/* The next one from *at on; false: none. */
static bool next_tag(const char **at, struct tag *tag)
{
	const char *open = strchr(*at, '"');
	const char *close = open ? strchr(open + 1, '"') : NULL;

	if (!close)
		return false;
	*tag = (struct tag){ open + 1, (size_t)(close - open) - 1, open > *at && open[-1] == '/' };
	*at = close + 1;
	return true;
}

static bool is_any(const char *value)
{
	return strcmp(value, "*") == 0;
}

void conditions_write_if_match(const char *value, struct json_writer *w)
{
	struct tag tag;

	if (!value)
		return;
	if (is_any(value)) {
		json_string(w, "if_match", "*");
		return;
	}
	json_begin_array(w, "if_match");
	while (next_tag(&value, &tag))
		if (!tag.weak) /* it never matches strongly (RFC 9110 section 8.8.3.2) */
			json_string_n(w, NULL, tag.text, tag.len);
	json_end_array(w);
}

bool conditions_name(const char *value, const char *etag)
{
	struct tag tag;

	if (!value || is_any(value))
		return value != NULL;
	while (etag[0] && next_tag(&value, &tag))
		if (tag.len == strlen(etag) && memcmp(tag.text, etag, tag.len) == 0)
			return true;
	return false;
}
