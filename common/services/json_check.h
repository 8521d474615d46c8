/*
 * Checks the JSON grammar (RFC 8259) without recursion and without allocation, because cJSON accepts more than JSON:
 * trailing bytes after the value, raw control characters, "01", invalid UTF-8, and U+0000 that cuts a
 * string.
 */
#ifndef COMMON_SERVICES_JSON_CHECK_H
#define COMMON_SERVICES_JSON_CHECK_H

#include <stddef.h>

#include "common/base/error.h"

#define JSON_CHECK_DEPTH_LIMIT 1024 /* the maximum of depth_max */

/*
 * The length of the prefix that needs no escaping in a JSON string: ASCII without controls, quotes, backslashes.
 */
size_t json_plain_length(const char *s, size_t len);

/*
 * Check that `text` is exactly one JSON value, with optional white space around it.
 *
 * depth_max  levels of arrays and objects, 1..JSON_CHECK_DEPTH_LIMIT.
 *
 * Returns RC_OK, or RC_INVALID_ARGUMENT with the first error and its byte offset.
 */
enum rc json_check(const char *text, size_t len, size_t depth_max, struct error *err) must_check;

#endif
