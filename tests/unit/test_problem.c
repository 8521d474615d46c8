#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/problem.h"

struct status_case {
	enum rc rc;
	unsigned status;
	const char *type;
};

static const struct status_case cases[] = {
	{ RC_INVALID_ARGUMENT, 400, "INVALID_ARGUMENT" },
	{ RC_UNAUTHENTICATED, 401, "UNAUTHENTICATED" },
	{ RC_PERMISSION_DENIED, 403, "PERMISSION_DENIED" },
	{ RC_NOT_FOUND, 404, "NOT_FOUND" },
	{ RC_ALREADY_EXISTS, 409, "ALREADY_EXISTS" },
	{ RC_CONFLICT, 409, "ALREADY_EXISTS" },
	{ RC_PRECONDITION, 412, "PRECONDITION_FAILED" },
	{ RC_KEY_REUSED, 422, "INVALID_ARGUMENT" },
	{ RC_TOO_LARGE, 413, "INVALID_ARGUMENT" },
	{ RC_UNSUPPORTED_ENCODING, 415, "INVALID_ARGUMENT" },
	{ RC_EXPIRED, 400, "INVALID_ARGUMENT" },
	{ RC_UNSUPPORTED, 503, "UNAVAILABLE" },
	{ RC_UNIMPLEMENTED, 501, "UNIMPLEMENTED" },
	{ RC_NOT_STARTED, 409, "CONFLICT" },
	{ RC_BUSY, 503, "UNAVAILABLE" },
	{ RC_PENDING, 503, "UNAVAILABLE" },
	{ RC_CANCELLED, 503, "UNAVAILABLE" },
	{ RC_UNAVAILABLE, 503, "UNAVAILABLE" },
	{ RC_TIMEOUT, 504, "UNAVAILABLE" },
	{ RC_NO_MEMORY, 500, "INTERNAL" },
	{ RC_INTERNAL, 500, "INTERNAL" },
};

Test(problem, every_code_has_a_problem_document)
{
	cr_expect_eq(ARRAY_LEN(cases), RC_COUNT - 1, "a code is not tested");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct status_case *c = &cases[i];
		struct error err;
		struct problem problem = { .error = &err, .instance = "/a", .request_id = "req-1" };
		struct http_answer answer;
		cleanup_json cJSON *tree = NULL;
		bool ours = c->status == 500;

		error_set(&err, c->rc, "secret 'x'");
		answer = problem_answer(&problem);
		cr_expect_eq(answer.status, c->status, "%s", rc_name(c->rc));
		cr_expect_str_eq(answer.content_type, "application/problem+json");
		cr_assert_eq(json_parse_strict(answer.body, answer.body_len, &tree, NULL), RC_OK);
		cr_expect_str_eq(json_string_at(tree, "type"), c->type, "%s", rc_name(c->rc));
		cr_expect_eq(json_int_at(tree, "status", 0), c->status);
		cr_expect_str_eq(json_string_at(tree, "instance"), "/a");
		cr_expect_not_null(json_string_at(tree, "title"));
		cr_expect_eq(strstr(json_string_at(tree, "detail"), "secret") == NULL, ours);
		cr_expect_eq(strstr(json_string_at(tree, "detail"), "req-1") != NULL, ours);
		cr_expect_eq(answer.retry_after_s >= 1 && answer.retry_after_s <= 5, c->status == 503);
		cr_expect_null(json_get(tree, "errors"));
		free(answer.body);
	}
}

Test(problem, faults_and_retry_after_are_included)
{
	struct error err = { .rc = RC_UNAVAILABLE, .retry_after_s = 30, .text = "t" };
	struct faults faults cleanup_faults = { .count = 0 };
	struct problem problem = { .error = &err, .faults = &faults };
	struct http_answer answer;

	faults_add(&faults, "/a~1b", "must be \"%s\"", "x");
	answer = problem_answer(&problem);
	cr_expect_eq(answer.retry_after_s, 30);
	cr_expect(strstr(answer.body, "\"errors\":[{\"detail\":\"must be \\\"x\\\"\",\"pointer\":\"/a~1b\"}]") != NULL,
		  "%s", answer.body);
	free(answer.body);
}

Test(problem, a_given_status_takes_precedence)
{
	struct error err = { .rc = RC_INVALID_ARGUMENT, .text = "t" };
	struct problem problem = { .error = &err, .status = PROBLEM_METHOD_NOT_ALLOWED };
	struct http_answer answer = problem_answer(&problem);

	cr_expect_eq(answer.status, 405);
	cr_expect(strstr(answer.body, "\"status\":405") != NULL);
	free(answer.body);
}

static void add_long_faults(struct faults *faults, int count)
{
	char pointer[FAULT_POINTER_MAX];

	for (int i = 0; i < count; i++) {
		memset(pointer, 1, sizeof(pointer));
		snprintf(pointer + 900, sizeof(pointer) - 900, "%d", i);
		faults_add(faults, pointer, "is wrong");
	}
}

Test(problem, a_long_list_of_faults_is_truncated_with_a_note)
{
	struct error err = { .rc = RC_INVALID_ARGUMENT, .text = "t" };
	struct faults faults cleanup_faults = { .count = 0 };
	struct problem problem = { .error = &err, .faults = &faults };
	struct http_answer answer;
	cleanup_json cJSON *tree = NULL;
	const cJSON *errors;
	const char *last;
	int shown;
	int left_out = 0;

	add_long_faults(&faults, 150);
	answer = problem_answer(&problem);
	cr_assert(answer.body_len > 100000 && answer.body_len <= 256 * 1024, "%zu", answer.body_len);
	cr_assert_eq(json_parse(answer.body, answer.body_len, &tree, NULL), RC_OK);
	errors = json_get(tree, "errors");
	shown = cJSON_GetArraySize(errors) - 1;
	last = json_string_at(cJSON_GetArrayItem(errors, shown), "detail");
	cr_assert_eq(sscanf(last, "%d more errors omitted", &left_out), 1, "%s", last);
	cr_expect_eq(shown + left_out, 150);
	free(answer.body);
}

Test(problem, faults_of_a_worker_have_the_same_limits)
{
	struct error err = { .rc = RC_INVALID_ARGUMENT, .text = "t" };
	cleanup_json cJSON *array = cJSON_CreateArray();
	struct problem problem = { .error = &err, .worker_faults = array };
	cleanup_free char *long_text = calloc(1, 1 << 20);
	struct http_answer answer;

	memset(long_text, 'x', (1 << 20) - 1);
	for (int i = 0; i < 3; i++) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "detail", long_text);
		cJSON_AddStringToObject(item, "pointer", i == 0 ? "/a" : "/b");
		cJSON_AddItemToArray(array, item);
	}
	answer = problem_answer(&problem);
	cr_assert_not_null(answer.body);
	cr_expect(answer.body_len < 2000 && strstr(answer.body, "\"pointer\":\"/a\"") != NULL, "%s", answer.body);
	free(answer.body);
}
