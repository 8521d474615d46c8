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
 * Parse `text` as a decimal integer: an optional '-' and digits (no space, no '+'). Returns false if it is invalid or
 * out of range; *ret_value is then untouched.
 */
bool str_parse_int64(const char *text, int64_t *ret_value);

/* Length in bytes (1..4) of the well-formed UTF-8 sequence (RFC 3629) at `s`, with `len` bytes available; else 0. */
size_t utf8_sequence(const char *s, size_t len);

/* Whether it is well-formed UTF-8. */
bool utf8_valid(const char *s, size_t len);

/* Number of characters (code points) of a well-formed UTF-8 string. */
size_t utf8_length(const char *s);

/*
 * The length of `s` without an incomplete UTF-8 sequence at its end; at most 3 bytes less than `len`.
 */
size_t utf8_whole_length(const char *s, size_t len);

/* Remove an incomplete UTF-8 sequence from the end (after truncation). */
void str_trim_broken_utf8(char *text);

/* Append `text` with all characters except RFC 3986 unreserved ones as %XX: for one path segment or query value. */
void percent_encode(struct buf *b, const char *text);

/*
 * Append `len` bytes with %XX decoded. Returns false (with *b undefined) for a '%' without two hex digits, and for %00.
 */
bool percent_decode(struct buf *b, const char *text, size_t len);

/* Write bytes as lower-case hexadecimal; `out` has 2 * len + 1. */
void str_hex(const void *bytes, size_t len, char *out);

#endif
