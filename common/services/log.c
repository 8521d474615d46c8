#include "common/services/log.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/services/json_write.h"

#define LOG_LINE_MAX 8192 /* bytes; a line above it is dropped with a note */

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

/* Set once by log_init(), before threads; read-only afterwards. */
static const char *process_name = "";
static enum log_level lowest_level = LOG_INFO;

void log_init(const char *process, enum log_level lowest)
{
	process_name = process;
	lowest_level = lowest;
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (strcmp(level_names[i], name) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
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

static void add_field(struct json_writer *w, const struct log_field *field)
{
	if (field->text)
		json_string_n(w, field->key, field->text, strnlen(field->text, LOG_VALUE_MAX));
	else if (!field->is_text)
		json_int(w, field->key, field->number);
}

void log_write(enum log_level level, const char *msg, ...)
{
	struct buf line cleanup_buf = buf_make(LOG_LINE_MAX);
	struct json_writer w = json_writer_make(&line);
	char now[CLOCK_RFC3339_MAX];
	struct log_field field;
	va_list args;

	if (!log_enabled(level))
		return;
	clock_format_rfc3339(clock_wall_ms(), true, now);
	json_begin_object(&w, NULL);
	json_string(&w, "time", now);
	json_string(&w, "level", level_names[level]);
	json_string(&w, "msg", msg);
	json_string(&w, "process", process_name);
	va_start(args, msg);
	for (field = va_arg(args, struct log_field); field.key; field = va_arg(args, struct log_field))
		add_field(&w, &field);
	va_end(args);
	json_end_object(&w);
	if (line.failed) {
		buf_reset(&line);
		buf_add_str(&line, "{\"level\":\"error\",\"msg\":\"a log line was too long\"}");
	}
	buf_add_char(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return; /* stderr is closed; there is nowhere to report it */
}
