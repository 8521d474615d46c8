#include "common/base/media_range.h"

#include <stdbool.h>
#include <string.h>

#define BLANKS " \t"
#define WEIGHT_MAX 1000

/* Skip blanks at the start, and return the length without those at the end. */
static size_t trim(const char **text, size_t len)
{
	while (len > 0 && strchr(BLANKS, **text)) {
		(*text)++;
		len--;
	}
	while (len > 0 && strchr(BLANKS, (*text)[len - 1]))
		len--;
	return len;
}

/* "0.5" in thousandths (RFC 9110, section 12.4.2). */
static int read_weight(const char *text, size_t len)
{
	int weight = 0;
	int place = WEIGHT_MAX / 10;

	if (len == 0 || text[0] != '0' || (len > 1 && text[1] != '.') || len > strlen("0.000"))
		return WEIGHT_MAX;
	for (size_t i = 2; i < len; i++, place /= 10) {
		if (text[i] < '0' || text[i] > '9')
			return WEIGHT_MAX;
		weight += (text[i] - '0') * place;
	}
	return weight;
}

/* The weight of one range with its parameters; -1: another range. */
static int weight_of(const char *text, size_t len, const char *range)
{
	int weight = WEIGHT_MAX;
	bool first = true;

	while (len > 0) {
		const char *end = memchr(text, ';', len);
		size_t part = end ? (size_t)(end - text) : len;
		const char *at = text;
		size_t trimmed = trim(&at, part);

		if (first && (trimmed != strlen(range) || strncasecmp(at, range, trimmed) != 0))
			return -1;
		if (!first && trimmed >= 2 && strncasecmp(at, "q=", 2) == 0)
			weight = read_weight(at + 2, trimmed - 2);
		first = false;
		part += end != NULL;
		text += part;
		len -= part;
	}
	return first ? -1 : weight;
}

int media_range_weight(const char *accept, const char *range)
{
	int highest = -1;

	while (accept && *accept) {
		size_t len = strcspn(accept, ",");
		int weight = weight_of(accept, len, range);

		if (weight > highest)
			highest = weight;
		accept += len + (accept[len] == ',');
	}
	return highest;
}
