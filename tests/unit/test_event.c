#include <criterion/criterion.h>
#include <string.h>

#include "common/services/json.h"
#include "monitor/event.h"

Test(event, is_a_structured_cloudevent)
{
	char source[EVENT_SOURCE_MAX];
	struct buf out cleanup_buf = buf_make(EVENT_MAX);
	cleanup_json cJSON *tree = NULL;
	const struct event event = { .source = source,
				     .instance_id = "web",
				     .status = CONTAINER_FAILED,
				     .message = "say \"why\"\n",
				     .id = { 1, 2, 3 },
				     .time_ms = 1767226200123 };
	static const struct {
		const char *path;
		const char *value;
	} expected[] = {
		{ "specversion", "1.0" },
		{ "id", "01020300-0000-4000-8000-000000000000" },
		{ "source", "dcm/providers/a%20b%2F%C3%BC" },
		{ "type", "dcm.status.container" },
		{ "subject", "dcm.container" },
		{ "time", "2026-01-01T00:10:00.123Z" },
		{ "datacontenttype", "application/json" },
		{ "data.id", "web" },
		{ "data.status", "FAILED" },
		{ "data.message", "say \"why\"\n" },
		{ "data.timestamp", "2026-01-01T00:10:00.123Z" },
	};

	event_write_source("a b/ü", source);
	event_write(&event, &out);
	cr_assert_eq(json_parse_strict(out.data, out.len, &tree, NULL), RC_OK, "%s", out.data);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		cr_expect_str_eq(json_string_at(tree, expected[i].path), expected[i].value, "%s", expected[i].path);
	cr_expect_eq(cJSON_GetArraySize(tree), 8);
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "data")), 4);
}

Test(event, the_longest_name_fits_into_the_source)
{
	char source[EVENT_SOURCE_MAX];
	char name[129];

	memset(name, ' ', 128);
	name[128] = '\0';
	event_write_source(name, source);
	cr_expect_eq(strlen(source), strlen("dcm/providers/") + 3 * 128);
}
