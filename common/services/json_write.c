#include "common/services/json_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

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

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void add_quoted(struct buf *out, const char *s, size_t len)
{
	size_t i = 0;

	buf_add_char(out, '"');
	while (i < len) {
		const char *escape = short_escape(s[i]);
		size_t n = i;

		while (n < len && is_plain((unsigned char)s[n]))
			n++;
		if (n > i) {
			buf_add(out, s + i, n - i);
			i = n;
			continue;
		}
		n = utf8_sequence(s + i, len - i);
		if (escape)
			buf_add_str(out, escape);
		else if (n == 0)
			buf_add_str(out, "\xEF\xBF\xBD");
		else if ((unsigned char)s[i] < 0x20)
			buf_addf(out, "\\u%04x", (unsigned char)s[i]);
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

void json_tree(struct json_writer *w, const char *key, const cJSON *tree)
{
	cleanup_free char *text = NULL;

	if (!tree)
		return;
	text = cJSON_PrintUnformatted(tree);
	if (!text) {
		w->out->failed = RC_NO_MEMORY;
		return;
	}
	json_raw(w, key, text, strlen(text));
}

void json_raw(struct json_writer *w, const char *key, const char *json, size_t len)
{
	begin_value(w, key);
	buf_add(w->out, json, len);
}
