#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/parameters.h"

struct parameter_case {
	const char *name;
	const char *operation;
	const char *target;
	const char *path_parameter;
	const char *key;     /* Idempotency-Key */
	const char *pointer; /* of the only fault; NULL: none */
};

static const struct parameter_case cases[] = {
	{ "none", "listContainers", "/", NULL, NULL, NULL },
	{ "valid ones", "listContainers", "/?max_page_size=1000&page_token=x", NULL, NULL, NULL },
	{ "an empty token", "listContainers", "/?page_token=", NULL, NULL, NULL },
	{ "unknown ones", "listContainers", "/?x=1&x=2&id=B", NULL, NULL, NULL },
	{ "zero", "listContainers", "/?max_page_size=0", NULL, NULL, "/query/max_page_size" },
	{ "too many", "listContainers", "/?max_page_size=1001", NULL, NULL, "/query/max_page_size" },
	{ "negative", "listContainers", "/?max_page_size=-1", NULL, NULL, "/query/max_page_size" },
	{ "not a number", "listContainers", "/?max_page_size=x", NULL, NULL, "/query/max_page_size" },
	{ "a plus sign", "listContainers", "/?max_page_size=%2B5", NULL, NULL, "/query/max_page_size" },
	{ "without =", "listContainers", "/?max_page_size", NULL, NULL, "/query/max_page_size" },
	{ "a fraction", "listContainers", "/?max_page_size=1.5", NULL, NULL, "/query/max_page_size" },
	{ "out of range", "listContainers", "/?max_page_size=99999999999999999999", NULL, NULL,
	  "/query/max_page_size" },
	{ "empty", "listContainers", "/?max_page_size=", NULL, NULL, "/query/max_page_size" },
	{ "duplicate, equal", "listContainers", "/?max_page_size=5&max_page_size=5", NULL, NULL,
	  "/query/max_page_size" },
	{ "duplicate, different", "listContainers", "/?page_token=a&page_token=b", NULL, NULL, "/query/page_token" },
	{ "an id", "createContainer", "/?id=a", NULL, NULL, NULL },
	{ "the reserved id", "createContainer", "/?id=health", NULL, NULL, "/query/id" },
	{ "an empty id", "createContainer", "/?id=", NULL, NULL, "/query/id" },
	{ "a key", "createContainer", "/", NULL, "k", NULL },
	{ "a key with a space", "createContainer", "/", NULL, "k k", "/header/Idempotency-Key" },
	{ "an id in the path", "getContainer", "/", "a", NULL, NULL },
	{ "an invalid id in the path", "getContainer", "/", "A", NULL, "/path/container_id" },
	{ "an empty id in the path", "deleteContainer", "/", "", NULL, "/path/container_id" },
	{ "no id in the path", "deleteContainer", "/", NULL, NULL, "/path/container_id" },
};

static const char *find_header(const void *ctx, const char *name)
{
	return strcmp(name, "Idempotency-Key") == 0 ? ctx : NULL;
}

static struct openapi *load(void)
{
	struct openapi *openapi = NULL;
	size_t len;
	const char *text = openapi_embedded(&len);

	cr_assert_eq(openapi_load(text, len, &openapi, NULL), RC_OK);
	return openapi;
}

Test(parameters, parameters_are_validated_against_the_document)
{
	struct openapi *openapi = load();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct parameter_case *c = &cases[i];
		struct target target cleanup_target = { .path = NULL };
		struct faults faults cleanup_faults = { .count = 0 };
		struct parameters_source source = {
			.target = &target,
			.path_parameter = c->path_parameter,
			.header = find_header,
			.header_ctx = c->key,
		};

		cr_assert_eq(target_parse(c->target, &target, NULL), RC_OK);
		parameters_check(openapi_operation(openapi, c->operation), &source, &faults);
		cr_expect_eq(faults.count > 0, c->pointer != NULL, "%s", c->name);
		for (size_t k = 0; k < faults.count; k++)
			cr_expect_str_eq(faults.items[k].pointer, c->pointer, "%s", c->name);
	}
	openapi_destroy(openapi);
}

struct written_case {
	const char *operation;
	const char *target;
	const char *path_parameter;
	const char *written;
};

static const struct written_case written_cases[] = {
	{ "listContainers", "/", NULL, "{\"max_page_size\":50,\"page_token\":\"\"}" },
	{ "listContainers", "/?max_page_size=7&page_token=&z=1", NULL, "{\"max_page_size\":7,\"page_token\":\"\"}" },
	{ "listContainers", "/?page_token=12", NULL, "{\"max_page_size\":50,\"page_token\":\"12\"}" },
	{ "getContainer", "/", "web", "{\"id\":\"web\"}" },
	{ "deleteContainer", "/", "1", "{\"id\":\"1\"}" },
};

Test(parameters, parameters_are_written_for_a_worker)
{
	struct openapi *openapi = load();

	for (size_t i = 0; i < ARRAY_LEN(written_cases); i++) {
		const struct written_case *c = &written_cases[i];
		struct target target cleanup_target = { .path = NULL };
		struct buf out cleanup_buf = buf_make(1000);
		struct json_writer w = json_writer_make(&out);
		const struct parameters_source source = {
			.target = &target,
			.path_parameter = c->path_parameter,
			.header = find_header,
		};

		cr_assert_eq(target_parse(c->target, &target, NULL), RC_OK);
		json_begin_object(&w, NULL);
		parameters_write(openapi_operation(openapi, c->operation), &source, &w);
		json_end_object(&w);
		cr_expect_str_eq(out.data, c->written, "%s: %s", c->target, out.data);
	}
	openapi_destroy(openapi);
}

Test(parameters, parameters_are_read)
{
	struct target target cleanup_target = { .path = NULL };

	cr_assert_eq(target_parse("/?a=5&b=&c=x", &target, NULL), RC_OK);
	cr_expect_str_eq(parameters_query(&target, "a"), "5");
	cr_expect_str_eq(parameters_query(&target, "b"), "");
	cr_expect_null(parameters_query(&target, "z"));
}
