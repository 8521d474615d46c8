/*
 * Checks the JSON grammar (RFC 8259) without recursion and without allocation, because cJSON accepts more than JSON:
 * bytes after the value, raw control characters, "01", invalid UTF-8, and U+0000 that cuts a string.
 */
#ifndef COMMON_SERVICES_JSON_CHECK_H
#define COMMON_SERVICES_JSON_CHECK_H

#include <stddef.h>

#include "common/base/error.h"

#define JSON_CHECK_DEPTH_LIMIT 1024 /* the largest depth_max that can be asked for */

/*
 * How many bytes at the beginning stand for themselves in a JSON string: ASCII without controls, quotes, backslashes.
 */
size_t json_plain_length(const char *s, size_t len);

/*
 * Check that `text` is exactly one JSON value, with white space around it allowed.
 *
 * depth_max  levels of arrays and objects, 1..JSON_CHECK_DEPTH_LIMIT.
 *
 * Returns RC_OK, or RC_INVALID_ARGUMENT with a sentence that names the first fault and its byte offset.
 */
enum rc json_check(const char *text, size_t len, size_t depth_max, struct error *err) must_check;

#endif
