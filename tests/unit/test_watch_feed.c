#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/watch_feed.h"
#include "common/container/list_subject.h"

#define SNAPSHOT "{\"snapshot\":true}\n"
#define SYNCED "{\"synced\":true}\n"
#define GONE(id) "{\"gone\":\"" id "\"}\n"
#define RUNS(id) "{\"id\":\"" id "\",\"status\":\"RUNNING\"}\n"
#define STOPPED(id) "{\"id\":\"" id "\",\"status\":\"STOPPED\"}\n"

struct taken {
	struct change_list *list;
	struct watch_feed feed;
};

static struct taken make(void)
{
	struct taken t = { .feed = watch_feed_make() };

	cr_assert_eq(change_list_create(SIZE_MAX, &t.list, NULL), RC_OK);
	return t;
}

static void clear(struct taken *t)
{
	watch_feed_clear(&t->feed);
	change_list_destroy(t->list);
}

/* The existing ids, "id id ...", in order of their last change. */
static const char *there(const struct change_list *list)
{
	static char text[256];
	const struct change_item *item;
	uint64_t number = 0;

	text[0] = '\0';
	while ((item = change_list_after(list, number)) != NULL) {
		number = item->changed;
		if (!item->gone)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", item->id);
	}
	return text;
}

Test(watch_feed, lines_are_parsed_at_any_split)
{
	static const char text[] = SNAPSHOT RUNS("a") RUNS("b") SYNCED RUNS("c") STOPPED("a") GONE("b") GONE("x");

	for (size_t step = 1; step < sizeof(text); step++) {
		struct taken t = make();
		const struct list_subject *subject;

		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			cr_assert_eq(watch_feed_add(&t.feed, text + at,
						    at + step < sizeof(text) - 1 ? step : sizeof(text) - 1 - at, t.list,
						    NULL),
				     RC_OK);
		cr_expect_str_eq(there(t.list), "c a ", "%zu", step);
		cr_expect(t.feed.synced);
		subject = change_list_after(t.list, change_list_now(t.list) - 2)->facts;
		cr_expect_str_eq(subject->instance_id, "a");
		cr_expect_eq(subject->status, CONTAINER_STOPPED);
		clear(&t);
	}
}

static void add(struct taken *t, const char *text)
{
	cr_assert_eq(watch_feed_add(&t->feed, text, strlen(text), t->list, NULL), RC_OK, "%s", text);
}

Test(watch_feed, a_new_feed_deletes_nothing_before_it_is_synced)
{
	struct taken t = make();
	uint64_t number;

	add(&t, SNAPSHOT RUNS("a") RUNS("b") RUNS("c") SYNCED);
	number = change_list_now(t.list);
	watch_feed_clear(&t.feed);
	t.feed = watch_feed_make();
	add(&t, SNAPSHOT RUNS("c") RUNS("a"));
	cr_expect_eq(change_list_now(t.list), number);
	add(&t, RUNS("d"));
	cr_expect_str_eq(there(t.list), "a b c d ");
	add(&t, SYNCED);
	cr_expect_str_eq(there(t.list), "a c d ");
	clear(&t);
}

Test(watch_feed, protocol_violations_are_rejected)
{
	static const char *const cases[] = {
		"\n",
		"[]\n",
		"{}\n",
		"not JSON\n",
		RUNS("a"),
		SYNCED,
		GONE("a"),
		SNAPSHOT GONE("a"),
		SNAPSHOT SYNCED SYNCED,
		SNAPSHOT "{\"id\":\"a\"}\n",
		SNAPSHOT "{\"id\":\"a\",\"status\":\"DELETED\"}\n",
		SNAPSHOT "{\"id\":7,\"status\":\"RUNNING\"}\n",
		SNAPSHOT "{\"id\":\"\",\"status\":\"RUNNING\"}\n",
		SNAPSHOT "{\"synced\":false}\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct taken t = make();

		cr_expect_eq(watch_feed_add(&t.feed, cases[i], strlen(cases[i]), t.list, NULL), RC_INTERNAL, "%s",
			     cases[i]);
		clear(&t);
	}
}

Test(list_subject, has_the_fields_used_by_filters)
{
	static const char text[] =
		"{\"id\":\"a\",\"status\":\"FAILED\",\"create_time\":\"2026-01-02T03:04:05Z\","
		"\"spec\":{\"metadata\":{\"name\":\"web\",\"labels\":{\"team\":\"shop\",\"x\":\"\"}},"
		"\"image\":{\"reference\":\"nginx:1\"}}}";
	cleanup_json cJSON *tree = cJSON_Parse(text);
	cleanup_free struct list_subject *subject = NULL;

	cr_assert_eq(list_subject_read(tree, &subject, NULL), RC_OK);
	cr_expect_str_eq(list_field_text(subject, LIST_FIELD_ID), "a");
	cr_expect_str_eq(list_field_text(subject, LIST_FIELD_NAME), "web");
	cr_expect_str_eq(list_field_text(subject, LIST_FIELD_IMAGE), "nginx:1");
	cr_expect_str_eq(list_field_text(subject, LIST_FIELD_STATUS), "FAILED");
	cr_expect_eq(subject->created_ms, 1767323045000);
	cr_expect_str_eq(list_field_label(subject, "team"), "shop");
	cr_expect_str_eq(list_field_label(subject, "x"), "");
	cr_expect_null(list_field_label(subject, "tea"));
}
