#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/exec_channel.h"
#include "kube-worker/exec_result.h"

#define EXIT(code)                                                                                                \
	"{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"Other\"}," \
	"{\"reason\":\"ExitCode\",\"message\":\"" code "\"}]}}"
#define FAILURE(message) "{\"status\":\"Failure\",\"reason\":\"InternalError\",\"message\":\"" message "\"}"

static const struct {
	const char *status;
	enum rc rc;
	int code;
} ends[] = {
	{ "{\"metadata\":{},\"status\":\"Success\"}", RC_OK, 0 },
	{ EXIT("7"), RC_OK, 7 },
	{ EXIT("255"), RC_OK, 255 },
	{ EXIT("-1"), RC_UNAVAILABLE, 0 },
	{ EXIT("256"), RC_UNAVAILABLE, 0 },
	{ EXIT("x"), RC_UNAVAILABLE, 0 },
	{ "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\"}", RC_UNAVAILABLE, 0 },
	{ FAILURE("exec: \\\"nope\\\": executable file not found in $PATH: unknown"), RC_INVALID_ARGUMENT, 0 },
	{ FAILURE("exec: \\\"/nope\\\": stat /nope: no such file or directory"), RC_INVALID_ARGUMENT, 0 },
	{ FAILURE("exec: \\\"/etc\\\": permission denied"), RC_INVALID_ARGUMENT, 0 },
	{ FAILURE("container is not running"), RC_UNAVAILABLE, 0 },
	{ "{}", RC_UNAVAILABLE, 0 },
	{ "[]", RC_UNAVAILABLE, 0 },
	{ "not JSON", RC_UNAVAILABLE, 0 },
	{ "", RC_UNAVAILABLE, 0 },
};

Test(exec_result, a_status_says_how_it_ended)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct exec_result result = exec_result_make();
		struct error err = { .rc = RC_OK };
		enum rc rc = exec_result_end(&result, ends[i].status, strlen(ends[i].status), &err);

		cr_expect_eq(rc, ends[i].rc, "%s: %s", ends[i].status, err.text);
		cr_expect_eq(result.ended, rc == RC_OK, "%s", ends[i].status);
		cr_expect_eq(result.exit_code, ends[i].code, "%s", ends[i].status);
		exec_result_clear(&result);
	}
}

static void expect_json(const struct exec_result *result, const char *json)
{
	struct buf out = buf_make(4096);

	exec_result_write(result, &out);
	cr_expect_str_eq(out.data, json, "%s", out.data);
	buf_clear(&out);
}

Test(exec_result, text_is_shown_as_such_and_the_rest_in_base64)
{
	struct exec_result result = exec_result_make();

	result.exit_code = 3;
	expect_json(&result, "{\"exit_code\":3,\"stdout\":\"\",\"stderr\":\"\",\"truncated\":false}");
	exec_result_add(&result, EXEC_STDOUT, "a\n", 2);
	exec_result_add(&result, EXEC_STDOUT, "\xc3", 1);
	exec_result_add(&result, EXEC_STDERR, "\xff\0a", 3);
	expect_json(&result,
		    "{\"exit_code\":3,\"stdout_base64\":\"YQrD\",\"stderr_base64\":\"/wBh\",\"truncated\":false}");
	exec_result_add(&result, EXEC_STDOUT, "\xa9", 1); /* the rest of the character */
	expect_json(&result,
		    "{\"exit_code\":3,\"stdout\":\"a\\n\xc3\xa9\",\"stderr_base64\":\"/wBh\",\"truncated\":false}");
	exec_result_clear(&result);
}

Test(exec_result, no_more_than_a_mebibyte_of_each_is_kept)
{
	struct exec_result result = exec_result_make();
	cleanup_free char *data = calloc(1, EXEC_OUTPUT_MAX);

	exec_result_add(&result, EXEC_STDOUT, data, EXEC_OUTPUT_MAX - 1);
	exec_result_add(&result, EXEC_STDOUT, "x", 1);
	exec_result_add(&result, EXEC_STDERR, data, EXEC_OUTPUT_MAX);
	cr_expect_not(result.truncated);
	exec_result_add(&result, EXEC_STDERR, "x", 1);
	cr_expect(result.truncated);
	cr_expect_eq(result.out.len, EXEC_OUTPUT_MAX);
	cr_expect_eq(result.err.len, EXEC_OUTPUT_MAX);
	cr_expect_eq(result.out.data[EXEC_OUTPUT_MAX - 1], 'x');
	exec_result_clear(&result);
}
