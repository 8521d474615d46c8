#include <criterion/criterion.h>
#include <string.h>

#include "common/kube/kube_watch_parser.h"

static enum rc collect_event(void *ctx, enum kube_event event, const cJSON *object, struct error *err)
{
	const char *name = json_string_at(object, "metadata.name");

	if (event == KUBE_ERROR)
		return error_set(err, RC_EXPIRED, "gone");
	buf_addf(ctx, "%d:%s|", (int)event, name ? name : "-");
	return RC_OK;
}

Test(kube_watch_parser, events_are_parsed_at_any_split)
{
	static const char text[] =
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n\n"
		"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n"
		"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"b\\n\"}}}\n{\"type\":\"ADD";

	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct buf events cleanup_buf = buf_make(1000);
		struct kube_watch_parser watch = kube_watch_parser_make(collect_event, &events);

		for (size_t at = 0; at < strlen(text); at += piece)
			cr_assert(kube_watch_parser_feed(&watch, text + at,
							 strlen(text) - at < piece ? strlen(text) - at : piece));
		cr_expect_str_eq(events.data, "0:a|3:-|2:b\n|", "piece %zu", piece);
		kube_watch_parser_clear(&watch);
	}
}

Test(kube_watch_parser, errors_end_the_watch)
{
	static const struct {
		const char *text;
		enum rc rc;
	} cases[] = {
		{ "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n", RC_EXPIRED },
		{ "{\"type\":\"NEW\",\"object\":{}}\n", RC_UNAVAILABLE },
		{ "{\"type\":\"ADDED\"}\n", RC_UNAVAILABLE },
		{ "<html>\n", RC_UNAVAILABLE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf events cleanup_buf = buf_make(1000);
		struct kube_watch_parser watch = kube_watch_parser_make(collect_event, &events);

		cr_expect_not(kube_watch_parser_feed(&watch, cases[i].text, strlen(cases[i].text)), "%s",
			      cases[i].text);
		cr_expect_eq(watch.failed, cases[i].rc, "%s", cases[i].text);
		kube_watch_parser_clear(&watch);
	}
}
