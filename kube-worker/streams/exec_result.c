#include "kube-worker/streams/exec_result.h"

#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"
#include "common/exec_channel.h"
#include "common/services/json.h"
#include "common/services/json_write.h"

#define BASE64_MAX (EXEC_OUTPUT_MAX / 3 * 4 + 8)
#define MESSAGE_MAX 300 /* bytes of Kubernetes' message in an error */
#define EXIT_CODE_MAX 255
#define CONTROLS_SHARE 4 /* text has at most 1/n control characters */

struct exec_result exec_result_make(void)
{
	return (struct exec_result){ .out.kept = buf_make(EXEC_OUTPUT_MAX), .err.kept = buf_make(EXEC_OUTPUT_MAX) };
}

void exec_result_clear(struct exec_result *result)
{
	buf_clear(&result->out.kept);
	buf_clear(&result->err.kept);
}

void exec_result_add(struct exec_result *result, unsigned channel, const char *data, size_t len)
{
	struct exec_output *output = channel == EXEC_STDERR ? &result->err : &result->out;
	size_t room = EXEC_OUTPUT_MAX - output->kept.len;

	output->truncated = output->truncated || len > room;
	buf_add(&output->kept, data, len < room ? len : room);
}

/* Messages of container runtimes for a program that cannot be started. Source: runc, crun, the kubelet's CRI. */
static bool is_bad_program(const char *message)
{
	static const char *const texts[] = { "executable file not found", "no such file or directory",
					     "permission denied", "not a directory", "exec format error" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strstr(message, texts[i]))
			return true;
	return false;
}

static bool read_code(const cJSON *status, int64_t *ret_code)
{
	const cJSON *cause = NULL;

	cJSON_ArrayForEach (cause, json_at(status, "details.causes")) {
		const char *message = json_string_at(cause, "message");

		if (str_equal(json_string_at(cause, "reason"), "ExitCode") && message)
			return str_parse_int64(message, ret_code) && *ret_code >= 0 && *ret_code <= EXIT_CODE_MAX;
	}
	return false;
}

enum rc exec_result_end(struct exec_result *result, const char *text, size_t len, struct error *err)
{
	cleanup_json cJSON *status = NULL;
	const char *message;
	int64_t code = 0;
	bool done;
	enum rc rc = json_parse(text, len, &status, err);

	if (rc)
		return error_wrap(err, RC_TIMEOUT, "Kubernetes sent no result of the command");
	done = str_equal(json_string_at(status, "status"), "Success");
	if (!done && str_equal(json_string_at(status, "reason"), "NonZeroExitCode"))
		done = read_code(status, &code);
	if (done) {
		result->ended = true;
		result->exit_code = (int)code;
		return RC_OK;
	}
	message = json_string_at(status, "message");
	message = message ? message : "no reason";
	if (is_bad_program(message))
		return error_set(err, RC_INVALID_ARGUMENT, "the program cannot be run: %.*s", MESSAGE_MAX, message);
	return error_set(err, RC_TIMEOUT, "Kubernetes sent no exit code of the command: %.*s", MESSAGE_MAX, message);
}

/* Characters that need six bytes in JSON. */
static size_t count_controls(const char *data, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += (unsigned char)data[i] < ' ' && !strchr("\b\f\n\r\t", data[i]);
	return count;
}

/* A NUL is valid UTF-8, but many readers stop at it. Some control characters (colours) are accepted as text. */
static bool is_text(const char *data, size_t len)
{
	return !len ||
	       (!memchr(data, '\0', len) && utf8_valid(data, len) && count_controls(data, len) <= len / CONTROLS_SHARE);
}

static void write_output(struct json_writer *w, const char *name, const char *name_of_base64,
			 const struct exec_output *output)
{
	struct buf base64 cleanup_buf = buf_make(BASE64_MAX);
	const struct buf *kept = &output->kept;
	size_t len = output->truncated ? utf8_whole_length(kept->data, kept->len) : kept->len;

	if (is_text(kept->data, len)) {
		json_string_n(w, name, kept->data, len);
		return;
	}
	crypto_base64_encode(CRYPTO_BASE64_STANDARD, kept->data, kept->len, &base64);
	json_string_n(w, name_of_base64, base64.data, base64.len);
}

void exec_result_write(const struct exec_result *result, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_int(&w, "exit_code", result->exit_code);
	write_output(&w, "stdout", "stdout_base64", &result->out);
	write_output(&w, "stderr", "stderr_base64", &result->err);
	json_bool(&w, "truncated", result->out.truncated || result->err.truncated);
	json_end_object(&w);
}
