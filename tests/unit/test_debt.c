#include <criterion/criterion.h>
#include <string.h>

#include "common/container/debt.h"

Test(debt, keys_are_valid_and_recognised)
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
	uint64_t sequence; /* 0: invalid */
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

Test(debt, references_are_parsed_strictly)
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

Test(debt, left_ms_is_clamped)
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

Test(debt, round_trip)
{
	expect_round_trip(&(struct debt){ DEBT_OWED, "web", "", "_INBOX.a.1-0-1", "ab", 29000 });
	expect_round_trip(&(struct debt){ DEBT_SETTLED, "web", "u-1", "", "", 0 });
	expect_round_trip(&(struct debt){ DEBT_VOID, "w", "", "", "", 1 });
}

Test(debt, malformed_values_are_refused)
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
