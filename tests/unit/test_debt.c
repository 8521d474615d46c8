/* debt, permission, debt_list, request_digest: local decisions of the protocol. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/container/debt.h"
#include "kube-worker/debt/debt_list.h"
#include "kube-worker/debt/request_digest.h"
#include "kube-worker/operation/permission.h"

Test(debt, keys_are_legal_and_recognised)
{
	char key[DEBT_KEY_MAX];

	debt_key("req:0123-ab", key);
	cr_expect_str_eq(key, "owed.req_3A0123-ab");
	cr_expect(debt_is_key(key));
	cr_expect_not(debt_is_key(NULL));
	cr_expect_not(debt_is_key("owed."));
	cr_expect_not(debt_is_key("owed.a.b"));
	cr_expect_not(debt_is_key("owed.a\r\nPUB x"));
	cr_expect_not(debt_is_key("state.a"));
}

static const struct {
	const char *text;
	uint64_t sequence; /* 0: it is none */
} references[] = {
	{ "1 owed.req_3Aa", 1 },
	{ "9223372036854775807 owed.a", INT64_MAX },
	{ NULL, 0 },
	{ "", 0 },
	{ "1", 0 },
	{ "1 ", 0 },
	{ "owed.a", 0 },
	{ " owed.a", 0 },
	{ "0 owed.a", 0 },
	{ "-1 owed.a", 0 },
	{ "+1 owed.a", 0 },
	{ "1x owed.a", 0 },
	{ "9223372036854775808 owed.a", 0 },
	{ "00000000000000000000000001 owed.a", 0 },
	{ "1 state.a", 0 },
	{ "1 owed.a.b", 0 },
	{ "1 owed.>", 0 },
	{ "1 owed.a\r\nPUB x", 0 },
	{ "1  owed.a", 0 },
};

Test(debt, references_are_read_to_the_letter)
{
	for (size_t i = 0; i < ARRAY_LEN(references); i++) {
		char key[DEBT_KEY_MAX] = "untouched";
		uint64_t sequence = 0;

		cr_expect_eq(debt_read_reference(references[i].text, &sequence, key), references[i].sequence != 0, "%s",
			     references[i].text);
		cr_expect_eq(sequence, references[i].sequence, "%s", references[i].text);
		cr_expect_eq(strcmp(key, "untouched") == 0, sequence == 0, "%s", references[i].text);
	}
}

Test(debt, a_time_that_is_left_has_its_bounds)
{
	static const struct {
		const char *text;
		int64_t left_ms;
	} cases[] = { { "-1", 0 }, { "3600001", 3600000 }, { "9e15", 3600000 }, { "1e300", 0 }, { "1.5", 0 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text cleanup_buf = buf_make(DEBT_VALUE_MAX);
		cleanup_json cJSON *tree = NULL;
		struct debt debt;

		buf_addf(&text, "{\"state\":\"owed\",\"id\":\"a\",\"left_ms\":%s}", cases[i].text);
		cr_assert_eq(debt_read(text.data, text.len, &tree, &debt, NULL), RC_OK, "%s", cases[i].text);
		cr_expect_eq(debt.left_ms, cases[i].left_ms, "%s", cases[i].text);
	}
}

static void expect_round_trip(const struct debt *debt)
{
	struct buf text cleanup_buf = buf_make(DEBT_VALUE_MAX);
	cleanup_json cJSON *tree = NULL;
	struct debt read;
	struct error err;

	debt_write(debt, &text);
	cr_assert_eq(debt_read(text.data, text.len, &tree, &read, &err), RC_OK, "%s", err.text);
	cr_expect_eq(read.state, debt->state);
	cr_expect_str_eq(read.id, debt->id);
	cr_expect_str_eq(read.uid, debt->uid);
	cr_expect_str_eq(read.caller, debt->caller);
	cr_expect_str_eq(read.digest, debt->digest);
	cr_expect_eq(read.left_ms, debt->left_ms);
}

Test(debt, what_is_written_is_read)
{
	expect_round_trip(&(struct debt){ DEBT_OWED, "web", "", "_INBOX.a.1-0-1", "ab", 29000 });
	expect_round_trip(&(struct debt){ DEBT_SETTLED, "web", "u-1", "", "", 0 });
	expect_round_trip(&(struct debt){ DEBT_VOID, "w", "", "", "", 1 });
}

Test(debt, anything_else_is_refused)
{
	static const char *const texts[] = { "",
					     "{}",
					     "[]",
					     "{\"state\":\"owed\"}",
					     "{\"id\":\"a\"}",
					     "{\"state\":\"paid\",\"id\":\"a\"}",
					     "{\"state\":1,\"id\":\"a\"}",
					     "{\"state\":\"owed\",\"id\":\"\"}",
					     "{\"state\":\"owed\",\"id\":\"A b\"}",
					     "{\"state\":\"owed\",\"id\":\"a\",\"caller\":\"dcm.container\"}",
					     "{\"state\":\"owed\",\"id\":\"a\",\"caller\":\"_INBOX.>\"}",
					     "{\"state\":\"owed\",\"id\":\"a\",\"caller\":\"_INBOX.a\\r\\nPUB\"}",
					     "{\"state\":\"settled\",\"id\":\"a\",\"uid\":\"a b\"}",
					     "{\"state\":\"owed\",\"id\":\"a\",\"digest\":\"xyz\"}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cJSON *tree = NULL;
		struct debt debt;
		struct error err;

		cr_expect_neq(debt_read(texts[i], strlen(texts[i]), &tree, &debt, &err), RC_OK, "%s", texts[i]);
		cr_expect_null(tree);
	}
}

Test(permission, only_an_inbox_of_an_api_svc_can_be_a_caller)
{
	cr_expect(permission_is_caller("_INBOX.api-svc.abc.1-0-1"));
	cr_expect_not(permission_is_caller("_INBOX.api-svc."));
	cr_expect_not(permission_is_caller("_INBOX.api-svc..a"));
	cr_expect_not(permission_is_caller("_INBOX.api-svc.a b"));
	cr_expect_not(permission_is_caller("_INBOX.other.a"));
	cr_expect_not(permission_is_caller("dcm.container"));
	cr_expect_not(permission_is_caller(""));
}

Test(permission, attempts_of_one_call_are_recognised)
{
	cr_expect(permission_same_call("_INBOX.a.1-0-1", "_INBOX.a.1-0-1"));
	cr_expect(permission_same_call("_INBOX.a.1-0-1", "_INBOX.a.1-0-2b"));
	cr_expect_not(permission_same_call("_INBOX.a.1-0-1", "_INBOX.a.1-1-1"));
	cr_expect_not(permission_same_call("_INBOX.a.1-0-1", "_INBOX.b.1-0-1"));
	cr_expect_not(permission_same_call("_INBOX.a.1-0-1", ""));
	cr_expect_not(permission_same_call("nonsense", "nonsense"));
}

static const struct due_case {
	enum caller_word word;
	bool by_key;
	int64_t seen_ms, lost_ms, left_ms;
	bool due;
} due_cases[] = {
	{ CALLER_OPEN, false, 1000000000, 0, 1, false }, { CALLER_SETTLED, false, 1000000000, 0, 1, false },
	{ CALLER_OVER, false, 0, 0, 30000, true },       { CALLER_OVER, true, 40000, 29999, 30000, false },
	{ CALLER_OVER, true, 0, 30000, 30000, true },    { CALLER_GONE, false, 9999999, 4999, 30000, false },
	{ CALLER_GONE, false, 0, 5000, 30000, true },    { CALLER_GONE, true, 0, 29999, 30000, false },
	{ CALLER_GONE, true, 0, 30000, 30000, true },    { CALLER_SILENT, false, 34999, 0, 30000, false },
	{ CALLER_SILENT, false, 35000, 0, 30000, true }, { CALLER_SILENT, true, 35000, 0, 30000, true },
	{ CALLER_SILENT, false, 300000, 0, 0, false },
};

Test(debt_list, acts_when_its_time_has_come)
{
	for (size_t i = 0; i < ARRAY_LEN(due_cases); i++) {
		const struct due_case *c = &due_cases[i];

		cr_expect_eq(debt_list_is_due(c->word, c->by_key, c->seen_ms, c->lost_ms, c->left_ms), c->due,
			     "case %zu", i);
	}
}

static void digest_of(const char *text, char out[REQUEST_DIGEST_MAX])
{
	cleanup_json cJSON *tree = cJSON_Parse(text);
	struct error err;

	cr_assert_not_null(tree, "%s", text);
	cr_assert_eq(request_digest(tree, out, &err), RC_OK);
	cr_assert_eq(strlen(out), REQUEST_DIGEST_MAX - 1);
}

static const struct {
	const char *a, *b;
	bool same;
} digest_cases[] = {
	{ "{\"a\":1,\"b\":[1,2]}", "{ \"b\": [1, 2], \"a\": 1 }", true },
	{ "{\"a\":{\"x\":1,\"y\":null}}", "{\"a\":{\"y\":null,\"x\":1}}", true },
	{ "{\"a\":[1,2]}", "{\"a\":[2,1]}", false },
	{ "{\"a\":1}", "{\"a\":\"1\"}", false },
	{ "{\"a\":1}", "{\"a\":1,\"b\":null}", false },
	{ "{\"a\":[]}", "{\"a\":{}}", false },
	{ "{}", "{}", true },
};

Test(request_digest, is_of_the_value_not_of_its_text)
{
	for (size_t i = 0; i < ARRAY_LEN(digest_cases); i++) {
		char a[REQUEST_DIGEST_MAX];
		char b[REQUEST_DIGEST_MAX];

		digest_of(digest_cases[i].a, a);
		digest_of(digest_cases[i].b, b);
		cr_expect_eq(strcmp(a, b) == 0, digest_cases[i].same, "%s and %s", digest_cases[i].a,
			     digest_cases[i].b);
	}
}
