#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/document/openapi.h"
#include "api-svc/document/projection.h"

struct projection_case {
	const char *name;
	const char *spec;
	const char *kept;
};

static const struct projection_case cases[] = {
	{ "known members are kept", "{\"service_type\":\"container\",\"image\":{\"reference\":\"x\"}}",
	  "{\"service_type\":\"container\",\"image\":{\"reference\":\"x\"}}" },
	{ "unknown members are removed", "{\"a\":1,\"image\":{\"reference\":\"x\",\"pull\":true}}",
	  "{\"image\":{\"reference\":\"x\"}}" },
	{ "output-only members are removed",
	  "{\"metadata\":{\"namespace\":1,\"name\":\"n\"},\"network\":{\"ip\":\"1.2.3.4\"}}",
	  "{\"metadata\":{\"name\":\"n\"},\"network\":{}}" },
	{ "an allowed null is removed", "{\"network\":null}", "{}" },
	{ "null ports are removed", "{\"network\":{\"ports\":null}}", "{\"network\":{}}" },
	{ "labels are kept unchanged", "{\"metadata\":{\"labels\":{\"a\":\"1\",\"b/c\":\"\"}}}",
	  "{\"metadata\":{\"labels\":{\"a\":\"1\",\"b/c\":\"\"}}}" },
	{ "hints are kept unchanged", "{\"provider_hints\":{\"a\":null,\"ip\":[{\"b\":0.1}],\"n\":9007199254740991}}",
	  "{\"provider_hints\":{\"a\":null,\"ip\":[{\"b\":0.1}],\"n\":9007199254740991}}" },
	{ "inside arrays", "{\"process\":{\"args\":[\"\",\"b\"],\"env\":[{\"name\":\"A\",\"value\":\"\",\"x\":1}]}}",
	  "{\"process\":{\"args\":[\"\",\"b\"],\"env\":[{\"name\":\"A\",\"value\":\"\"}]}}" },
	{ "both kinds of cpu", "{\"resources\":{\"cpu\":{\"min\":1,\"max\":\"2\",\"x\":0}}}",
	  "{\"resources\":{\"cpu\":{\"min\":1,\"max\":\"2\"}}}" },
};

Test(projection, keeps_the_members_of_the_schema)
{
	struct openapi *openapi = NULL;
	const struct schema *schema;
	size_t len;
	const char *text = openapi_embedded(&len);

	cr_assert_eq(openapi_load(text, len, &openapi, NULL), RC_OK);
	schema = openapi_operation(openapi, "createContainer")->body;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json cJSON *body = cJSON_CreateObject();
		struct buf out cleanup_buf = buf_make(10000);
		struct json_writer w = json_writer_make(&out);
		cJSON *spec = cJSON_Parse(cases[i].spec);
		char expected[1000];

		cr_assert(spec && cJSON_AddItemToObject(body, "spec", spec), "%s", cases[i].name);
		cJSON_AddStringToObject(body, "id", "ignored");
		json_begin_object(&w, NULL);
		projection_write(schema, body, &w);
		json_end_object(&w);
		snprintf(expected, sizeof(expected), "{\"spec\":%s}", cases[i].kept);
		cr_expect_str_eq(out.data, expected, "%s: got %s", cases[i].name, out.data);
	}
	openapi_destroy(openapi);
}
