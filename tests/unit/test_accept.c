#include <criterion/criterion.h>

#include "api-svc/accept.h"
#include "common/base/compiler.h"

Test(accept, events)
{
	static const struct {
		const char *accept;
		bool allowed;
		bool named;
	} cases[] = {
		{ "", true, false },
		{ " , ", true, false },
		{ "*/*", true, false },
		{ "text/*", true, false },
		{ "text/event-stream", true, true },
		{ "Text/Event-Stream", true, true },
		{ "application/json, text/event-stream;q=0.5", true, true },
		{ "text/event-stream; q=0.001", true, true },
		{ "application/json,*/*;q=0.1", true, false },
		{ "text/html;q=0, text/event-stream", true, true },
		{ "application/json", false, false },
		{ "text/plain, text/html", false, false },
		{ "text/event-streams", false, false },
		{ "text/event-stream;q=0", false, false },
		{ "text/event-stream; q=0.000, */*", false, false },
		{ "*/*, text/event-stream;q=0", false, false },
		{ "text/*;q=0.0, */*", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_expect_eq(accept_allows_events(cases[i].accept), cases[i].allowed, "%s", cases[i].accept);
		cr_expect_eq(accept_names_events(cases[i].accept), cases[i].named, "%s", cases[i].accept);
	}
}
