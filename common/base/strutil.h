/*
 * Strings: parsing of numbers, UTF-8, percent-encoding, comparison. Pure functions, safe in every thread.
 */
#ifndef COMMON_BASE_STRUTIL_H
#define COMMON_BASE_STRUTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/* strcmp() == 0, and NULL equals NULL only. */
bool str_equal(const char *a, const char *b);

/* Whether `text` begins with `prefix`. */
bool str_has_prefix(const char *text, const char *prefix);

/* A copy that the caller frees; NULL for NULL and when out of memory. */
char *str_dup(const char *text);

/*
 * Read a decimal integer that is the whole of `text`: an optional '-', digits, nothing else (no space, no '+').
 * False when it is anything else or does not fit; *ret_value is then untouched.
 */
bool str_parse_int64(const char *text, int64_t *ret_value);

/* Length in bytes (1..4) of the well-formed UTF-8 sequence (RFC 3629) at `s`, of which `len` bytes exist; else 0. */
size_t utf8_sequence(const char *s, size_t len);

/* Whether it is well-formed UTF-8. */
bool utf8_valid(const char *s, size_t len);

/* Number of characters (code points) of a well-formed UTF-8 string. */
size_t utf8_length(const char *s);

/*
 * How much of `s` there is without the UTF-8 sequence at its end that is not complete; at most 3 of its `len` bytes
 * less.
 */
size_t utf8_whole_length(const char *s, size_t len);

/* Remove an incomplete UTF-8 sequence from the end, as cutting at a byte count leaves it. */
void str_trim_broken_utf8(char *text);

/* Append `text` with everything but RFC 3986 unreserved characters as %XX: right for one path segment or query value.
 */
void buf_add_percent_encoded(struct buf *b, const char *text);

/*
 * Append `len` bytes with %XX decoded. False (and *b in an undefined state) for a '%' that two hex digits do not
 * follow, and for %00.
 */
bool buf_add_percent_decoded(struct buf *b, const char *text, size_t len);

/* Write bytes as lower-case hexadecimal; `out` has 2 * len + 1. */
void str_hex(const void *bytes, size_t len, char *out);

#endif
