#include "api-svc/http/target.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/strutil.h"

#define QUOTED_MAX 100 /* bytes of a part in an error message */

/* The begin of the path; NULL: unsupported form. */
static const char *find_path(const char *text)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0) {
			text += strlen(schemes[i]);
			return text + strcspn(text, "/?");
		}
	return text[0] == '/' ? text : NULL;
}

/* Decode a part in place; the byte after it may be overwritten by the NUL, as decoding never lengthens. */
static enum rc decode(char *text, size_t len, struct error *err)
{
	struct buf plain cleanup_buf = buf_make(len + 1);

	if (!percent_decode(&plain, text, len))
		return error_set(err, RC_INVALID_ARGUMENT, "the percent-encoding of '%.*s' is invalid",
				 (int)(len < QUOTED_MAX ? len : QUOTED_MAX), text);
	if (!utf8_valid(plain.data, plain.len))
		return error_set(err, RC_INVALID_ARGUMENT, "'%.*s' is not UTF-8 when decoded",
				 (int)(len < QUOTED_MAX ? len : QUOTED_MAX), text);
	memcpy(text, plain.data, plain.len + 1);
	return buf_check(&plain, err);
}

static enum rc split_path(struct target *t, char *path, struct error *err)
{
	bool last = false;

	for (char *at = path[0] == '/' ? path + 1 : path; !last;) {
		size_t len = strcspn(at, "/");
		enum rc rc;

		last = at[len] == '\0';
		rc = decode(at, len, err);
		if (rc)
			return rc;
		if (t->segment_count < TARGET_SEGMENTS_MAX)
			t->segments[t->segment_count] = at;
		if (t->segment_count <= TARGET_SEGMENTS_MAX)
			t->segment_count++;
		at += len + 1;
	}
	return RC_OK;
}

static enum rc add_pair(struct target *t, char *text, size_t len, struct error *err)
{
	struct target_pair *pair = &t->query[t->query_count];
	size_t name_len = 0;
	enum rc rc;

	if (t->query_count == TARGET_QUERY_MAX)
		return error_set(err, RC_INVALID_ARGUMENT, "the query has more than %d parameters", TARGET_QUERY_MAX);
	for (size_t i = 0; i < len; i++)
		if (text[i] == '+')
			text[i] = ' ';
	while (name_len < len && text[name_len] != '=')
		name_len++;
	pair->name = text;
	pair->value = "";
	if (name_len < len) {
		pair->value = text + name_len + 1;
		rc = decode(text + name_len + 1, len - name_len - 1, err);
		if (rc)
			return rc;
	}
	rc = decode(text, name_len, err);
	if (!rc)
		t->query_count++;
	return rc;
}

static enum rc split_query(struct target *t, char *query, struct error *err)
{
	bool last = false;

	for (char *at = query; !last;) {
		size_t len = strcspn(at, "&");
		enum rc rc;

		last = at[len] == '\0';
		rc = len > 0 ? add_pair(t, at, len, err) : RC_OK;
		if (rc)
			return rc;
		at += len + 1;
	}
	return RC_OK;
}

enum rc target_parse(const char *text, struct target *ret_target, struct error *err)
{
	struct target *t = ret_target;
	const char *path = find_path(text);
	char *query;
	enum rc rc;

	*t = (struct target){ .path = NULL };
	if (!path)
		return error_set(err, RC_INVALID_ARGUMENT, "the request target must be a path");
	t->path = path[0] == '/' ? strndup(path, strcspn(path, "?")) : str_dup("/");
	t->store = str_dup(path);
	if (!t->path || !t->store)
		return error_no_memory(err);
	query = strchr(t->store, '?');
	if (query)
		*query++ = '\0';
	rc = split_path(t, t->store, err);
	return rc || !query ? rc : split_query(t, query, err);
}

void target_clear(struct target *t)
{
	free(t->path);
	free(t->store);
	*t = (struct target){ .path = NULL };
}
