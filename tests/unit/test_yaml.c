#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/services/json_write.h"
#include "common/services/yaml.h"

#define TEXT_MAX 65536

struct good_case {
	const char *name;
	const char *yaml;
	const char *json;
};

static const struct good_case good_cases[] = {
	{ "an empty text is null", "", "null" },
	{ "comments only are null", "# nothing\n", "null" },
	{ "plain scalars get their type", "[null, ~, true, False, 7, -3, +4, 0x1F, 0o17, 1.5, -2e3, .5, 6.]",
	  "[null,null,true,false,7,-3,4,31,15,1.5,-2000,0.5,6]" },
	{ "quoted scalars are strings", "['7', \"true\", 'null', '']", "[\"7\",\"true\",\"null\",\"\"]" },
	{ "booleans of YAML 1.1", "[yes, Yes, YES, y, Y, on, On, ON, no, No, NO, n, N, off, Off, OFF]",
	  "[true,true,true,true,true,true,true,true,false,false,false,false,false,false,false,false]" },
	{ "numbers of YAML 1.1", "[1_000, 0b101, -1_0.5_0, 1_]", "[1000,5,-10.5,1]" },
	{ "look-alikes stay strings", "[yEs, oN, 'yes', \"no\", 1.2.3, 0o8, 0b2, 0xG, +-1, 1e, ., _1, '~x', 12a]",
	  "[\"yEs\",\"oN\",\"yes\",\"no\",\"1.2.3\",\"0o8\",\"0b2\",\"0xG\",\"+-1\",\"1e\",\".\",\"_1\",\"~x\","
	  "\"12a\"]" },
	{ "an integer beyond 2^53 stays a string", "[9007199254740992, 9007199254740993000, 1e400]",
	  "[9007199254740992,\"9007199254740993000\",\"1e400\"]" },
	{ "block scalars are strings", "a: |\n  1\n  2\nb: >-\n  x\n  y\n", "{\"a\":\"1\\n2\\n\",\"b\":\"x y\"}" },
	{ "keys are strings", "200: a\ntrue: b\n'c': d\n", "{\"200\":\"a\",\"true\":\"b\",\"c\":\"d\"}" },
	{ "a missing value is null", "a:\nb: 1\n", "{\"a\":null,\"b\":1}" },
	{ "nesting", "a:\n- b: [1, {c: d}]\n- []\n- {}\n", "{\"a\":[{\"b\":[1,{\"c\":\"d\"}]},[],{}]}" },
	{ "tags of strings, mappings and sequences", "[!!str 7, ! 8, !!map {}, !!seq []]", "[\"7\",\"8\",{},[]]" },
	{ "a document marker before and after", "---\na: 1\n...\n", "{\"a\":1}" },
	{ "a top-level scalar", "hello", "\"hello\"" },
	{ "the last value of a duplicate key", "a: 1\nb: 2\na: 3\nx: {c: 1, c: {d: 1, d: 2}}\n'': 1\n'': 2\n",
	  "{\"b\":2,\"a\":3,\"x\":{\"c\":{\"d\":2}},\"\":2}" },
	{ "only the first document", "a: 1\n---\nb: 2\n", "{\"a\":1}" },
	{ "the first document, before a malformed one", "a: 1\n---\n[[[\n", "{\"a\":1}" },
	{ "an empty first document", "---\n---\nb: 2\n", "null" },
	{ "an anchor and its aliases", "a: &x [1, {b: 2}]\nc: *x\nd: [*x, *x]\n",
	  "{\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}],\"d\":[[1,{\"b\":2}],[1,{\"b\":2}]]}" },
	{ "an anchor of a scalar", "[&x 7, *x, &y '7', *y, &z , *z]", "[7,7,\"7\",\"7\",null,null]" },
	{ "a redefined anchor", "[&x 1, *x, &x 2, *x]", "[1,1,2,2]" },
	{ "an anchor whose value was replaced", "a: &x [1]\na: 2\nb: *x\n", "{\"a\":2,\"b\":[1]}" },
	{ "a merged mapping", "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
	  "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":1,\"c\":3}}" },
	{ "the first of several merged mappings takes precedence", "[&x {a: 1}, &y {a: 2, b: 2}, {<<: [*x, *y]}]",
	  "[{\"a\":1},{\"a\":2,\"b\":2},{\"b\":2,\"a\":1}]" },
	{ "two merges", "[&x {a: 1}, &y {b: 2}, {<<: *x, c: 3, <<: *y}]",
	  "[{\"a\":1},{\"b\":2},{\"a\":1,\"c\":3,\"b\":2}]" },
	{ "nested merges", "[&x {a: 1}, &y {<<: *x, b: 2}, {<<: *y}]",
	  "[{\"a\":1},{\"a\":1,\"b\":2},{\"a\":1,\"b\":2}]" },
	{ "an empty merge", "{<<: {}, a: 1, <<: []}", "{\"a\":1}" },
	{ "unknown tags", "[!foo 7, !foo {a: 1}, !bar [x]]", "[\"7\",{\"a\":1},[\"x\"]]" },
	{ "tags of scalar types", "[!!int '7', !!bool 'yes', !!null '', !!float 1.5, !!timestamp 2001-01-01]",
	  "[7,true,null,1.5,\"2001-01-01\"]" },
	{ "a byte order mark",
	  "\xEF\xBB\xBF"
	  "a: 1\n",
	  "{\"a\":1}" },
	{ "CRLF line endings", "a: 1\r\nb:\r\n- c\r\n", "{\"a\":1,\"b\":[\"c\"]}" },
	{ "the same key in two mappings", "a: {x: 1}\nb: {x: 2}\n", "{\"a\":{\"x\":1},\"b\":{\"x\":2}}" },
};

struct bad_case {
	const char *name;
	const char *yaml;
	const char *message; /* part of it */
};

static const struct bad_case bad_cases[] = {
	{ "an unknown alias", "a: *x\n", "line 1: unknown anchor" },
	{ "an alias before its anchor", "a: *x\nb: &x 1\n", "unknown anchor" },
	{ "an anchor in itself", "a: &x\n- *x\n", "line 2: an anchor contains itself" },
	{ "an anchor deep in itself", "&x {a: [{b: *x}]}", "an anchor contains itself" },
	{ "an alias as key", "[&x a, {*x : 1}]", "key must be a scalar" },
	{ "a merged scalar", "{<<: 7}", "<< needs a mapping" },
	{ "a merged list with a scalar", "{<<: [{}, 7]}", "<< needs a mapping" },
	{ "a mapping as key", "? {a: 1}\n: 2\n", "key must be a scalar" },
	{ "a sequence as key", "[[1]: 2]", "key must be a scalar" },
	{ "binary data", "!!binary aGk=", "tag" },
	{ "U+0000 in quotes", "\"a\\0b\"", "U+0000" },
	{ "infinity", "[.inf]", "infinities" },
	{ "not a number", ".NaN", "infinities" },
	{ "an open bracket", "[1, 2", "line" },
	{ "a tab as indentation", "a:\n\tb: 1\n", "line 2" },
	{ "a control character", "a: \x01\n", "byte" },
	{ "invalid UTF-8", "a: \xff\n", "byte" },
};

Test(yaml, is_parsed_like_kubectl_does)
{
	for (size_t i = 0; i < ARRAY_LEN(good_cases); i++) {
		const struct good_case *c = &good_cases[i];
		struct buf out cleanup_buf = buf_make(TEXT_MAX);
		struct json_writer w = json_writer_make(&out);
		cleanup_json cJSON *tree = NULL;
		struct error err = { .rc = RC_OK };
		enum rc rc = yaml_parse(c->yaml, strlen(c->yaml), &tree, &err);

		cr_expect_eq(rc, RC_OK, "%s: %s", c->name, err.text);
		json_tree(&w, NULL, tree);
		cr_expect_str_eq(out.data, c->json, "%s: got %s", c->name, out.data);
	}
}

Test(yaml, malformed_documents_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];
		cleanup_json cJSON *tree = NULL;
		struct error err = { .rc = RC_OK };
		enum rc rc = yaml_parse(c->yaml, strlen(c->yaml), &tree, &err);

		cr_expect_eq(rc, RC_INVALID_ARGUMENT, "%s: rc %s", c->name, rc_name(rc));
		cr_expect(strstr(err.text, c->message) != NULL, "%s: got '%s'", c->name, err.text);
		cr_expect_null(tree, "%s: the result was changed", c->name);
	}
}

static enum rc parse_rc(const struct buf *text)
{
	cleanup_json cJSON *tree = NULL;

	return yaml_parse(text->data, text->len, &tree, NULL);
}

static enum rc parse_nested(size_t levels)
{
	struct buf text cleanup_buf = buf_make(1u << 20);
	cleanup_json cJSON *tree = NULL;

	for (size_t i = 0; i < levels; i++)
		buf_add_char(&text, '[');
	for (size_t i = 0; i < levels; i++)
		buf_add_char(&text, ']');
	return yaml_parse(text.data, text.len, &tree, NULL);
}

Test(yaml, nesting_is_limited)
{
	cr_expect_eq(parse_nested(YAML_DEPTH_MAX), RC_OK);
	cr_expect_eq(parse_nested(YAML_DEPTH_MAX + 1), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_nested(100000), RC_INVALID_ARGUMENT);
}

Test(yaml, the_size_is_limited)
{
	cleanup_free char *text = malloc(YAML_TEXT_MAX + 1);
	cleanup_json cJSON *tree = NULL;

	cr_assert_not_null(text);
	memset(text, ' ', YAML_TEXT_MAX + 1);
	cr_expect_eq(yaml_parse(text, YAML_TEXT_MAX + 1, &tree, NULL), RC_TOO_LARGE);
}

/* Short documents that expand to billions of values or thousands of levels. */
Test(yaml, the_expansion_of_aliases_is_limited)
{
	struct buf wide cleanup_buf = buf_make(10000);
	struct buf deep cleanup_buf = buf_make(100000);
	struct buf many cleanup_buf = buf_make(100000);
	struct buf merged cleanup_buf = buf_make(10000);

	buf_add_str(&wide, "- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	buf_add_str(&deep, "- &a0 [x]\n");
	buf_add_str(&merged, "- &a0 {a: {}, b: {}, c: {}}\n");
	for (int i = 0; i < 20; i++) {
		buf_addf(&wide, "- &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i + 1, i, i, i, i, i, i, i,
			 i);
		buf_addf(&deep, "- &a%d [[[[[*a%d]]]]]\n", i + 1, i);
		buf_addf(&merged, "- &a%d {x: {<<: *a%d}, y: {<<: *a%d}, z: {<<: *a%d}}\n", i + 1, i, i, i);
	}
	for (int i = 0; i <= YAML_ANCHORS_MAX; i++)
		buf_addf(&many, "- &a%d x\n", i);
	cr_expect_eq(parse_rc(&wide), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_rc(&deep), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_rc(&many), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_rc(&merged), RC_INVALID_ARGUMENT);
	buf_truncate(&many, many.len - strlen("- &a256 x\n"));
	cr_expect_eq(parse_rc(&many), RC_OK);
}

Test(yaml, many_keys_are_parsed_in_linear_time)
{
	struct buf text cleanup_buf = buf_make(YAML_TEXT_MAX);
	cleanup_json cJSON *tree = NULL;

	for (int i = 0; i < 100000; i++)
		buf_addf(&text, "key%d: %d\n", i, i);
	cr_expect_eq(yaml_parse(text.data, text.len, &tree, NULL), RC_OK);
	cr_expect_eq(cJSON_GetArraySize(tree), 100000);
}

Test(yaml, many_duplicate_keys_are_parsed_in_linear_time)
{
	struct buf text cleanup_buf = buf_make(YAML_TEXT_MAX);
	cleanup_json cJSON *tree = NULL;

	for (int i = 0; i < 100000; i++)
		buf_addf(&text, "key: %d\n", i);
	cr_expect_eq(yaml_parse(text.data, text.len, &tree, NULL), RC_OK);
	cr_expect_eq(json_int_at(tree, "key", 0), 99999);
	cr_expect_eq(cJSON_GetArraySize(tree), 1);
}
