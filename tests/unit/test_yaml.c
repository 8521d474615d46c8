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
	{ "look-alikes stay strings", "[yes, No, on, 1.2.3, 0o8, 0xG, +-1, 1e, ., '~x', 12a]",
	  "[\"yes\",\"No\",\"on\",\"1.2.3\",\"0o8\",\"0xG\",\"+-1\",\"1e\",\".\",\"~x\",\"12a\"]" },
	{ "an integer beyond 2^53 stays a string", "[9007199254740992, 9007199254740993000, 1e400]",
	  "[9007199254740992,\"9007199254740993000\",\"1e400\"]" },
	{ "block scalars are strings", "a: |\n  1\n  2\nb: >-\n  x\n  y\n", "{\"a\":\"1\\n2\\n\",\"b\":\"x y\"}" },
	{ "keys are strings", "200: a\ntrue: b\n'c': d\n", "{\"200\":\"a\",\"true\":\"b\",\"c\":\"d\"}" },
	{ "a missing value is null", "a:\nb: 1\n", "{\"a\":null,\"b\":1}" },
	{ "nesting", "a:\n- b: [1, {c: d}]\n- []\n- {}\n", "{\"a\":[{\"b\":[1,{\"c\":\"d\"}]},[],{}]}" },
	{ "tags that say string, map and sequence", "[!!str 7, ! 8, !!map {}, !!seq []]", "[\"7\",\"8\",{},[]]" },
	{ "a document marker before and after", "---\na: 1\n...\n", "{\"a\":1}" },
	{ "a top-level scalar", "hello", "\"hello\"" },
	{ "the same key in two mappings", "a: {x: 1}\nb: {x: 2}\n", "{\"a\":{\"x\":1},\"b\":{\"x\":2}}" },
};

struct bad_case {
	const char *name;
	const char *yaml;
	const char *says; /* part of the sentence */
};

static const struct bad_case bad_cases[] = {
	{ "an anchor on a scalar", "a: &x 1\n", "line 1: anchors" },
	{ "an anchor on a mapping", "a: &x {b: 1}\n", "anchors" },
	{ "an alias", "a: *x\n", "aliases" },
	{ "a key twice", "a: 1\nb: 2\na: 3\n", "'a' stands twice" },
	{ "a key twice inside", "x:\n  a: 1\n  a: 2\n", "line 2: the key 'a'" },
	{ "the empty key twice", "'': 1\n'': 2\n", "stands twice" },
	{ "a mapping as key", "? {a: 1}\n: 2\n", "key must be a scalar" },
	{ "a sequence as key", "[[1]: 2]", "key must be a scalar" },
	{ "an unknown tag", "!foo x", "tag" },
	{ "a typed tag", "!!binary aGk=", "tag" },
	{ "a tagged mapping", "!foo {a: 1}", "tag" },
	{ "a second document", "a: 1\n---\nb: 2\n", "second document" },
	{ "U+0000 in quotes", "\"a\\0b\"", "U+0000" },
	{ "infinity", "[.inf]", "infinities" },
	{ "not a number", ".NaN", "infinities" },
	{ "an open bracket", "[1, 2", "line" },
	{ "a tab as indentation", "a:\n\tb: 1\n", "line 2" },
	{ "a control character", "a: \x01\n", "byte" },
	{ "invalid UTF-8", "a: \xff\n", "byte" },
};

Test(yaml, reads_the_core_schema)
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

Test(yaml, refuses_what_is_ambiguous_or_broken)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];
		cleanup_json cJSON *tree = NULL;
		struct error err = { .rc = RC_OK };
		enum rc rc = yaml_parse(c->yaml, strlen(c->yaml), &tree, &err);

		cr_expect_eq(rc, RC_INVALID_ARGUMENT, "%s: rc %s", c->name, rc_name(rc));
		cr_expect(strstr(err.text, c->says) != NULL, "%s: said '%s'", c->name, err.text);
		cr_expect_null(tree, "%s: the result is untouched", c->name);
	}
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

Test(yaml, bounds_the_nesting)
{
	cr_expect_eq(parse_nested(YAML_DEPTH_MAX), RC_OK);
	cr_expect_eq(parse_nested(YAML_DEPTH_MAX + 1), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_nested(100000), RC_INVALID_ARGUMENT);
}

Test(yaml, bounds_the_size)
{
	cleanup_free char *text = malloc(YAML_TEXT_MAX + 1);
	cleanup_json cJSON *tree = NULL;

	cr_assert_not_null(text);
	memset(text, ' ', YAML_TEXT_MAX + 1);
	cr_expect_eq(yaml_parse(text, YAML_TEXT_MAX + 1, &tree, NULL), RC_TOO_LARGE);
}

Test(yaml, a_mapping_of_many_keys_is_quick)
{
	struct buf text cleanup_buf = buf_make(YAML_TEXT_MAX);
	cleanup_json cJSON *tree = NULL;

	for (int i = 0; i < 100000; i++)
		buf_addf(&text, "key%d: %d\n", i, i);
	cr_expect_eq(yaml_parse(text.data, text.len, &tree, NULL), RC_OK);
	cr_expect_eq(cJSON_GetArraySize(tree), 100000);
}
