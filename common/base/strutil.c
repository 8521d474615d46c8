#include "common/base/strutil.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

char *str_dup(const char *text)
{
	return text ? strdup(text) : NULL;
}

bool str_parse_int64(const char *text, int64_t *ret_value)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	long long value;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	value = strtoll(text, NULL, 10);
	if (errno == ERANGE)
		return false;
	*ret_value = value;
	return true;
}

/* RFC 3629 section 4: each row is a range of first bytes with the range that its second byte must be in. */
static const struct utf8_row {
	unsigned char first_min, first_max, second_min, second_max, length;
} utf8_rows[] = {
	{ 0x00, 0x7F, 0x00, 0x00, 1 }, { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
	{ 0xE1, 0xEC, 0x80, 0xBF, 3 }, { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 },
	{ 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

size_t utf8_sequence(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	for (size_t i = 0; len > 0 && i < ARRAY_LEN(utf8_rows); i++) {
		const struct utf8_row *row = &utf8_rows[i];

		if (u[0] < row->first_min || u[0] > row->first_max)
			continue;
		if (row->length > len)
			return 0;
		if (row->length > 1 && (u[1] < row->second_min || u[1] > row->second_max))
			return 0;
		for (size_t k = 2; k < row->length; k++)
			if ((u[k] & 0xC0) != 0x80)
				return 0;
		return row->length;
	}
	return 0;
}

bool utf8_valid(const char *s, size_t len)
{
	while (len > 0) {
		size_t n = utf8_sequence(s, len);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

size_t utf8_length(const char *s)
{
	size_t count = 0;

	for (; *s; s++)
		count += ((unsigned char)*s & 0xC0) != 0x80;
	return count;
}

size_t utf8_whole_length(const char *s, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)s[len - back];

		if (c < 0x80)
			return len;
		if (c >= 0xC0) /* the first byte of the last sequence */
			return utf8_sequence(s + len - back, back) == back ? len : len - back;
	}
	return len;
}

void str_trim_broken_utf8(char *text)
{
	text[utf8_whole_length(text, strlen(text))] = '\0';
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void percent_encode(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (is_unreserved(*text))
			buf_add_char(b, *text);
		else
			buf_addf(b, "%%%02X", (unsigned char)*text);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool percent_decode(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high;
		int low;

		if (text[i] != '%') {
			buf_add_char(b, text[i]);
			continue;
		}
		if (len - i < 3)
			return false;
		high = hex_value(text[i + 1]);
		low = hex_value(text[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return false;
		buf_add_char(b, (char)(high * 16 + low));
		i += 2;
	}
	return true;
}

void str_hex(const void *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *u = bytes;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[u[i] >> 4];
		*out++ = digits[u[i] & 15];
	}
	*out = '\0';
}
