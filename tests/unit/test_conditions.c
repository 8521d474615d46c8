#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/conditions.h"

#define ETAG "0123456789abcdef"

Test(conditions, if_match_is_translated_for_the_worker)
{
	static const struct {
		const char *value;
		const char *sent;
	} cases[] = {
		{ NULL, "{}" },
		{ "*", "{\"if_match\":\"*\"}" },
		{ "\"*\"", "{\"if_match\":[\"*\"]}" },
		{ "\"a\"", "{\"if_match\":[\"a\"]}" },
		{ "\"a\", \"b,c\" ,\"\"", "{\"if_match\":[\"a\",\"b,c\",\"\"]}" },
		{ ",, \"a\",, ,\"b\",", "{\"if_match\":[\"a\",\"b\"]}" },
		{ "W/\"a\"", "{\"if_match\":[]}" },
		{ "W/\"a\",\"W/\",\"b\"", "{\"if_match\":[\"W/\",\"b\"]}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text cleanup_buf = buf_make(1024);
		struct json_writer w = json_writer_make(&text);

		json_begin_object(&w, NULL);
		conditions_write_if_match(cases[i].value, &w);
		json_end_object(&w);
		cr_expect_str_eq(text.data, cases[i].sent, "%s: %s", cases[i].value, text.data);
	}
}

Test(conditions, if_none_match_uses_the_weak_comparison)
{
	static const struct {
		const char *value;
		bool named;
	} cases[] = {
		{ NULL, false },
		{ "*", true },
		{ "\"" ETAG "\"", true },
		{ "W/\"" ETAG "\"", true },
		{ "\"x\", W/\"y\",\"" ETAG "\"", true },
		{ "\"x\"", false },
		{ "\"\"", false },
		{ "\"" ETAG "0\"", false },
		{ "\"*\"", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(conditions_name(cases[i].value, ETAG), cases[i].named, "%s", cases[i].value);
	cr_expect(conditions_name("*", ""), "a worker without ETags");
	cr_expect_not(conditions_name("\"\"", ""));
}
