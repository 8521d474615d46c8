#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/watch_event.h"

static const struct watch_id id = { 0x5b0c9e7f12345678, 0x2a, 0xcbf29ce4 };

Test(watch_event, ids_round_trip_and_others_are_rejected)
{
	static const char *const others[] = {
		"",
		"x",
		"-1",
		"5b0c9e7f12345678",
		"5b0c9e7f12345678-2a",
		"5b0c9e7f12345678-2a-",
		"5b0c9e7f12345678-2a-cbf29ce",
		"5b0c9e7f12345678-2a-cbf29ce44",
		" 5b0c9e7f12345678-2a-cbf29ce4",
		"5b0c9e7f12345678-2a-cbf29ce4 ",
		"5b0c9e7f12345678--2a-cbf29ce4",
		"5b0c9e7f12345678-0x2a-cbf29ce4",
		"5b0c9e7f12345678-02a-cbf29ce4",
		"5B0C9E7F12345678-2A-CBF29CE4",
		"5b0c9e7f12345678-11111111111111111-cbf29ce4",
	};
	struct buf text cleanup_buf = buf_make(100);
	struct watch_id read = { 0 };

	watch_id_write(&id, &text);
	cr_expect_str_eq(text.data, "5b0c9e7f12345678-2a-cbf29ce4");
	cr_assert(watch_id_read(text.data, &read));
	cr_expect(read.list == id.list && read.number == id.number && read.filter == id.filter);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		cr_expect_not(watch_id_read(others[i], &read), "'%s'", others[i]);
}

Test(watch_event, events_have_the_format_of_the_api)
{
	char container[] = "{\"id\":\"a\"}";
	const struct change_item item = { .text = container, .len = strlen(container) };
	const struct {
		struct change_event event;
		const char *text;
	} cases[] = {
		{ { CHANGE_SNAPSHOT, &item, 0 }, "event: snapshot\ndata: {\"container\":{\"id\":\"a\"}}\n\n" },
		{ { CHANGE_SYNCED, NULL, 7 }, "id: 5b0c9e7f12345678-7-cbf29ce4\nevent: synced\ndata: {}\n\n" },
		{ { CHANGE_ADDED, &item, 8 },
		  "id: 5b0c9e7f12345678-8-cbf29ce4\ndata: {\"type\":\"ADDED\",\"container\":{\"id\":\"a\"}}\n\n" },
		{ { CHANGE_MODIFIED, &item, 9 },
		  "id: 5b0c9e7f12345678-9-cbf29ce4\ndata: {\"type\":\"MODIFIED\",\"container\":{\"id\":\"a\"}}\n\n" },
		{ { CHANGE_DELETED, &item, 10 },
		  "id: 5b0c9e7f12345678-a-cbf29ce4\ndata: {\"type\":\"DELETED\",\"container\":{\"id\":\"a\"}}\n\n" },
	};
	struct buf out cleanup_buf = buf_make(1000);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		watch_event_write(&cases[i].event, &id, &out);
		cr_expect_str_eq(out.data, cases[i].text);
	}
	buf_reset(&out);
	watch_comment_write(&id, &out);
	watch_comment_write(&(struct watch_id){ .number = 0 }, &out);
	cr_expect_str_eq(out.data, ":\nid: 5b0c9e7f12345678-2a-cbf29ce4\n\n:\n\n");
}
