#include "common/services/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/services/json_write.h"

#define LOG_LINE_MAX 8192    /* bytes; a line above it is dropped with a note */
#define CONTROL_ESCAPE_LEN 6 /* "\\u007f" */

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

static const char *const format_names[] = { [LOG_JSON] = "json", [LOG_TEXT] = "text" };

/* Set once, before threads are started; read-only afterwards. */
static const char *process_name = "";
static enum log_level lowest_level = LOG_INFO;
static enum log_format format = LOG_JSON;
static bool colours;

void log_init(const char *process, enum log_level lowest)
{
	process_name = process;
	lowest_level = lowest;
}

void log_set_format(enum log_format chosen)
{
	const char *no_color = getenv("NO_COLOR");

	format = chosen;
	colours = isatty(STDERR_FILENO) && !(no_color && no_color[0]);
}

static int find_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
	int found = find_name(level_names, ARRAY_LEN(level_names), name);

	if (found >= 0)
		*ret_level = (enum log_level)found;
	return found >= 0;
}

bool log_format_from_name(const char *name, enum log_format *ret_format)
{
	int found = find_name(format_names, ARRAY_LEN(format_names), name);

	if (found >= 0)
		*ret_format = (enum log_format)found;
	return found >= 0;
}

bool log_enabled(enum log_level level)
{
	return level >= lowest_level;
}

struct log_field log_str(const char *key, const char *text)
{
	return (struct log_field){ .key = key, .text = text, .is_text = true };
}

struct log_field log_num(const char *key, int64_t number)
{
	return (struct log_field){ .key = key, .number = number };
}

/* ---- a line ------------------------------------------------------------------------------------------------------ */

struct line {
	enum log_level level;
	const char *time;
	const char *msg;
	struct log_field fields[LOG_FIELDS_MAX];
	size_t count;
};

static void write_json(const struct line *line, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "time", line->time);
	json_string(&w, "level", level_names[line->level]);
	json_string(&w, "msg", line->msg);
	json_string(&w, "process", process_name);
	for (size_t i = 0; i < line->count; i++) {
		const struct log_field *field = &line->fields[i];

		if (field->is_text)
			json_string_n(&w, field->key, field->text, strnlen(field->text, LOG_VALUE_MAX));
		else
			json_int(&w, field->key, field->number);
	}
	json_end_object(&w);
}

/* A plain word, otherwise a JSON string. */
static void write_value(const char *text, struct buf *out)
{
	static const char word[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@%+,?&*()[]~#!;$";
	size_t len = strnlen(text, LOG_VALUE_MAX);
	struct json_writer w = json_writer_make(out);

	if (len && strspn(text, word) >= len)
		buf_add(out, text, len);
	else
		json_string_n(&w, NULL, text, len);
}

static void write_text(const struct line *line, struct buf *out)
{
	static const char *const labels[] = {
		[LOG_DEBUG] = "DEBUG",
		[LOG_INFO] = "INFO",
		[LOG_WARN] = "WARN",
		[LOG_ERROR] = "ERROR",
	};
	/* ECMA-48 SGR: faint, none, yellow, red. */
	static const char *const starts[] = {
		[LOG_DEBUG] = "\033[2m",
		[LOG_INFO] = "",
		[LOG_WARN] = "\033[33m",
		[LOG_ERROR] = "\033[31m",
	};
	const char *start = colours ? starts[line->level] : "";

	buf_addf(out, "%s %s%-5s %s: %s%s", line->time, start, labels[line->level], process_name, line->msg,
		 start[0] ? "\033[0m" : "");
	for (size_t i = 0; i < line->count; i++) {
		const struct log_field *field = &line->fields[i];

		buf_addf(out, " %s=", field->key);
		if (field->is_text)
			write_value(field->text, out);
		else
			buf_addf(out, "%lld", (long long)field->number);
	}
}

static void (*const writers[])(const struct line *line, struct buf *out) = {
	[LOG_JSON] = write_json,
	[LOG_TEXT] = write_text,
};

/*
 * The length of DEL or of a C1 control (U+0080 to U+009F) at the start of the text, and its code; 0: another character.
 * ECMA-48: U+009B begins an escape sequence, as ESC and '[' do, and U+0085 a line. JSON need not escape them.
 */
static size_t control_length(const char *text, size_t len, unsigned *ret_code)
{
	unsigned char first = (unsigned char)text[0];
	unsigned char second = len > 1 ? (unsigned char)text[1] : 0;

	*ret_code = first == 0x7F ? first : second;
	if (first == 0x7F)
		return 1;
	return first == 0xC2 && second >= 0x80 && second <= 0x9F ? 2 : 0;
}

/* They occur only in values, which are then JSON strings in both formats. */
static void escape_controls(const struct buf *line, struct buf *out)
{
	size_t plain = 0; /* the first byte that is not written yet */

	for (size_t i = 0; i < line->len;) {
		unsigned code;
		size_t n = control_length(line->data + i, line->len - i, &code);

		if (n) {
			buf_add(out, line->data + plain, i - plain);
			buf_addf(out, "\\u%04x", code);
			plain = i + n;
		}
		i += n ? n : 1;
	}
	buf_add(out, line->data + plain, line->len - plain);
}

void log_write(enum log_level level, const char *msg, ...)
{
	struct buf raw cleanup_buf = buf_make(LOG_LINE_MAX);
	struct buf out cleanup_buf = buf_make(LOG_LINE_MAX * CONTROL_ESCAPE_LEN);
	char now[CLOCK_RFC3339_MAX];
	struct line line = { .level = level, .time = now, .msg = msg };
	struct log_field field;
	va_list args;

	if (!log_enabled(level))
		return;
	clock_format_rfc3339(clock_wall_ms(), true, now);
	va_start(args, msg);
	for (field = va_arg(args, struct log_field); field.key; field = va_arg(args, struct log_field))
		if ((field.text || !field.is_text) && line.count < LOG_FIELDS_MAX)
			line.fields[line.count++] = field;
	va_end(args);
	writers[format](&line, &raw);
	if (raw.failed) {
		buf_reset(&raw);
		writers[format](&(struct line){ .level = LOG_ERROR, .time = now, .msg = "log line too long, dropped" },
				&raw);
	}
	escape_controls(&raw, &out);
	buf_add_char(&out, '\n');
	if (write(STDERR_FILENO, out.data, out.len) < 0)
		return; /* stderr is closed; the error cannot be reported */
}
