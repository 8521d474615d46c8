#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/document/openapi.h"
#include "api-svc/request_body.h"

#define JSON "application/json"
#define REST                                                                                               \
	"\"metadata\":{\"name\":\"n\"},\"image\":{\"reference\":\"x\"},\"resources\":{\"cpu\":{\"min\":1," \
	"\"max\":1},\"memory\":{\"min\":\"1MB\",\"max\":\"1MB\"}}"
#define SPEC "{\"service_type\":\"container\"," REST "}"

struct body_case {
	const char *name;
	const char *content_type;
	const char *body;
	bool has_key;
	const char *pointers; /* of the faults, separated by spaces; NULL: none */
};

static const struct body_case cases[] = {
	{ "a spec", JSON, "{\"spec\":" SPEC "}", false, NULL },
	{ "a spec with a key", JSON, "{\"spec\":" SPEC "}", true, NULL },
	{ "a bare spec with a key", JSON, SPEC, true, NULL },
	{ "a bare spec without a key", JSON, SPEC, false, " /spec" },
	{ "a bare spec with faults", JSON, "{\"service_type\":\"container\",\"image\":{}}", true,
	  "/metadata /resources /image/reference" },
	{ "neither", JSON, "{}", true, "/spec" },
	{ "not an object", JSON, "[]", true, "" },
	{ "an empty body", JSON, "", false, "" },
	{ "an empty body without a type", NULL, "", false, "/header/Content-Type " },
	{ "malformed JSON", JSON, "{", false, "" },
	{ "text", "text/plain", "{\"spec\":" SPEC "}", false, "/header/Content-Type" },
	{ "a spec beside bare members", JSON, "{\"spec\":{},\"service_type\":\"container\"}", true,
	  "/spec/service_type /spec/metadata /spec/image /spec/resources" },
};

Test(request_body, bodies_are_read_or_rejected)
{
	struct openapi *openapi = NULL;
	size_t len;
	const char *text = openapi_embedded(&len);

	cr_assert_eq(openapi_load(text, len, &openapi, NULL), RC_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct body_case *c = &cases[i];
		struct request_body_source source = {
			.content_type = c->content_type,
			.body = c->body,
			.len = strlen(c->body),
			.may_be_bare = true,
			.has_key = c->has_key,
		};
		struct faults faults cleanup_faults = { .count = 0 };
		struct buf pointers cleanup_buf = buf_make(1000);
		cleanup_json cJSON *tree = NULL;
		bool bare;

		request_body_read(&source, openapi_operation(openapi, "createContainer")->body, &faults, &bare, &tree);
		for (size_t k = 0; k < faults.count; k++)
			buf_addf(&pointers, "%s%s", k ? " " : "", faults.items[k].pointer);
		cr_expect_eq(faults.count > 0, c->pointers != NULL, "%s", c->name);
		cr_expect_str_eq(pointers.data, c->pointers ? c->pointers : "", "%s: got '%s'", c->name, pointers.data);
		if (!c->pointers)
			cr_expect_eq(bare, strstr(c->body, "\"spec\"") == NULL, "%s", c->name);
		if (!c->pointers)
			cr_expect_str_eq(json_string_at(tree, "spec.metadata.name"), "n", "%s", c->name);
	}
	openapi_destroy(openapi);
}

struct type_case {
	const char *text;
	bool good;
};

static const struct type_case types[] = {
	{ "application/json", true },
	{ "APPLICATION/Json", true },
	{ " application/json", true },
	{ "application/json;charset=utf-8", true },
	{ "application/json ; x", true },
	{ "application/jsonp", false },
	{ "application/json+x", false },
	{ "text/json", false },
	{ "application/problem+json", false },
	{ "", false },
	{ NULL, false },
};

Test(request_body, the_media_type_is_checked)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		cr_expect_eq(request_body_is_json(types[i].text), types[i].good, "%s", types[i].text);
}
