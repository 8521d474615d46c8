#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/document/openapi.h"
#include "api-svc/document/validator.h"
#include "api-svc/router.h"
#include "common/base/strutil.h"
#include "common/services/yaml.h"

static struct openapi *load_embedded(void)
{
	struct openapi *openapi = NULL;
	struct error err = { .rc = RC_OK };
	size_t len;
	const char *text = openapi_embedded(&len);

	cr_assert_eq(openapi_load(text, len, &openapi, &err), RC_OK, "%s", err.text);
	return openapi;
}

static cJSON *parse_embedded(void)
{
	cJSON *document = NULL;
	size_t len;
	const char *text = openapi_embedded(&len);

	cr_assert_eq(yaml_parse(text, len, &document, NULL), RC_OK);
	return document;
}

Test(openapi, the_embedded_document_is_valid_and_has_a_route_for_each_operation)
{
	struct openapi *openapi = load_embedded();
	const struct openapi_operation *create = openapi_operation(openapi, "createContainer");
	struct error err = { .rc = RC_OK };
	size_t for_clients = 0;

	cr_expect_eq(router_check(openapi, &err), RC_OK, "%s", err.text);
	for (int op = 0; op < OPERATION_COUNT; op++)
		for_clients += operation_row((enum operation)op)->id != NULL;
	cr_expect_eq(openapi_operation_count(openapi), for_clients);
	cr_assert_not_null(create);
	cr_expect_str_eq(create->path, "/api/v1alpha1/containers");
	cr_expect_str_eq(create->method, "post");
	cr_expect(create->body_required);
	cr_expect_not_null(create->body);
	cr_expect_eq(create->parameter_count, 2);
	cr_expect_null(openapi_operation(openapi, "nothing"));
	openapi_destroy(openapi);
}

Test(openapi, the_json_is_equal_to_the_yaml)
{
	struct openapi *openapi = load_embedded();
	cleanup_json cJSON *tree = NULL;
	size_t len;
	const char *json = openapi_json(openapi, &len);
	cleanup_json cJSON *document = parse_embedded();

	cr_assert_eq(json_parse_strict(json, len, &tree, NULL), RC_OK);
	cr_expect(cJSON_Compare(tree, document, true));
	openapi_destroy(openapi);
}

/* ---- examples match their schemas ---- */

static void check_example(struct schema_set *set, const cJSON *schema_node, const cJSON *value, const char *where)
{
	struct faults faults cleanup_faults = { .count = 0 };
	struct buf summary cleanup_buf = buf_make(2000);
	const struct schema *schema = NULL;

	cr_assert_eq(schema_compile(set, schema_node, &schema, NULL), RC_OK, "%s", where);
	validator_check(schema, value, "", &faults);
	faults_summary(&faults, &summary);
	cr_expect_eq(faults.count, 0, "%s: %s", where, summary.data);
}

static size_t check_media(struct schema_set *set, const cJSON *content)
{
	const cJSON *media = NULL;
	const cJSON *example = NULL;
	size_t count = 0;

	cJSON_ArrayForEach (media, content) {
		const cJSON *schema = json_get(media, "schema");

		if (json_get(media, "example")) {
			check_example(set, schema, json_get(media, "example"), media->string);
			count++;
		}
		cJSON_ArrayForEach (example, json_get(media, "examples")) {
			check_example(set, schema, json_get(example, "value"), example->string);
			count++;
		}
	}
	return count;
}

/* Every `content`, and every `schema` with an `example` next to it, at any depth. */
static size_t walk(struct schema_set *set, const cJSON *node)
{
	const cJSON *child = NULL;
	size_t count = 0;

	if (json_get(node, "schema") && json_get(node, "example") && json_get(node, "in")) {
		check_example(set, json_get(node, "schema"), json_get(node, "example"), "parameter");
		count++;
	}
	cJSON_ArrayForEach (child, node) {
		if (str_equal(child->string, "content"))
			count += check_media(set, child);
		else
			count += walk(set, child);
	}
	return count;
}

Test(openapi, every_example_matches_its_schema)
{
	cleanup_json cJSON *document = parse_embedded();
	struct schema_set *set = schema_set_create(document);

	cr_expect_geq(walk(set, document), 9);
	schema_set_destroy(set);
}

/* ---- documents that are rejected ---- */

struct refused_case {
	const char *name;
	const char *paths; /* of a document */
	const char *message;
};

static const struct refused_case refused_cases[] = {
	{ "an operation without a name", "{/a: {get: {}}}", "missing operationId" },
	{ "a duplicate name", "{/a: {get: {operationId: x}, post: {operationId: x}}}", "duplicate operationId 'x'" },
	{ "a parameter without a name", "{/a: {get: {operationId: x, parameters: [{in: query}]}}}", "no name" },
	{ "a parameter in a cookie", "{/a: {get: {operationId: x, parameters: [{name: p, in: cookie}]}}}",
	  "unknown place" },
	{ "a parameter without a schema", "{/a: {get: {operationId: x, parameters: [{name: p, in: query}]}}}",
	  "the parameter 'p'" },
	{ "a keyword in a response",
	  "{/a: {get: {operationId: x, responses: {'200': {content: {text/x: {schema: {const: 1}}}}}}}}", "'const'" },
	{ "a keyword in a response header",
	  "{/a: {get: {operationId: x, responses: {'200': {headers: {H: {schema: {const: 1}}}}}}}}", "'const'" },
	{ "a dangling reference to a response", "{/a: {get: {operationId: x, responses: {'200': {$ref: '#/z'}}}}}",
	  "dangling reference" },
	{ "a body that is not JSON",
	  "{/a: {post: {operationId: x, requestBody: {content: {text/plain: {schema: {}}}}}}}", "requestBody" },
};

Test(openapi, unsupported_documents_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(refused_cases); i++) {
		struct buf text cleanup_buf = buf_make(10000);
		struct openapi *openapi = NULL;
		struct error err = { .rc = RC_OK };

		buf_addf(&text, "openapi: 3.0.3\npaths: %s\n", refused_cases[i].paths);
		cr_expect_eq(openapi_load(text.data, text.len, &openapi, &err), RC_INVALID_ARGUMENT, "%s",
			     refused_cases[i].name);
		cr_expect(strstr(err.text, refused_cases[i].message) != NULL, "%s: got '%s'", refused_cases[i].name,
			  err.text);
	}
}

Test(openapi, other_versions_are_rejected)
{
	static const char *const texts[] = { "openapi: 3.1.0", "swagger: '2.0'", "[]", "", "a: 'x" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct openapi *openapi = NULL;

		cr_expect_eq(openapi_load(texts[i], strlen(texts[i]), &openapi, NULL), RC_INVALID_ARGUMENT, "%s",
			     texts[i]);
	}
}

Test(openapi, an_unused_component_is_checked_too)
{
	static const char text[] = "{openapi: 3.0.0, components: {schemas: {A: {if: {}}}}}";
	struct openapi *openapi = NULL;
	struct error err = { .rc = RC_OK };

	cr_expect_eq(openapi_load(text, strlen(text), &openapi, &err), RC_INVALID_ARGUMENT);
	cr_expect(strstr(err.text, "components/schemas/A") != NULL, "got '%s'", err.text);
}
