/*
 * Logs: one line per event on stderr, as a JSON object with `time`, `level`, `msg`, `process`, then fields; or as text,
 * `TIME LEVEL process: msg key=value...`, with colours on a terminal (https://no-color.org).
 *
 *	log_info("container created", log_str("id", id), log_num("ms", elapsed));
 *
 * Libraries (common/) log above debug only life-cycle events of their background work; the function that handles an
 * error logs it, once. Never log tokens, bodies or environment values. Safe in every thread; a line is one write().
 */
#ifndef COMMON_SERVICES_LOG_H
#define COMMON_SERVICES_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

#define LOG_VALUE_MAX 256 /* bytes of a text value; longer values are truncated */

enum log_level {
	LOG_DEBUG, /* for troubleshooting */
	LOG_INFO,  /* life cycle, and one line per request */
	LOG_WARN,  /* recoverable; the message says how */
	LOG_ERROR, /* needs operator action */
};

enum log_format { LOG_JSON, LOG_TEXT };

#define LOG_FIELDS_MAX 24 /* per line; more are omitted */

struct log_field {
	const char *key;  /* NULL ends the list */
	const char *text; /* NULL: a number, or (is_text) omitted */
	int64_t number;
	bool is_text;
};

/* Set the process name and the lowest level to log. Call once, before threads are started. */
void log_init(const char *process, enum log_level lowest);

/* Set the format; the default is JSON. Call before threads are started. */
void log_set_format(enum log_format format);

/* The level of that name ("debug", "info", "warn", "error"); false when there is none. */
bool log_level_from_name(const char *name, enum log_level *ret_level);

/* The format of that name ("json", "text"); false when there is none. */
bool log_format_from_name(const char *name, enum log_format *ret_format);

/* Whether lines of this level are written. For lines that are expensive to compose. */
bool log_enabled(enum log_level level);

/* A field with a text value (borrowed, truncated to LOG_VALUE_MAX; NULL: omitted), and one with a number. */
struct log_field log_str(const char *key, const char *text);
struct log_field log_num(const char *key, int64_t number);

/* The two fields of an error: code name and message. */
#define log_err(err) log_str("code", rc_name((err)->rc)), log_str("error", (err)->text)

/* Write one line. The arguments after msg are struct log_field, the last with key NULL. Use the macros below. */
void log_write(enum log_level level, const char *msg, ...);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__, (struct log_field){ 0 })
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__, (struct log_field){ 0 })
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__, (struct log_field){ 0 })
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__, (struct log_field){ 0 })

#endif
