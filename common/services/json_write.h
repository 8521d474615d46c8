/*
 * JSON output: a writer that appends to a buffer, with commas and escaping; failures are those of the buffer
 * (buf_check). Keys and values are borrowed for the call. Only json_canonical() allocates other memory.
 *
 *	json_begin_object(&w, NULL);
 *	json_string(&w, "id", id);
 *	json_begin_array(&w, "ports");
 *	json_int(&w, NULL, 8080);
 *	json_end_array(&w);
 *	json_end_object(&w);
 *
 * `key` is the member name inside an object, NULL inside an array and at the top level.
 */
#ifndef COMMON_SERVICES_JSON_WRITE_H
#define COMMON_SERVICES_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/services/json.h"

#define JSON_NUMBER_MAX 32 /* bytes of a number's text with its NUL */

struct json_writer {
	struct buf *out;
	bool comma; /* the next value needs a comma */
};

/* Write to `out`, which must outlive the writer. */
struct json_writer json_writer_make(struct buf *out);

void json_begin_object(struct json_writer *w, const char *key);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w, const char *key);
void json_end_array(struct json_writer *w);

/* A string; NULL is written as null. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json_writer *w, const char *key, const char *value);

/* The same, but a NULL value writes nothing at all. */
void json_optional_string(struct json_writer *w, const char *key, const char *value);

/* The first `len` bytes of a string. */
void json_string_n(struct json_writer *w, const char *key, const char *value, size_t len);

void json_int(struct json_writer *w, const char *key, int64_t value);
void json_bool(struct json_writer *w, const char *key, bool value);

/* The text of a number as written by json_tree(): the shortest that parses to the same double; not finite: "null". */
void json_format_number(double value, char out[JSON_NUMBER_MAX]);

/* A whole tree; numbers parse to the same double. NULL writes nothing. */
void json_tree(struct json_writer *w, const char *key, const cJSON *tree);

/*
 * The same in canonical form: members are sorted by name.
 * Errors: RC_NO_MEMORY; those of the buffer are reported by buf_check().
 */
enum rc json_canonical(struct json_writer *w, const char *key, const cJSON *value, struct error *err) must_check;

/* A text that is already JSON. */
void json_raw(struct json_writer *w, const char *key, const char *json, size_t len);

#endif
