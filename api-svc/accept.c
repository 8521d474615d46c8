#include "api-svc/accept.h"

#include <stddef.h>
#include <string.h>

#include "common/base/compiler.h"

enum word { WORD_ABSENT, WORD_REFUSED, WORD_TAKEN };

/* Is a range's weight 0? */
static bool is_refused(const char *range, size_t len)
{
	const char *weight = memmem(range, len, "q=0", 3);
	size_t rest = weight ? len - (size_t)(weight + 3 - range) : 0;

	return weight && strspn(weight + 3, ".0 \t") >= rest;
}

/* What the header says of that range. */
static enum word look_up(const char *accept, const char *range)
{
	size_t name = strlen(range);

	while (accept && *accept) {
		size_t space = strspn(accept, " \t");
		const char *at = accept + space;
		size_t len = strcspn(at, ",");

		if (len >= name && strncasecmp(at, range, name) == 0 && (len == name || strchr("; \t", at[name])))
			return is_refused(at, len) ? WORD_REFUSED : WORD_TAKEN;
		accept = at + len + (at[len] == ',');
	}
	return WORD_ABSENT;
}

bool accept_names_events(const char *accept)
{
	return look_up(accept, ACCEPT_EVENT_STREAM) == WORD_TAKEN;
}

bool accept_allows_events(const char *accept)
{
	static const char *const ranges[] = { ACCEPT_EVENT_STREAM, "text/*", "*/*" }; /* the most exact first */

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		enum word word = look_up(accept, ranges[i]);

		if (word != WORD_ABSENT)
			return word == WORD_TAKEN;
	}
	return !accept || !accept[strspn(accept, " \t,")];
}
