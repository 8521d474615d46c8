#include <criterion/criterion.h>

#include "api-svc/router.h"
#include "common/base/strutil.h"

#define C "/api/v1alpha1/containers"

struct route_case {
	const char *method;
	const char *target;
	enum router_result result;
	enum operation operation; /* when found; OPERATION_COUNT: none */
	enum route_answer answer; /* when found */
	const char *parameter;    /* when found */
	const char *allow;        /* when not allowed */
};

static const struct route_case cases[] = {
	{ "GET", C "/health", ROUTER_FOUND, OPERATION_HEALTH, ROUTE_HEALTH, NULL, NULL },
	{ "HEAD", C "/health", ROUTER_FOUND, OPERATION_HEALTH, ROUTE_HEALTH, NULL, NULL },
	{ "GET", C "/h%65alth", ROUTER_FOUND, OPERATION_HEALTH, ROUTE_HEALTH, NULL, NULL },
	{ "GET", "/health", ROUTER_FOUND, OPERATION_COUNT, ROUTE_HEALTH, NULL, NULL },
	{ "GET", C, ROUTER_FOUND, OPERATION_LIST, ROUTE_ASKS_WORKER, NULL, NULL },
	{ "GET", C "?x=1", ROUTER_FOUND, OPERATION_LIST, ROUTE_ASKS_WORKER, NULL, NULL },
	{ "POST", C, ROUTER_FOUND, OPERATION_CREATE, ROUTE_ASKS_WORKER, NULL, NULL },
	{ "GET", C "/a", ROUTER_FOUND, OPERATION_GET, ROUTE_ASKS_WORKER, "a", NULL },
	{ "GET", C "/", ROUTER_FOUND, OPERATION_GET, ROUTE_ASKS_WORKER, "", NULL },
	{ "GET", C "/a%2Fb", ROUTER_FOUND, OPERATION_GET, ROUTE_ASKS_WORKER, "a/b", NULL },
	{ "DELETE", C "/a", ROUTER_FOUND, OPERATION_DELETE, ROUTE_ASKS_WORKER, "a", NULL },
	{ "DELETE", C "/healthy", ROUTER_FOUND, OPERATION_DELETE, ROUTE_ASKS_WORKER, "healthy", NULL },
	{ "GET", "/metrics", ROUTER_FOUND, OPERATION_COUNT, ROUTE_METRICS, NULL, NULL },
	{ "HEAD", "/livez", ROUTER_FOUND, OPERATION_COUNT, ROUTE_LIVE, NULL, NULL },
	{ "GET", "/readyz?verbose", ROUTER_FOUND, OPERATION_COUNT, ROUTE_READY, NULL, NULL },
	{ "POST", "/metrics", ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "GET, HEAD" },
	{ "GET", "/api/v1alpha1/metrics", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", "/openapi.yaml", ROUTER_FOUND, OPERATION_COUNT, ROUTE_DOCUMENT_YAML, NULL, NULL },
	{ "HEAD", "/openapi.json", ROUTER_FOUND, OPERATION_COUNT, ROUTE_DOCUMENT_JSON, NULL, NULL },
	{ "PUT", C, ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "GET, HEAD, POST" },
	{ "post", C, ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "GET, HEAD, POST" },
	{ "POST", C "/a", ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "GET, HEAD, PATCH, DELETE" },
	{ "DELETE", C "/health", ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "GET, HEAD" },
	{ "", "/health", ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "GET, HEAD" },
	{ "PATCH", C "/a", ROUTER_FOUND, OPERATION_UPDATE, ROUTE_ASKS_WORKER, "a", NULL },
	{ "POST", C "/a:scale", ROUTER_FOUND, OPERATION_SCALE, ROUTE_ASKS_WORKER, "a", NULL },
	{ "POST", C "/a%3Ascale", ROUTER_FOUND, OPERATION_SCALE, ROUTE_ASKS_WORKER, "a", NULL },
	{ "POST", C "/:stop", ROUTER_FOUND, OPERATION_STOP, ROUTE_ASKS_WORKER, "", NULL },
	{ "POST", C "/a:stop:stop", ROUTER_FOUND, OPERATION_STOP, ROUTE_ASKS_WORKER, "a:stop", NULL },
	{ "GET", C "/a/revisions", ROUTER_FOUND, OPERATION_REVISIONS, ROUTE_ASKS_WORKER, "a", NULL },
	{ "GET", C "/a/revisions/7", ROUTER_FOUND, OPERATION_REVISION, ROUTE_ASKS_WORKER, "a", NULL },
	{ "GET", C "/a/revisions/7:x", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", C "/a/revisions/7/8", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "DELETE", C "/a/revisions/7", ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "GET, HEAD" },
	{ "GET", C "/a:scale", ROUTER_NOT_ALLOWED, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, "POST" },
	{ "POST", C "/a:frob", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "POST", C "/a:scales", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "POST", C "/a:scal", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "POST", C "/a:scale/b", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", C "/a:b", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", C "/a:", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", C "/a:scale/revisions", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", "/", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", "/api", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", "//health", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", "/health/", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", C "/a/b", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", C "//", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", "/api%2Fv1alpha1%2Fcontainers", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT, NULL, NULL },
	{ "GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", ROUTER_NOT_FOUND, OPERATION_COUNT, ROUTE_ANSWER_COUNT,
	  NULL, NULL },
};

Test(router, finds_routes_or_lists_the_allowed_methods)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct route_case *c = &cases[i];
		struct target target cleanup_target = { .path = NULL };
		struct router_match match;
		enum router_result result;

		cr_assert_eq(target_parse(c->target, &target, NULL), RC_OK, "%s", c->target);
		result = router_find(c->method, &target, &match);
		cr_expect_eq(result, c->result, "%s %s", c->method, c->target);
		cr_expect_str_eq(match.allow, c->allow ? c->allow : "", "%s %s: %s", c->method, c->target, match.allow);
		if (result != ROUTER_FOUND)
			continue;
		cr_expect_eq(match.route.operation, c->operation, "%s %s", c->method, c->target);
		cr_expect_eq(match.route.answer, c->answer, "%s %s", c->method, c->target);
		cr_expect(str_equal(match.parameter, c->parameter), "%s %s", c->method, c->target);
		cr_expect(str_equal(match.item, c->operation == OPERATION_REVISION ? "7" : NULL), "%s", c->target);
	}
}

struct document_case {
	const char *paths;
	const char *message;
};

static const struct document_case document_cases[] = {
	{ "{}", "lacks the operation" },
	{ "{/x: {get: {operationId: somethingElse}}}", "has no row" },
	{ "{/x: {get: {operationId: listContainers}}}", "the API document says get /x" },
	{ "{" C ": {put: {operationId: listContainers}}}", "the API document says put" },
};

Test(router, routes_must_match_the_document)
{
	for (size_t i = 0; i < ARRAY_LEN(document_cases); i++) {
		struct buf text cleanup_buf = buf_make(1000);
		struct openapi *openapi = NULL;
		struct error err = { .rc = RC_OK };

		buf_addf(&text, "openapi: 3.0.3\npaths: %s\n", document_cases[i].paths);
		cr_assert_eq(openapi_load(text.data, text.len, &openapi, &err), RC_OK, "%s", err.text);
		cr_expect_eq(router_check(openapi, &err), RC_INTERNAL, "%s", document_cases[i].paths);
		cr_expect(strstr(err.text, document_cases[i].message) != NULL, "got '%s'", err.text);
		openapi_destroy(openapi);
	}
}
