#include "api-svc/accept.h"

#include <string.h>

#include "common/base/compiler.h"
#include "common/base/media_range.h"

bool accept_names_events(const char *accept)
{
	return media_range_weight(accept, ACCEPT_EVENT_STREAM) > 0;
}

bool accept_allows_events(const char *accept)
{
	static const char *const ranges[] = { ACCEPT_EVENT_STREAM, "text/*", "*/*" }; /* the most specific first */

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		int weight = media_range_weight(accept, ranges[i]);

		if (weight >= 0)
			return weight > 0;
	}
	return !accept[strspn(accept, " \t,")];
}
