/* request_check: requests accepted by a worker, and clear errors for others. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/operation/op.h"
#include "kube-worker/operation/request_check.h"

#define WALL_MS 1795253940000
#define MONO_MS 5000
#define CALLER "_INBOX.api-svc.abc.1-0-1"
#define DEADLINE "1795253970000"
#define LONG_ID                                                                                                \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" \
	"01234567890123456789012345678"

static const struct header_case {
	struct request_header_texts texts;
	const char *fault; /* NULL: valid */
	int64_t left_ms, wait_ms;
	int attempt;
} header_cases[] = {
	{ { .deadline = DEADLINE }, NULL, 30000, INT64_MAX, 1 },
	{ { CALLER, DEADLINE, "3", "250", "ask", "abc-123", "00-a-b-01" }, NULL, 30000, 250, 3 },
	{ { .deadline = "1795253940000" }, NULL, 0, INT64_MAX, 1 },
	{ { .deadline = "1" }, NULL, 1 - WALL_MS, INT64_MAX, 1 },
	{ { .deadline = "9223372036854775807" }, NULL, 3600000, INT64_MAX, 1 },
	{ { .deadline = DEADLINE, .attempt = "2147483647", .wait = "9223372036854775807" },
	  NULL,
	  30000,
	  INT64_MAX,
	  2147483647 },
	{ { .deadline = DEADLINE, .wait = "0" }, NULL, 30000, 0, 1 },
	{ { .deadline = NULL }, "Sp-Deadline", 0, 0, 0 },
	{ { .deadline = "" }, "Sp-Deadline", 0, 0, 0 },
	{ { .deadline = "soon" }, "Sp-Deadline", 0, 0, 0 },
	{ { .deadline = "-9223372036854775808" }, "Sp-Deadline", 0, 0, 0 },
	{ { .deadline = "9223372036854775808" }, "Sp-Deadline", 0, 0, 0 },
	{ { .deadline = " 1795253970000" }, "Sp-Deadline", 0, 0, 0 },
	{ { .deadline = "1.5" }, "Sp-Deadline", 0, 0, 0 },
	{ { .deadline = DEADLINE, .attempt = "0" }, "Sp-Attempt", 0, 0, 0 },
	{ { .deadline = DEADLINE, .attempt = "-1" }, "Sp-Attempt", 0, 0, 0 },
	{ { .deadline = DEADLINE, .attempt = "4294967297" }, "Sp-Attempt", 0, 0, 0 },
	{ { .deadline = DEADLINE, .attempt = "1 " }, "Sp-Attempt", 0, 0, 0 },
	{ { .deadline = DEADLINE, .wait = "-1" }, "Sp-Wait", 0, 0, 0 },
	{ { .deadline = DEADLINE, .wait = "99999999999999999999" }, "Sp-Wait", 0, 0, 0 },
	{ { .deadline = DEADLINE, .request_id = "" }, "Sp-Request-Id", 0, 0, 0 },
	{ { .deadline = DEADLINE, .request_id = "a b" }, "Sp-Request-Id", 0, 0, 0 },
	{ { .deadline = DEADLINE, .request_id = "\xC3\xA4" }, "Sp-Request-Id", 0, 0, 0 },
	{ { .deadline = DEADLINE, .request_id = LONG_ID }, "Sp-Request-Id", 0, 0, 0 },
	{ { .deadline = DEADLINE, .traceparent = "00 a" }, "traceparent", 0, 0, 0 },
	{ { .deadline = DEADLINE, .traceparent = LONG_ID }, "traceparent", 0, 0, 0 },
	{ { .reply = CALLER, .deadline = DEADLINE, .permission = "give" }, "Sp-Permission", 0, 0, 0 },
	{ { .deadline = DEADLINE, .permission = "ask" }, "an invalid reply subject", 0, 0, 0 },
	{ { .reply = "_INBOX.other.1", .deadline = DEADLINE, .permission = "ask" },
	  "an invalid reply subject",
	  0,
	  0,
	  0 },
	{ { .reply = "_INBOX.api-svc.>", .deadline = DEADLINE, .permission = "ask" },
	  "an invalid reply subject",
	  0,
	  0,
	  0 },
};

Test(request_check, headers_are_validated)
{
	for (size_t i = 0; i < ARRAY_LEN(header_cases); i++) {
		const struct header_case *c = &header_cases[i];
		struct request_headers headers = { .attempt = 0 };
		struct error err = { .rc = RC_OK };

		cr_expect_eq(request_check_headers(&c->texts, WALL_MS, MONO_MS, &headers, &err),
			     c->fault ? RC_INTERNAL : RC_OK, "case %zu: %s", i, err.text);
		cr_expect(!c->fault || strstr(err.text, c->fault), "case %zu: %s", i, err.text);
		cr_expect_eq(headers.deadline_ms, c->fault ? 0 : MONO_MS + c->left_ms, "case %zu", i);
		cr_expect_eq(headers.wait_ms, c->wait_ms, "case %zu", i);
		cr_expect_eq(headers.attempt, c->attempt, "case %zu", i);
		cr_expect_eq(headers.caller != NULL, !c->fault && c->texts.permission, "case %zu", i);
	}
}

#define KEY_TOKEN "\"token\":\"key:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
#define TOKEN "\"token\":\"req:01234567-89ab-4def-8123-456789abcdef\""
#define CREATE(more) "{\"spec\":{}," TOKEN "," more "}"
#define AGENT(name, key) CREATE("\"agent\":{\"name\":" name ",\"key\":" key "}")

static const struct member_case {
	enum operation operation;
	const char *text;
	const char *fault; /* NULL: valid */
} member_cases[] = {
	{ OPERATION_CREATE, CREATE("\"id\":\"web-1\""), NULL },
	{ OPERATION_CREATE, CREATE("\"id\":\"web-1\",\"any_id\":true,\"later\":[1]"), NULL },
	{ OPERATION_CREATE, "{\"spec\":{},\"id\":\"a\"," KEY_TOKEN "}", NULL },
	{ OPERATION_CREATE, AGENT("\"My_agent-1\"", "\"k:e/y\""), NULL },
	{ OPERATION_CREATE, "[]", "not an object" },
	{ OPERATION_CREATE, "null", "not an object" },
	{ OPERATION_CREATE, "{}", "without spec" },
	{ OPERATION_CREATE, "{\"spec\":{},\"id\":\"a\"}", "without token" },
	{ OPERATION_CREATE, "{\"spec\":[],\"id\":\"a\"," TOKEN "}", "whose spec is not an object" },
	{ OPERATION_CREATE, "{\"spec\":null,\"id\":\"a\"," TOKEN "}", "whose spec" },
	{ OPERATION_CREATE, "{\"spec\":{},\"id\":\"a\",\"token\":\"x\"}", "whose token" },
	{ OPERATION_CREATE, "{\"spec\":{},\"id\":\"a\",\"token\":\"req:\"}", "whose token" },
	{ OPERATION_CREATE, "{\"spec\":{},\"id\":\"a\",\"token\":\"req:a b\"}", "whose token" },
	{ OPERATION_CREATE, "{\"spec\":{},\"id\":\"a\",\"token\":\"req:" LONG_ID "\"}", "whose token" },
	{ OPERATION_CREATE, "{\"spec\":{},\"id\":\"a\",\"token\":1}", "whose token" },
	{ OPERATION_CREATE, CREATE("\"any_id\":false"), "without id and agent" },
	{ OPERATION_CREATE, CREATE("\"id\":\"\""), "whose id" },
	{ OPERATION_CREATE, CREATE("\"id\":\"health\""), "whose id" },
	{ OPERATION_CREATE, CREATE("\"id\":\"../pods/a\""), "whose id" },
	{ OPERATION_CREATE, CREATE("\"id\":\"a.b\""), "whose id" },
	{ OPERATION_CREATE, CREATE("\"id\":\"-a\""), "whose id" },
	{ OPERATION_CREATE, CREATE("\"id\":\"" LONG_ID "\""), "whose id" },
	{ OPERATION_CREATE, CREATE("\"id\":{}"), "whose id" },
	{ OPERATION_CREATE, CREATE("\"id\":\"a\",\"any_id\":1"), "whose any_id is not true or false" },
	{ OPERATION_CREATE, CREATE("\"id\":\"a\",\"agent\":{\"name\":\"a\",\"key\":\"k\"}"), "with both" },
	{ OPERATION_CREATE, CREATE("\"agent\":\"a\""), "whose agent is not an object" },
	{ OPERATION_CREATE, CREATE("\"agent\":{\"name\":\"a\"}"), "without agent.key" },
	{ OPERATION_CREATE, CREATE("\"agent\":{\"key\":\"a\"}"), "without agent.name" },
	{ OPERATION_CREATE, AGENT("\"a b\"", "\"k\""), "whose agent.name is not 1 to 128 letters" },
	{ OPERATION_CREATE, AGENT("\"a\\\"b\"", "\"k\""), "whose agent.name" },
	{ OPERATION_CREATE, AGENT("\"a\\r\\nPUB x 0\\r\\n\"", "\"k\""), "whose agent.name" },
	{ OPERATION_CREATE, AGENT("\"a.>\"", "\"k\""), "whose agent.name" },
	{ OPERATION_CREATE, AGENT("\"" LONG_ID "\"", "\"k\""), "whose agent.name" },
	{ OPERATION_CREATE, AGENT("\"\"", "\"k\""), "whose agent.name" },
	{ OPERATION_CREATE, AGENT("\"a\"", "\"k y\""), "whose agent.key" },
	{ OPERATION_CREATE, AGENT("\"a\"", "\"" LONG_ID LONG_ID "\""), "whose agent.key" },
	{ OPERATION_UNDO, "{\"id\":\"a\"," TOKEN "}", NULL },
	{ OPERATION_UNDO, "{\"id\":\"\"," KEY_TOKEN ",\"sequence\":7}", NULL },
	{ OPERATION_UNDO, "{" TOKEN "}", "without id" },
	{ OPERATION_UNDO, "{\"id\":\"\"," TOKEN "}", "without id, and not by key" },
	{ OPERATION_UNDO, "{\"id\":\"a\"}", "without token" },
	{ OPERATION_UNDO, "{\"id\":\"a/b\"," TOKEN "}", "whose id" },
	{ OPERATION_UNDO, "{\"id\":\"a\"," KEY_TOKEN ",\"sequence\":-1}", "whose sequence" },
	{ OPERATION_UNDO, "{\"id\":\"a\"," KEY_TOKEN ",\"sequence\":1.5}", "whose sequence" },
	{ OPERATION_UNDO, "{\"id\":\"a\"," KEY_TOKEN ",\"sequence\":1e300}", "whose sequence" },
	{ OPERATION_UNDO, "{\"id\":\"a\"," KEY_TOKEN ",\"sequence\":\"1\"}", "whose sequence" },
	{ OPERATION_GET, "{\"id\":\"a\"}", NULL },
	{ OPERATION_GET, "{}", "a get request without id" },
	{ OPERATION_GET, "{\"id\":\"a%2F..\"}", "whose id" },
	{ OPERATION_GET, "{\"id\":\"a?b\"}", "whose id" },
	{ OPERATION_LIST, "{}", NULL },
	{ OPERATION_LIST, "{\"max_page_size\":1000,\"page_token\":\"anything at all\"}", NULL },
	{ OPERATION_LIST, "{\"max_page_size\":0}", "whose max_page_size is not 1 to 1000" },
	{ OPERATION_LIST, "{\"max_page_size\":1001}", "whose max_page_size" },
	{ OPERATION_LIST, "{\"max_page_size\":4294967297}", "whose max_page_size" },
	{ OPERATION_LIST, "{\"max_page_size\":\"5\"}", "whose max_page_size" },
	{ OPERATION_LIST, "{\"page_token\":5}", "whose page_token" },
	{ OPERATION_DELETE, "{\"id\":\"a\",\"absent_ok\":true}", NULL },
	{ OPERATION_DELETE, "{}", "a delete request without id" },
	{ OPERATION_DELETE, "{\"id\":\"a\\nb\"}", "whose id" },
	{ OPERATION_DELETE, "{\"id\":\"a\",\"absent_ok\":null}", "whose absent_ok" },
};

Test(request_check, members_are_validated)
{
	for (size_t i = 0; i < ARRAY_LEN(member_cases); i++) {
		const struct member_case *c = &member_cases[i];
		cleanup_json cJSON *tree = NULL;
		struct error err = { .rc = RC_OK };

		cr_assert_eq(json_parse(c->text, strlen(c->text), &tree, &err), RC_OK, "%s: %s", c->text, err.text);
		cr_expect_eq(op_check(c->operation, tree, &err), c->fault ? RC_INTERNAL : RC_OK, "%s: %s", c->text,
			     err.text);
		cr_expect(!c->fault || strstr(err.text, c->fault), "%s: %s", c->text, err.text);
		cr_expect_null(strstr(err.text, "PUB"), "%s", err.text);
	}
}
