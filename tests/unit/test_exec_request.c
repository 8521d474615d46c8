#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/exec_request.h"
#include "common/base/strutil.h"

static void expect_members(const char *query, const char *json)
{
	struct target target cleanup_target = { .store = NULL };
	struct buf text cleanup_buf = buf_make(2000);
	struct buf out cleanup_buf = buf_make(2000);
	struct json_writer w = json_writer_make(&out);

	buf_addf(&text, "/x?%s", query);
	cr_assert_eq(target_parse(text.data, &target, NULL), RC_OK, "%s", query);
	json_begin_object(&w, NULL);
	exec_request_write(&target, &w);
	json_end_object(&w);
	cr_expect_str_eq(out.data, json, "%s: %s", query, out.data);
}

Test(exec_request, a_query_is_translated_to_a_request)
{
	expect_members(
		"command=sh&command=-c&command=a%20b&stdout=true",
		"{\"command\":[\"sh\",\"-c\",\"a b\"],\"stdin\":false,\"stdout\":true,\"stderr\":false,\"tty\":false}");
	expect_members("stdin=1&command=&stderr=True&container=c&replica=r",
		       "{\"command\":[\"\"],\"container\":\"c\",\"replica\":\"r\",\"stdin\":true,\"stdout\":false,"
		       "\"stderr\":true,\"tty\":false}");
	expect_members("command=sh&stdin=true&stdout=true&stderr=true&tty=True",
		       "{\"command\":[\"sh\"],\"stdin\":true,\"stdout\":true,\"stderr\":false,\"tty\":true}");
	expect_members("command=sh&stdin=false&stdout=0&tty=False",
		       "{\"command\":[\"sh\"],\"stdin\":false,\"stdout\":false,\"stderr\":false,\"tty\":false}");
}

Test(exec_request, at_least_one_stream_is_required)
{
	static const struct {
		const char *query;
		size_t faults;
	} cases[] = { { "/x", 1 },
		      { "/x?stdin=true", 0 },
		      { "/x?stdout=1", 0 },
		      { "/x?stderr=True", 0 },
		      { "/x?stdout=false", 1 },
		      { "/x?tty=true", 1 },
		      { "/x?tty=true&stderr=true", 1 }, /* a terminal has no stderr */
		      { "/x?tty=false&stderr=true", 0 },
		      { "/x?tty=1&stdin=1&stderr=1", 0 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct target target cleanup_target = { .store = NULL };
		struct faults faults cleanup_faults = { .count = 0 };

		cr_assert_eq(target_parse(cases[i].query, &target, NULL), RC_OK);
		exec_request_check(&target, &faults);
		cr_expect_eq(faults.count, cases[i].faults, "%s", cases[i].query);
	}
}

Test(exec_request, timeouts_are_validated)
{
	static const struct {
		const char *body;
		size_t faults;
		int64_t ms;
	} cases[] = {
		{ "{}", 0, 30000 },
		{ "{\"timeout\":\"10s\"}", 0, 10000 },
		{ "{\"timeout\":\"30s\"}", 0, 30000 },
		{ "{\"timeout\":\"30.001s\"}", 1, 0 },
		{ "{\"timeout\":\"1ms\"}", 0, 1 },
		{ "{\"timeout\":\"1us\"}", 1, 0 },
		{ "{\"timeout\":\"-1s\"}", 1, 0 },
		{ "{\"timeout\":\"\"}", 1, 0 },
		{ "{\"timeout\":\"10\"}", 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct faults faults cleanup_faults = { .count = 0 };
		cleanup_json cJSON *body = NULL;

		cr_assert_eq(json_parse(cases[i].body, strlen(cases[i].body), &body, NULL), RC_OK);
		exec_request_check_body(body, 30000, &faults);
		cr_expect_eq(faults.count, cases[i].faults, "%s", cases[i].body);
		if (!cases[i].faults)
			cr_expect_eq(exec_request_timeout_ms(body, 30000), cases[i].ms, "%s", cases[i].body);
	}
}
