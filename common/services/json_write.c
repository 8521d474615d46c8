#include "common/services/json_write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/services/json_check.h"

struct json_writer json_writer_make(struct buf *out)
{
	return (struct json_writer){ .out = out };
}

static const char *short_escape(char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* Much faster than printf(); output of commands may have many of them. */
static void add_control(struct buf *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

	buf_add(out, escape, sizeof(escape));
}

static void add_quoted(struct buf *out, const char *s, size_t len)
{
	size_t i = 0;

	buf_add_char(out, '"');
	while (i < len) {
		size_t n = json_plain_length(s + i, len - i);
		const char *escape;

		buf_add(out, s + i, n);
		i += n;
		if (i == len)
			break;
		escape = short_escape(s[i]);
		n = utf8_sequence(s + i, len - i);
		if (escape)
			buf_add_str(out, escape);
		else if (n == 0)
			buf_add_str(out, "\xEF\xBF\xBD");
		else if ((unsigned char)s[i] < 0x20)
			add_control(out, (unsigned char)s[i]);
		else
			buf_add(out, s + i, n);
		i += n ? n : 1;
	}
	buf_add_char(out, '"');
}

/* The comma and the key before a value. */
static void begin_value(struct json_writer *w, const char *key)
{
	if (w->comma)
		buf_add_char(w->out, ',');
	w->comma = true;
	if (key) {
		add_quoted(w->out, key, strlen(key));
		buf_add_char(w->out, ':');
	}
}

static void open_with(struct json_writer *w, const char *key, char bracket)
{
	begin_value(w, key);
	buf_add_char(w->out, bracket);
	w->comma = false;
}

static void close_with(struct json_writer *w, char bracket)
{
	buf_add_char(w->out, bracket);
	w->comma = true;
}

void json_begin_object(struct json_writer *w, const char *key)
{
	open_with(w, key, '{');
}

void json_end_object(struct json_writer *w)
{
	close_with(w, '}');
}

void json_begin_array(struct json_writer *w, const char *key)
{
	open_with(w, key, '[');
}

void json_end_array(struct json_writer *w)
{
	close_with(w, ']');
}

void json_string(struct json_writer *w, const char *key, const char *value)
{
	if (value)
		json_string_n(w, key, value, strlen(value));
	else
		json_raw(w, key, "null", 4);
}

void json_optional_string(struct json_writer *w, const char *key, const char *value)
{
	if (value)
		json_string(w, key, value);
}

void json_string_n(struct json_writer *w, const char *key, const char *value, size_t len)
{
	begin_value(w, key);
	add_quoted(w->out, value, len);
}

void json_int(struct json_writer *w, const char *key, int64_t value)
{
	begin_value(w, key);
	buf_addf(w->out, "%" PRId64, value);
}

void json_bool(struct json_writer *w, const char *key, bool value)
{
	begin_value(w, key);
	buf_add_str(w->out, value ? "true" : "false");
}

/* cJSON's printer loses the last digits (2^53 - 1). */
void json_format_number(double value, char out[JSON_NUMBER_MAX])
{
	if (!isfinite(value)) {
		snprintf(out, JSON_NUMBER_MAX, "null");
		return;
	}
	if (floor(value) == value && fabs(value) <= JSON_EXACT_INT_MAX) {
		snprintf(out, JSON_NUMBER_MAX, "%" PRId64, (int64_t)value);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, JSON_NUMBER_MAX, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			break;
	}
}

static void add_number(struct buf *out, const cJSON *value)
{
	char text[JSON_NUMBER_MAX];

	json_format_number(value->valuedouble, text);
	buf_add_str(out, text);
}

static void add_scalar(struct buf *out, const cJSON *value)
{
	if (cJSON_IsString(value))
		add_quoted(out, value->valuestring, strlen(value->valuestring));
	else if (cJSON_IsNumber(value))
		add_number(out, value);
	else if (cJSON_IsBool(value))
		buf_add_str(out, cJSON_IsTrue(value) ? "true" : "false");
	else
		buf_add_str(out, cJSON_IsRaw(value) ? value->valuestring : "null");
}

/* Recursion is bounded by the parser (JSON_DEPTH_MAX). */
void json_tree(struct json_writer *w, const char *key, const cJSON *tree)
{
	bool is_object = cJSON_IsObject(tree);
	const cJSON *child = NULL;

	if (!tree)
		return;
	if (!is_object && !cJSON_IsArray(tree)) {
		begin_value(w, key);
		add_scalar(w->out, tree);
		return;
	}
	open_with(w, key, is_object ? '{' : '[');
	cJSON_ArrayForEach (child, tree)
		json_tree(w, is_object ? child->string : NULL, child);
	close_with(w, is_object ? '}' : ']');
}

static int by_name(const void *a, const void *b)
{
	const cJSON *x = *(const cJSON *const *)a;
	const cJSON *y = *(const cJSON *const *)b;

	return strcmp(x->string, y->string);
}

static enum rc write_sorted(struct json_writer *w, const char *key, const cJSON *object, struct error *err)
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
		rc = json_canonical(w, members[i]->string, members[i], err);
	json_end_object(w);
	free(members);
	return rc;
}

enum rc json_canonical(struct json_writer *w, const char *key, const cJSON *value, struct error *err)
{
	const cJSON *item = NULL;
	enum rc rc = RC_OK;

	if (cJSON_IsObject(value))
		return write_sorted(w, key, value, err);
	if (!cJSON_IsArray(value)) {
		json_tree(w, key, value);
		return RC_OK;
	}
	json_begin_array(w, key);
	cJSON_ArrayForEach (item, value)
		if (!rc)
			rc = json_canonical(w, NULL, item, err);
	json_end_array(w);
	return rc;
}

void json_raw(struct json_writer *w, const char *key, const char *json, size_t len)
{
	begin_value(w, key);
	buf_add(w->out, json, len);
}
