#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "api-svc/pipeline/worker_reply.h"
#include "common/base/memory_budget.h"
#include "common/base/strutil.h"

/* Messages in the order received: "attempt part data", and their results. */
struct join_step {
	unsigned attempt;
	const char *part;
	const char *data;
	enum worker_join_result result;
};

struct join_case {
	const char *name;
	struct join_step steps[6];
	const char *joined; /* after the last step */
};

static const struct join_case join_cases[] = {
	{ "parts in order",
	  { { 1, "1/3", "a", WORKER_JOIN_MORE },
	    { 1, "2/3", "b", WORKER_JOIN_MORE },
	    { 1, "3/3", "c", WORKER_JOIN_DONE } },
	  "abc" },
	{ "one part", { { 1, "1/1", "a", WORKER_JOIN_DONE } }, "a" },
	{ "a missing part", { { 1, "1/3", "a", WORKER_JOIN_MORE }, { 1, "3/3", "c", WORKER_JOIN_STRAY } }, "a" },
	{ "a second attempt restarts",
	  { { 1, "1/2", "a", WORKER_JOIN_MORE },
	    { 2, "1/2", "x", WORKER_JOIN_MORE },
	    { 1, "2/2", "b", WORKER_JOIN_STRAY },
	    { 2, "2/2", "y", WORKER_JOIN_DONE } },
	  "xy" },
	{ "another total", { { 1, "1/2", "a", WORKER_JOIN_MORE }, { 1, "2/3", "b", WORKER_JOIN_STRAY } }, "a" },
	{ "a late part without the first", { { 1, "2/2", "b", WORKER_JOIN_STRAY } }, "" },
	{ "no parts", { { 1, NULL, "whole", WORKER_JOIN_DONE } }, "" },
	{ "zero", { { 1, "0/2", "", WORKER_JOIN_MALFORMED } }, "" },
	{ "beyond the total", { { 1, "3/2", "", WORKER_JOIN_MALFORMED } }, "" },
	{ "not numbers", { { 1, "a/b", "", WORKER_JOIN_MALFORMED } }, "" },
	{ "no slash", { { 1, "12", "", WORKER_JOIN_MALFORMED } }, "" },
	{ "too many", { { 1, "1/5000", "", WORKER_JOIN_MALFORMED } }, "" },
	{ "a sign", { { 1, "+1/2", "", WORKER_JOIN_MALFORMED } }, "" },
	{ "a number out of range", { { 1, "11111111111111111111/2", "", WORKER_JOIN_MALFORMED } }, "" },
};

Test(worker_reply, parts_are_joined)
{
	for (size_t i = 0; i < ARRAY_LEN(join_cases); i++) {
		const struct join_case *c = &join_cases[i];
		struct worker_join join = { .next = 0 };

		for (size_t k = 0; k < ARRAY_LEN(c->steps) && c->steps[k].attempt; k++) {
			const struct join_step *step = &c->steps[k];
			struct worker_message msg = { .part = step->part,
						      .data = step->data,
						      .attempt = step->attempt };

			msg.len = strlen(step->data);
			cr_expect_eq(worker_join_add(&join, &msg, true), step->result, "%s, step %zu", c->name, k);
		}
		cr_expect_str_eq(join.data.data ? join.data.data : "", c->joined, "%s", c->name);
		worker_join_clear(&join);
	}
}

Test(worker_reply, only_a_part_of_several_of_a_read_is_dropped_without_memory)
{
	static const struct {
		const char *part;
		bool may_drop;
		enum worker_join_result result;
	} cases[] = {
		{ "1/2", true, WORKER_JOIN_NO_ROOM },
		{ "1/2", false, WORKER_JOIN_MORE },
		{ "1/1", true, WORKER_JOIN_DONE },
		{ "1/1", false, WORKER_JOIN_DONE },
	};

	memory_budget_set(2);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct worker_join join = { .next = 0 };
		const struct worker_message msg = { .part = cases[i].part, .data = "abc", .len = 3, .attempt = 1 };

		cr_expect_eq(worker_join_add(&join, &msg, cases[i].may_drop), cases[i].result, "case %zu", i);
		cr_expect_eq(memory_budget_is_spent(), cases[i].result != WORKER_JOIN_NO_ROOM, "case %zu", i);
		worker_join_clear(&join);
		cr_expect_not(memory_budget_is_spent(), "case %zu", i);
	}
}

struct read_case {
	const char *name;
	enum operation operation;
	const char *status;
	const char *body;
	bool good;
	enum rc rc;
	const char *detail; /* NULL: any */
	int retry_after_s;
};

static const struct read_case read_cases[] = {
	{ "a result", OPERATION_GET, "OK", "{\"id\":1}", true, RC_OK, "", 0 },
	{ "no result is needed", OPERATION_DELETE, "OK", "", true, RC_OK, "", 0 },
	{ "an empty result", OPERATION_CREATE, "OK", "", false, RC_INTERNAL, NULL, 0 },
	{ "a truncated result", OPERATION_LIST, "OK", "{\"containers\":[", false, RC_INTERNAL, NULL, 0 },
	{ "an error", OPERATION_GET, "NOT_FOUND", "{\"detail\":\"gone\"}", true, RC_NOT_FOUND, "gone", 0 },
	{ "an error with a delay", OPERATION_GET, "BUSY", "{\"detail\":\"full\",\"retry_after_s\":5}", true, RC_BUSY,
	  "full", 5 },
	{ "a delay above the limit", OPERATION_GET, "BUSY", "{\"detail\":\"x\",\"retry_after_s\":99999999}", true,
	  RC_BUSY, "x", 3600 },
	{ "a negative delay", OPERATION_GET, "BUSY", "{\"detail\":\"x\",\"retry_after_s\":-1}", true, RC_BUSY, "x", 0 },
	{ "an error without a reason", OPERATION_GET, "CONFLICT", "{}", true, RC_CONFLICT, NULL, 0 },
	{ "an unknown code", OPERATION_GET, "TEAPOT", "{\"detail\":\"x\"}", true, RC_INTERNAL, "x", 0 },
	{ "a stream that was not requested", OPERATION_GET, "STREAM", "{\"content_type\":\"a/b\"}", true, RC_INTERNAL,
	  NULL, 0 },
	{ "no status", OPERATION_GET, NULL, "{}", false, RC_INTERNAL, NULL, 0 },
	{ "an error that is not JSON", OPERATION_GET, "NOT_FOUND", "gone", false, RC_INTERNAL, NULL, 0 },
	{ "an error that is not an object", OPERATION_GET, "NOT_FOUND", "[]", false, RC_INTERNAL, NULL, 0 },
	{ "an invalid delay", OPERATION_GET, "BUSY", "{\"detail\":\"x\",\"retry_after_s\":1e300}", true, RC_BUSY, "x",
	  0 },
	{ "a reason that is not a string", OPERATION_GET, "CONFLICT", "{\"detail\":{}}", true, RC_CONFLICT,
	  "the worker sent no reason", 0 },
	{ "an empty reason", OPERATION_GET, "CONFLICT", "{\"detail\":\"\"}", true, RC_CONFLICT,
	  "the worker sent no reason", 0 },
	{ "faults that are not a list", OPERATION_GET, "CONFLICT", "{\"errors\":{}}", false, RC_INTERNAL, NULL, 0 },
	{ "an invalid fault", OPERATION_GET, "CONFLICT", "{\"errors\":[1]}", false, RC_INTERNAL, NULL, 0 },
	{ "a fault without a reason", OPERATION_GET, "CONFLICT", "{\"errors\":[{\"pointer\":\"\"}]}", false,
	  RC_INTERNAL, NULL, 0 },
	{ "a pointer that is not a string", OPERATION_GET, "CONFLICT", "{\"errors\":[{\"detail\":\"\",\"pointer\":1}]}",
	  false, RC_INTERNAL, NULL, 0 },
};

Test(worker_reply, results_and_errors_are_read)
{
	for (size_t i = 0; i < ARRAY_LEN(read_cases); i++) {
		const struct read_case *c = &read_cases[i];
		struct worker_reply reply;
		bool good = worker_reply_read(c->operation, c->status, str_dup(c->body), strlen(c->body), &reply);

		cr_expect_eq(good, c->good, "%s", c->name);
		cr_expect_eq(reply.error.rc, c->rc, "%s: %s", c->name, rc_name(reply.error.rc));
		cr_expect_eq(reply.error.retry_after_s, c->retry_after_s, "%s", c->name);
		if (c->detail)
			cr_expect_str_eq(reply.error.text, c->detail, "%s", c->name);
		if (c->rc == RC_OK)
			cr_expect_str_eq(reply.body, c->body, "%s", c->name);
		worker_reply_clear(&reply);
	}
}

Test(worker_reply, an_unsettled_create_has_an_unknown_outcome)
{
	static const char *const bodies[] = { "{\"detail\":\"d\",\"unsettled\":false}",
					      "{\"detail\":\"d\",\"unsettled\":true}" };

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct worker_reply reply;

		cr_assert(worker_reply_read(OPERATION_CREATE, "UNAVAILABLE", str_dup(bodies[i]), strlen(bodies[i]),
					    &reply));
		cr_expect_eq(reply.outcome_unknown, i == 1);
		worker_reply_clear(&reply);
	}
}

#define SETTLE "{\"state\":\"settled\",\"id\":\"a\",\"uid\":\"u\"}"

static const struct debt_case {
	const char *debt, *settle, *notice;
	enum rc rc;
	const char *kept_notice; /* of a valid one */
} debt_cases[] = {
	{ "7 owed.a", SETTLE, "_INBOX.kube-worker.x.1", RC_OK, "_INBOX.kube-worker.x.1" },
	{ "object", SETTLE, NULL, RC_OK, "" },
	{ "7 owed.a", SETTLE, "dcm.container", RC_OK, "" },
	{ "7 owed.a", SETTLE, "$JS.API.STREAM.PURGE.x", RC_OK, "" },
	{ "7 owed.a", SETTLE, "_INBOX.>", RC_OK, "" },
	{ "7 owed.a", NULL, NULL, RC_INTERNAL, NULL },
	{ "7 owed.a", "", NULL, RC_INTERNAL, NULL },
	{ "7 owed.a", "anything", NULL, RC_INTERNAL, NULL },
	{ "7 owed.a", "{\"state\":\"owed\",\"id\":\"a\"}", NULL, RC_INTERNAL, NULL },
	{ "7 owed.a", "{\"state\":\"settled\",\"id\":\"A B\"}", NULL, RC_INTERNAL, NULL },
	{ "0 owed.a", SETTLE, NULL, RC_INTERNAL, NULL },
	{ "7 state.a", SETTLE, NULL, RC_INTERNAL, NULL },
	{ "objects", SETTLE, NULL, RC_INTERNAL, NULL },
	{ "", SETTLE, NULL, RC_INTERNAL, NULL },
};

Test(worker_debt, debts_are_parsed_strictly)
{
	for (size_t i = 0; i < ARRAY_LEN(debt_cases); i++) {
		const struct debt_case *c = &debt_cases[i];
		struct worker_debt *debt = NULL;

		cr_expect_eq(worker_debt_read(c->debt, c->settle, c->notice, &debt, NULL), c->rc, "case %zu", i);
		cr_expect_eq(debt != NULL, c->rc == RC_OK, "case %zu", i);
		if (debt)
			cr_expect_str_eq(debt->notice, c->kept_notice, "case %zu", i);
		worker_debt_unref(debt);
	}
}

Test(worker_reply, faults_of_the_worker_are_kept)
{
	static const char body[] = "{\"detail\":\"d\",\"errors\":[{\"detail\":\"x\",\"pointer\":\"/a\"}]}";
	struct worker_reply reply;

	cr_assert(worker_reply_read(OPERATION_CREATE, "INVALID_ARGUMENT", str_dup(body), strlen(body), &reply));
	cr_expect_eq(cJSON_GetArraySize(reply.faults), 1);
	worker_reply_clear(&reply);
}
