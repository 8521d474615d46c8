/* json_check, json, json_write. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/services/json.h"
#include "common/services/json_check.h"
#include "common/services/json_write.h"

static const struct check_case {
	const char *text;
	bool good;
} check_cases[] = {
	{ "{}", true },
	{ " [1, 2.5, -0, 1e3, 0.1E-2] \n", true },
	{ "\"a\\u00e9\\n\\/\"", true },
	{ "\"\\ud83d\\ude00\"", true },
	{ "null", true },
	{ "{\"a\":{\"b\":[{}]},\"c\":[]}", true },
	{ "9007199254740992", true },
	{ "3.14159265358979323846", true },
	{ "", false },
	{ " ", false },
	{ "{", false },
	{ "[1,]", false },
	{ "{\"a\":1,}", false },
	{ "{\"a\" 1}", false },
	{ "{a:1}", false },
	{ "01", false },
	{ "1.", false },
	{ ".5", false },
	{ "+1", false },
	{ "1e", false },
	{ "nul", false },
	{ "nulll", false },
	{ "{} x", false },
	{ "{}{}", false },
	{ "\"a\nb\"", false },
	{ "\"\\x\"", false },
	{ "\"\\u12\"", false },
	{ "\"\\u0000\"", false },
	{ "\"\\ud800\"", false },
	{ "\"\\ude00\"", false },
	{ "\"\\ud83dx\"", false },
	{ "\"\xC0\x80\"", false },
	{ "\"\xFF\"", false },
	{ "\"open", false },
	{ "[1}", false },
	{ "]", false },
};

Test(json_check, accepts_valid_json_only)
{
	for (size_t i = 0; i < ARRAY_LEN(check_cases); i++) {
		struct error err = { 0 };
		enum rc rc = json_check(check_cases[i].text, strlen(check_cases[i].text), 8, &err);

		cr_expect_eq(rc == RC_OK, check_cases[i].good, "'%s': %s", check_cases[i].text, err.text);
	}
}

Test(json_check, every_prefix_of_a_text_is_rejected)
{
	static const char text[] = "{\"a\":[1,-2.5e3,\"\\ud83d\\ude00\xC3\xA9\",null,true,{\"b\":{}}]}";

	for (size_t len = 0; len < strlen(text); len++) {
		cleanup_free char *exact = malloc(len + 1); /* so that ASan detects reads beyond the end */

		memcpy(exact, text, len);
		cr_expect_neq(json_check(exact, len, 8, NULL), RC_OK, "%zu", len);
	}
	cr_expect_eq(json_check(text, strlen(text), 8, NULL), RC_OK);
}

/* Each byte at each position of texts of up to three machine words: a borrow must not affect earlier bytes. */
Test(json_check, plain_length_ends_at_the_first_special_byte)
{
	char text[24];

	memset(text, 'x', sizeof(text));
	for (size_t len = 0; len <= sizeof(text); len++)
		cr_expect_eq(json_plain_length(text, len), len);
	for (size_t at = 0; at < sizeof(text); at++) {
		for (int byte = 0; byte < 256; byte++) {
			bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';

			text[at] = (char)byte;
			cr_expect_eq(json_plain_length(text, sizeof(text)), plain ? sizeof(text) : at, "%#x at %zu",
				     (unsigned)byte, at);
		}
		text[at] = at % 2 ? 'x' : ' '; /* the lowest plain byte */
	}
}

Test(json_check, deep_nesting_is_rejected)
{
	static char deep[20001];
	struct error err;

	memset(deep, '[', 20000);
	cr_expect_eq(json_check(deep, 20000, JSON_DEPTH_MAX, &err), RC_INVALID_ARGUMENT);
	cr_expect_not_null(strstr(err.text, "nested too deeply"));
}

Test(json, strict_parsing_rejects_duplicate_keys)
{
	static const char text[] = "{\"a\":{\"x\":1,\"y\":2,\"x\":3}}";
	cleanup_json cJSON *tree = NULL;
	struct error err;

	cr_expect_eq(json_parse_strict(text, strlen(text), &tree, &err), RC_INVALID_ARGUMENT);
	cr_expect_null(tree);
	cr_expect_not_null(strstr(err.text, "'x'"));
	cr_expect_eq(json_parse(text, strlen(text), &tree, &err), RC_OK);
}

Test(json, strict_parsing_limits_the_members_of_an_object)
{
	for (int count = JSON_MEMBERS_MAX; count <= JSON_MEMBERS_MAX + 1; count++) {
		struct buf text cleanup_buf = buf_make(100000);
		cleanup_json cJSON *tree = NULL;
		struct error err;

		for (int i = 0; i < count; i++)
			buf_addf(&text, "%s\"k%d\":1", i ? "," : "[{", i);
		buf_add_str(&text, "}]");
		cr_expect_eq(json_parse_strict(text.data, text.len, &tree, &err),
			     count > JSON_MEMBERS_MAX ? RC_INVALID_ARGUMENT : RC_OK);
	}
}

Test(json, values_are_found_by_path)
{
	static const char text[] = "{\"a\":{\"b\":{\"c\":\"x\",\"n\":7,\"f\":1.5,\"t\":true}}}";
	cleanup_json cJSON *tree = NULL;

	cr_assert_eq(json_parse(text, strlen(text), &tree, NULL), RC_OK);
	cr_expect_str_eq(json_string_at(tree, "a.b.c"), "x");
	cr_expect_eq(json_int_at(tree, "a.b.n", -1), 7);
	cr_expect_eq(json_int_at(tree, "a.b.f", -1), -1);
	cr_expect(json_true_at(tree, "a.b.t"));
	cr_expect_null(json_string_at(tree, "a.x.c"));
	cr_expect_null(json_string_at(NULL, "a"));
	cr_expect_null(json_string_at(tree, "A.b.c"));
}

Test(json_write, output_has_commas_escapes_and_replaced_invalid_utf8)
{
	struct buf b cleanup_buf = buf_make(1000);
	struct json_writer w = json_writer_make(&b);

	json_begin_object(&w, NULL);
	json_string(&w, "q\"", "a\\b\n\x01\xFF\xC3\xA9");
	json_begin_array(&w, "e");
	json_end_array(&w);
	json_begin_array(&w, "l");
	json_int(&w, NULL, -1);
	json_bool(&w, NULL, true);
	json_string(&w, NULL, NULL);
	json_begin_object(&w, NULL);
	json_end_object(&w);
	json_end_array(&w);
	json_optional_string(&w, "absent", NULL);
	json_string_n(&w, "n", "abcdef", 3);
	json_end_object(&w);
	cr_expect_str_eq(
		b.data,
		"{\"q\\\"\":\"a\\\\b\\n\\u0001\xEF\xBF\xBD\xC3\xA9\",\"e\":[],\"l\":[-1,true,null,{}],\"n\":\"abc\"}");
}
