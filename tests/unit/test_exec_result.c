#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/exec_channel.h"
#include "kube-worker/streams/exec_result.h"

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
	{ EXIT("-1"), RC_TIMEOUT, 0 },
	{ EXIT("256"), RC_TIMEOUT, 0 },
	{ EXIT("x"), RC_TIMEOUT, 0 },
	{ "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\"}", RC_TIMEOUT, 0 },
	{ FAILURE("exec: \\\"nope\\\": executable file not found in $PATH: unknown"), RC_INVALID_ARGUMENT, 0 },
	{ FAILURE("exec: \\\"/nope\\\": stat /nope: no such file or directory"), RC_INVALID_ARGUMENT, 0 },
	{ FAILURE("exec: \\\"/etc\\\": permission denied"), RC_INVALID_ARGUMENT, 0 },
	{ FAILURE("container is not running"), RC_TIMEOUT, 0 },
	{ "{}", RC_TIMEOUT, 0 },
	{ "[]", RC_TIMEOUT, 0 },
	{ "not JSON", RC_TIMEOUT, 0 },
	{ "", RC_TIMEOUT, 0 },
};

Test(exec_result, a_status_is_translated_to_an_exit_code_or_an_error)
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

Test(exec_result, text_is_a_string_and_binary_output_base64)
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

Test(exec_result, output_is_truncated_at_a_mebibyte_per_stream)
{
	struct exec_result result = exec_result_make();
	cleanup_free char *data = calloc(1, EXEC_OUTPUT_MAX);

	exec_result_add(&result, EXEC_STDOUT, data, EXEC_OUTPUT_MAX - 1);
	exec_result_add(&result, EXEC_STDOUT, "x", 1);
	exec_result_add(&result, EXEC_STDERR, data, EXEC_OUTPUT_MAX);
	cr_expect_not(result.err.truncated);
	exec_result_add(&result, EXEC_STDERR, "x", 1);
	cr_expect(result.err.truncated);
	cr_expect_not(result.out.truncated);
	cr_expect_eq(result.out.kept.len, EXEC_OUTPUT_MAX);
	cr_expect_eq(result.err.kept.len, EXEC_OUTPUT_MAX);
	cr_expect_eq(result.out.kept.data[EXEC_OUTPUT_MAX - 1], 'x');
	exec_result_clear(&result);
}

/* Check the result for stdout that has `end` at the limit, exceeding it by `more` bytes. */
static void expect_end(const char *end, size_t more, const char *member, const char *json_end)
{
	struct exec_result result = exec_result_make();
	struct buf out = buf_make(8u << 20);
	cleanup_free char *data = malloc(EXEC_OUTPUT_MAX);

	memset(data, 'x', EXEC_OUTPUT_MAX);
	exec_result_add(&result, EXEC_STDOUT, data, EXEC_OUTPUT_MAX - strlen(end) + more);
	exec_result_add(&result, EXEC_STDOUT, end, strlen(end));
	exec_result_write(&result, &out);
	cr_expect_not_null(strstr(out.data, member), "%s", end);
	cr_expect_not_null(strstr(out.data, json_end), "%s: %s", end, out.data + out.len - 60);
	exec_result_clear(&result);
	buf_clear(&out);
}

Test(exec_result, text_truncated_within_a_character_is_still_text)
{
	expect_end("\xc3\xa9", 0, "\"stdout\"", "x\xc3\xa9\",\"stderr\":\"\",\"truncated\":false");
	expect_end("\xc3\xa9", 1, "\"stdout\"", "x\",\"stderr\":\"\",\"truncated\":true");
	expect_end("\xf0\x9f\x98\x80", 1, "\"stdout\"", "x\",\"stderr\":\"\",\"truncated\":true");
	expect_end("\xff\xc3\xa9", 1, "\"stdout_base64\"", "\"truncated\":true");
	expect_end("x\xc3", 0, "\"stdout_base64\"", "\"truncated\":false"); /* complete, and no valid character */
}

Test(exec_result, output_with_few_control_characters_is_text)
{
	static const struct {
		const char *output;
		bool text;
	} cases[] = {
		{ "\x1b[31mred\x1b[0m", true }, { "\x1b[31mx", true }, { "\a\x1b[m", false },
		{ "\a\x1b[mxxxx", true },       { "\a\a\a\a", false }, { "\1\2xxxx", false },
		{ "\n\n\n\t\r\n", true },       { "\x7f\x7f", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exec_result result = exec_result_make();
		struct buf out cleanup_buf = buf_make(1000);

		exec_result_add(&result, EXEC_STDOUT, cases[i].output, strlen(cases[i].output));
		exec_result_write(&result, &out);
		cr_expect_eq(strstr(out.data, "\"stdout\":") != NULL, cases[i].text, "%zu: %s", i, out.data);
		exec_result_clear(&result);
	}
}

Test(exec_result, output_with_a_nul_is_binary)
{
	struct exec_result result = exec_result_make();

	exec_result_add(&result, EXEC_STDOUT, "a\0b", 3);
	exec_result_add(&result, EXEC_STDERR, "\x1b[1mbold\x1b[0m\a\n", 14);
	expect_json(&result,
		    "{\"exit_code\":0,\"stdout_base64\":\"YQBi\",\"stderr\":\"\\u001b[1mbold\\u001b[0m\\u0007\\n\","
		    "\"truncated\":false}");
	exec_result_clear(&result);
}
