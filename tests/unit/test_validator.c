#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/document/validator.h"
#include "common/services/yaml.h"

/* A document with one schema, a value and its faults: "pointer detail; ..." */
struct check_case {
	const char *name;
	const char *schema; /* YAML */
	const char *value;  /* JSON */
	const char *faults; /* "" : none */
};

static const struct check_case cases[] = {
	/* type, nullable */
	{ "object", "{type: object}", "{}", "" },
	{ "array is not an object", "{type: object}", "[]", " must be an object" },
	{ "object is not an array", "{type: array}", "{}", " must be an array" },
	{ "number is not a string", "{type: string}", "1", " must be a string" },
	{ "integer", "{type: integer}", "-5", "" },
	{ "1.0 is an integer", "{type: integer}", "1.0", "" },
	{ "1.5 is not an integer", "{type: integer}", "1.5", " must be an integer" },
	{ "a string of digits is not an integer", "{type: integer}", "\"1\"", " must be an integer" },
	{ "true is not an integer", "{type: integer}", "true", " must be an integer" },
	{ "number", "{type: number}", "1.5", "" },
	{ "boolean", "{type: boolean}", "false", "" },
	{ "null is not a boolean", "{type: boolean}", "null", " must be a boolean" },
	{ "nullable accepts null", "{type: string, nullable: true}", "null", "" },
	{ "nullable is part of the message", "{type: string, nullable: true}", "1", " must be a string or null" },
	{ "without a type, any value is valid", "{}", "[1]", "" },
	/* enum */
	{ "enum", "{type: string, enum: [a, b]}", "\"b\"", "" },
	{ "not in the enum", "{type: string, enum: [a, b]}", "\"c\"", " must be one of: a, b" },
	{ "enum of one", "{type: string, enum: [a]}", "\"A\"", " must be 'a'" },
	/* numbers */
	{ "minimum", "{type: integer, minimum: 1}", "1", "" },
	{ "below the minimum", "{type: integer, minimum: 1}", "0", " must be at least 1" },
	{ "above the maximum", "{type: integer, maximum: 65535}", "65536", " must be at most 65535" },
	{ "exclusive minimum", "{minimum: 1, exclusiveMinimum: true}", "1", " must be more than 1" },
	{ "exclusive maximum", "{maximum: 1, exclusiveMaximum: true}", "1", " must be less than 1" },
	{ "int32", "{type: integer, format: int32}", "2147483648", " must fit into 32 bits" },
	{ "limits apply to numbers only", "{minimum: 5}", "\"1\"", "" },
	/* strings */
	{ "length counts characters", "{type: string, minLength: 2, maxLength: 2}", "\"\\u20ac\\u20ac\"", "" },
	{ "too short", "{type: string, minLength: 1}", "\"\"", " must have at least 1 character" },
	{ "too long", "{type: string, maxLength: 2}", "\"abc\"", " must have at most 2 characters" },
	{ "pattern", "{type: string, pattern: '^[a-z]+$'}", "\"abc\"", "" },
	{ "pattern not matched", "{type: string, pattern: '^[a-z]+$'}", "\"aBc\"", " must match the pattern ^[a-z]+$" },
	{ "a trailing newline does not match", "{type: string, pattern: '^[a-z]+$'}", "\"a\\n\"",
	  " must match the pattern ^[a-z]+$" },
	{ "a pattern with a description", "{type: string, pattern: '^a$', x-must-be: an a}", "\"b\"", " must be an a" },
	{ "patterns are not anchored", "{type: string, pattern: 'b'}", "\"abc\"", "" },
	{ "date-time", "{type: string, format: date-time}", "\"2026-01-02T03:04:05Z\"", "" },
	{ "not a date-time", "{type: string, format: date-time}", "\"yesterday\"", " must be an RFC 3339 time" },
	/* arrays */
	{ "items", "{type: array, items: {type: integer}}", "[1, \"a\", 2, null]",
	  "/1 must be an integer; /3 must be an integer" },
	{ "minItems", "{type: array, minItems: 1}", "[]", " must have at least 1 element" },
	{ "maxItems", "{type: array, maxItems: 1}", "[1,2]", " must have at most 1 elements" },
	{ "uniqueItems", "{type: array, uniqueItems: true}", "[1,{\"a\":1},{\"a\":1}]",
	  " must not contain duplicate values" },
	/* objects */
	{ "required", "{type: object, required: [a, b]}", "{\"a\":1}", "/b is required" },
	{ "null satisfies required", "{type: object, required: [a]}", "{\"a\":null}", "" },
	{ "properties", "{type: object, properties: {a: {type: string}}}", "{\"a\":1,\"b\":2}", "/a must be a string" },
	{ "additionalProperties false", "{type: object, additionalProperties: false}", "{\"a\":1}", "/a is not known" },
	{ "additionalProperties as schema", "{type: object, additionalProperties: {type: string}}",
	  "{\"a\":\"x\",\"b/c~d\":1}", "/b~1c~0d must be a string" },
	{ "minProperties", "{type: object, minProperties: 1}", "{}", " must have at least 1 members" },
	{ "maxProperties", "{type: object, maxProperties: 1}", "{\"a\":1,\"b\":1}", " must have at most 1 members" },
	{ "readOnly is ignored", "{type: object, required: [a], properties: {a: {type: string, readOnly: true}}}",
	  "{\"a\":1}", "" },
	{ "readOnly is not required", "{type: object, required: [a], properties: {a: {type: string, readOnly: true}}}",
	  "{}", "" },
	/* combinations */
	{ "allOf", "{allOf: [{required: [a]}, {properties: {b: {type: string}}}]}", "{\"b\":1}",
	  "/a is required; /b must be a string" },
	{ "duplicate faults are reported once", "{allOf: [{type: object}, {type: object}]}", "1",
	  " must be an object" },
	{ "oneOf", "{oneOf: [{type: integer, minimum: 1}, {type: string, minLength: 1}]}", "\"x\"", "" },
	{ "oneOf reports the faults of the matching type", "{oneOf: [{type: integer, minimum: 1}, {type: string}]}",
	  "0", " must be at least 1" },
	{ "oneOf of other types", "{oneOf: [{type: integer}, {type: string}]}", "[]",
	  " must be an integer or a string of one of the forms in the API document" },
	{ "oneOf several", "{oneOf: [{type: integer}, {type: number}]}", "1",
	  " must match exactly one of the forms in the API document, and matches several" },
	{ "anyOf", "{anyOf: [{type: integer}, {type: number}]}", "1", "" },
	{ "anyOf none", "{anyOf: [{type: integer}, {type: boolean}]}", "\"\"",
	  " must be an integer or a boolean of one of the forms in the API document" },
	{ "not", "{not: {type: integer}}", "1", " has a forbidden value" },
	{ "not one of", "{type: string, not: {type: string, enum: [health]}}", "\"health\"",
	  " must not be 'health', which is reserved" },
	{ "not another", "{type: string, not: {type: string, enum: [health]}}", "\"healthy\"", "" },
	{ "deep", "{properties: {a: {items: {properties: {b: {minimum: 1}}}}}}", "{\"a\":[{\"b\":1},{\"b\":0}]}",
	  "/a/1/b must be at least 1" },
};

static cJSON *must_parse_yaml(const char *text)
{
	cJSON *tree = NULL;
	struct error err;

	cr_assert_eq(yaml_parse(text, strlen(text), &tree, &err), RC_OK, "%s: %s", text, err.text);
	return tree;
}

static void describe(const struct faults *faults, struct buf *out)
{
	for (size_t i = 0; i < faults->count; i++)
		buf_addf(out, "%s%s %s", i ? "; " : "", faults->items[i].pointer, faults->items[i].detail);
}

Test(validator, faults_have_a_pointer_and_a_detail)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json cJSON *document = must_parse_yaml(cases[i].schema);
		cleanup_json cJSON *value = cJSON_Parse(cases[i].value);
		struct schema_set *set = schema_set_create(document);
		struct faults faults cleanup_faults = { .count = 0 };
		struct buf got cleanup_buf = buf_make(10000);
		const struct schema *schema = NULL;
		struct error err = { .rc = RC_OK };

		cr_assert_eq(schema_compile(set, document, &schema, &err), RC_OK, "%s: %s", cases[i].name, err.text);
		cr_assert_not_null(value, "%s", cases[i].name);
		validator_check(schema, value, "", &faults);
		describe(&faults, &got);
		cr_expect_str_eq(got.data, cases[i].faults, "%s: got '%s'", cases[i].name, got.data);
		schema_set_destroy(set);
	}
}

Test(validator, read_only_properties_are_ignored)
{
	cleanup_json cJSON *document = must_parse_yaml(
		"{required: [a, b], properties: {a: {type: string, readOnly: true}}}");
	cleanup_json cJSON *value = cJSON_Parse("{\"a\":1}");
	struct schema_set *set = schema_set_create(document);
	struct faults faults cleanup_faults = { .count = 0 };
	const struct schema *schema = NULL;

	cr_assert_eq(schema_compile(set, document, &schema, NULL), RC_OK);
	validator_check(schema, value, "/body", &faults);
	cr_assert_eq(faults.count, 1);
	cr_expect_str_eq(faults.items[0].pointer, "/body/b");
	schema_set_destroy(set);
}

Test(validator, only_a_hundred_faults_are_kept_and_the_rest_counted)
{
	cleanup_json cJSON *document = must_parse_yaml("{items: {type: string}}");
	cleanup_json cJSON *value = cJSON_CreateArray();
	struct schema_set *set = schema_set_create(document);
	struct faults faults cleanup_faults = { .count = 0 };
	struct buf summary cleanup_buf = buf_make(1000);
	const struct schema *schema = NULL;

	for (int i = 0; i < 250; i++)
		cJSON_AddItemToArray(value, cJSON_CreateNumber(i));
	cr_assert_eq(schema_compile(set, document, &schema, NULL), RC_OK);
	validator_check(schema, value, "", &faults);
	cr_expect_eq(faults.count, FAULTS_MAX);
	cr_expect_eq(faults.dropped, 150);
	faults_summary(&faults, &summary);
	cr_expect_str_eq(summary.data, "/0: must be a string; and 249 more errors");
	schema_set_destroy(set);
}

/* ---- schemas rejected by the compiler ---- */

struct refused_case {
	const char *name;
	const char *document; /* YAML; the schema is at its top */
	const char *message;
};

static const struct refused_case refused_cases[] = {
	{ "an unknown keyword", "{type: string, contentEncoding: base64}", "'contentEncoding' is not known" },
	{ "an unknown keyword inside", "{properties: {a: {items: {const: 1}}}}", "'const' is not known" },
	{ "an unknown type", "{type: text}", "malformed value of 'type'" },
	{ "a list of types", "{type: [string, 'null']}", "malformed value of 'type'" },
	{ "an unknown format", "{type: string, format: zip}", "unknown format 'zip'" },
	{ "an invalid pattern", "{pattern: '('}", "pattern" },
	{ "an empty enum", "{enum: []}", "'enum'" },
	{ "a limit that is not a number", "{minimum: a}", "'minimum'" },
	{ "a negative size", "{minLength: -1}", "'minLength'" },
	{ "a flag that is not a boolean", "{nullable: 1}", "'nullable'" },
	{ "required that is not a list of names", "{required: [1]}", "'required'" },
	{ "a dangling reference", "{properties: {a: {$ref: '#/b'}}}", "does not refer to a schema" },
	{ "a reference to another file", "{properties: {a: {$ref: 'x.yaml#/b'}}}", "does not refer to a schema" },
	{ "a schema that contains itself", "{properties: {a: {$ref: '#/x-b'}}, x-b: {items: {$ref: '#/x-b'}}}",
	  "contains itself" },
	{ "circular references", "{properties: {a: {$ref: '#/x-b'}}, x-b: {$ref: '#/x-c'}, x-c: {$ref: '#/x-b'}}",
	  "does not refer to a schema" },
	{ "items that are not a schema", "{items: 1}", "does not refer to a schema" },
	{ "an empty allOf", "{allOf: []}", "'allOf'" },
};

Test(validator, unsupported_schemas_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(refused_cases); i++) {
		cleanup_json cJSON *document = must_parse_yaml(refused_cases[i].document);
		struct schema_set *set = schema_set_create(document);
		const struct schema *schema = NULL;
		struct error err = { .rc = RC_OK };
		enum rc rc = schema_compile(set, document, &schema, &err);

		cr_expect_eq(rc, RC_INVALID_ARGUMENT, "%s: %s", refused_cases[i].name, rc_name(rc));
		cr_expect(strstr(err.text, refused_cases[i].message) != NULL, "%s: got '%s'", refused_cases[i].name,
			  err.text);
		schema_set_destroy(set);
	}
}

Test(validator, escapes_in_references_are_decoded)
{
	cleanup_json cJSON *document = must_parse_yaml("{x: {'a/b~c': [{type: integer}]}, s: {$ref: '#/x/a~1b~0c/0'}}");

	cr_expect_str_eq(json_string_at(schema_resolve(document, json_get(document, "s")), "type"), "integer");
}
