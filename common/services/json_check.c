#include "common/services/json_check.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

#define NUMBER_TEXT_MAX 400 /* bytes; longer literals are rejected */

struct scanner {
	const char *start;
	const char *at;
	const char *end;
	struct error *err;
	uint8_t open[JSON_CHECK_DEPTH_LIMIT / 8]; /* one bit per level: 1 = object */
};

static enum rc fault(const struct scanner *s, const char *what)
{
	return error_set(s->err, RC_INVALID_ARGUMENT, "malformed JSON: %s at byte %zu", what,
			 (size_t)(s->at - s->start));
}

static void skip_space(struct scanner *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

static bool next_is(const struct scanner *s, char c)
{
	return s->at < s->end && *s->at == c;
}

/* Four hex digits at `at` + 2 of an escape \uXXXX; -1 if invalid. */
static long unicode_escape(const struct scanner *s)
{
	char digits[5] = { 0 };

	if (s->end - s->at < 6)
		return -1;
	memcpy(digits, s->at + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return -1;
	return strtol(digits, NULL, 16);
}

/* At a backslash. cJSON returns no tree for lone surrogates, so they are reported here. */
static enum rc scan_escape(struct scanner *s)
{
	long unit;

	if (s->end - s->at >= 2 && s->at[1] != '\0' && strchr("\"\\/bfnrt", s->at[1])) {
		s->at += 2;
		return RC_OK;
	}
	if (s->end - s->at < 2 || s->at[1] != 'u')
		return fault(s, "unknown escape");
	unit = unicode_escape(s);
	if (unit < 0)
		return fault(s, "broken \\u escape");
	if (unit == 0)
		return fault(s, "U+0000 in a string");
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		return fault(s, "lone surrogate");
	s->at += 6;
	if (unit < 0xD800 || unit > 0xDBFF)
		return RC_OK;
	if (!next_is(s, '\\') || s->end - s->at < 2 || s->at[1] != 'u')
		return fault(s, "lone surrogate");
	unit = unicode_escape(s);
	if (unit < 0xDC00 || unit > 0xDFFF)
		return fault(s, "lone surrogate");
	s->at += 6;
	return RC_OK;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* For eight bytes: the high bit of the first special byte, possibly with bits above it from a borrow. */
static uint64_t mark_special(const char *s)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t bytes;

	memcpy(&bytes, s, sizeof(bytes));
	bytes = le64toh(bytes);
	return ((bytes - ones * 0x20) | ((bytes ^ ones * '"') - ones) | ((bytes ^ ones * '\\') - ones) | bytes) &
	       ones * 0x80;
}

size_t json_plain_length(const char *s, size_t len)
{
	size_t n = 0;

	for (; len - n >= sizeof(uint64_t); n += sizeof(uint64_t)) {
		uint64_t marks = mark_special(s + n);

		if (marks)
			return n + (size_t)__builtin_ctzll(marks) / 8;
	}
	while (n < len && is_plain((unsigned char)s[n]))
		n++;
	return n;
}

/* At the opening quote. */
static enum rc scan_string(struct scanner *s)
{
	for (s->at++; s->at < s->end;) {
		size_t n;

		s->at += json_plain_length(s->at, (size_t)(s->end - s->at));
		if (s->at == s->end || *s->at == '"')
			break;
		if ((unsigned char)*s->at < 0x20)
			return fault(s, "control character in a string");
		if (*s->at == '\\') {
			enum rc rc = scan_escape(s);

			if (rc)
				return rc;
			continue;
		}
		n = utf8_sequence(s->at, (size_t)(s->end - s->at));
		if (n == 0)
			return fault(s, "invalid UTF-8");
		s->at += n;
	}
	if (s->at == s->end)
		return fault(s, "unterminated string");
	s->at++;
	return RC_OK;
}

static size_t scan_digits(struct scanner *s)
{
	const char *first = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (size_t)(s->at - first);
}

static enum rc scan_number(struct scanner *s)
{
	const char *first = s->at;
	size_t digits;

	if (next_is(s, '-'))
		s->at++;
	if (next_is(s, '0')) {
		s->at++;
		digits = 1;
	} else {
		digits = scan_digits(s);
	}
	if (digits == 0)
		return fault(s, "expected a value");
	if (next_is(s, '.')) {
		s->at++;
		if (scan_digits(s) == 0)
			return fault(s, "expected a digit");
	}
	if (next_is(s, 'e') || next_is(s, 'E')) {
		s->at++;
		if (next_is(s, '+') || next_is(s, '-'))
			s->at++;
		if (scan_digits(s) == 0)
			return fault(s, "expected a digit");
	}
	if ((size_t)(s->at - first) >= NUMBER_TEXT_MAX)
		return fault(s, "a number has too many digits");
	return RC_OK;
}

static enum rc scan_word(struct scanner *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return fault(s, "expected a value");
	s->at += len;
	return RC_OK;
}

static enum rc scan_scalar(struct scanner *s)
{
	switch (s->at < s->end ? *s->at : '\0') {
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return s->at == s->end ? fault(s, "unexpected end of text") : scan_number(s);
	}
}

static bool level_is_object(const struct scanner *s, size_t depth)
{
	size_t bit = depth - 1;

	return s->open[bit / 8] >> (bit % 8) & 1;
}

static void open_level(struct scanner *s, size_t depth, bool object)
{
	size_t bit = depth - 1;
	uint8_t mask = (uint8_t)(1u << (bit % 8));

	s->open[bit / 8] = (uint8_t)(object ? s->open[bit / 8] | mask : s->open[bit / 8] & ~mask);
}

/* A member's key and its colon. */
static enum rc scan_key(struct scanner *s)
{
	enum rc rc;

	if (!next_is(s, '"'))
		return fault(s, "expected a key");
	rc = scan_string(s);
	if (rc)
		return rc;
	skip_space(s);
	if (!next_is(s, ':'))
		return fault(s, "expected ':'");
	s->at++;
	skip_space(s);
	return RC_OK;
}

/*
 * After a value: close the levels that end here. *depth 0 = the outermost value is complete; otherwise the next value
 * (its key already read) begins at s->at.
 */
static enum rc close_levels(struct scanner *s, size_t *depth)
{
	while (*depth > 0) {
		bool object = level_is_object(s, *depth);

		skip_space(s);
		if (next_is(s, object ? '}' : ']')) {
			s->at++;
			(*depth)--;
			continue;
		}
		if (!next_is(s, ','))
			return fault(s, object ? "expected ',' or '}'" : "expected ',' or ']'");
		s->at++;
		skip_space(s);
		return object ? scan_key(s) : RC_OK;
	}
	return RC_OK;
}

/* One value with all its contents. */
static enum rc scan_value(struct scanner *s, size_t depth_max)
{
	size_t depth = 0;
	enum rc rc;

	do {
		bool object = next_is(s, '{');

		if (object || next_is(s, '[')) {
			if (depth == depth_max)
				return fault(s, "nested too deeply");
			s->at++;
			open_level(s, ++depth, object);
			skip_space(s);
			if (next_is(s, object ? '}' : ']')) {
				rc = close_levels(s, &depth);
			} else {
				rc = object ? scan_key(s) : RC_OK;
				if (rc)
					return rc;
				continue;
			}
		} else {
			rc = scan_scalar(s);
			if (!rc)
				rc = close_levels(s, &depth);
		}
		if (rc)
			return rc;
	} while (depth > 0);
	return RC_OK;
}

enum rc json_check(const char *text, size_t len, size_t depth_max, struct error *err)
{
	struct scanner s = { .start = text, .at = text, .end = text + len, .err = err };
	enum rc rc;

	skip_space(&s);
	rc = scan_value(&s, depth_max < JSON_CHECK_DEPTH_LIMIT ? depth_max : JSON_CHECK_DEPTH_LIMIT);
	if (rc)
		return rc;
	skip_space(&s);
	return s.at == s.end ? RC_OK : fault(&s, "trailing bytes after the value");
}
