/*
 * The requests that a worker receives over NATS. First byte: the operation; then the headers, one per line; then the
 * members. Accepted requests are within their bounds, and an accepted create becomes Kubernetes JSON, or an error.
 */
#include <string.h>

#include "common/bus/bus.h"
#include "common/container/container_write.h"
#include "kube-worker/debt/create_debt.h"
#include "kube-worker/operation/op.h"
#include "kube-worker/operation/permission.h"
#include "kube-worker/operation/request_check.h"
#include "tests/fuzz/fuzz.h"

#define WALL_MS 1795253940000
#define MONO_MS 1000
#define MESSAGE_MAX (256u * 1024)

/* The next line; NULL: empty or none. */
static const char *next_line(char **rest)
{
	const char *line = *rest ? strsep(rest, "\n") : NULL;

	return line && line[0] ? line : NULL;
}

static void check_headers(char **rest)
{
	const struct request_header_texts texts = {
		.reply = next_line(rest),
		.deadline = next_line(rest),
		.attempt = next_line(rest),
		.wait = next_line(rest),
		.permission = next_line(rest),
		.request_id = next_line(rest),
		.traceparent = next_line(rest),
	};
	struct request_headers headers;
	struct error err = { .rc = RC_OK };

	if (request_check_headers(&texts, WALL_MS, MONO_MS, &headers, &err)) {
		FUZZ_CHECK(err.rc == RC_INTERNAL && err.text[0]);
		return;
	}
	FUZZ_CHECK(headers.deadline_ms <= MONO_MS + PROTOCOL_DEADLINE_MAX_MS);
	FUZZ_CHECK(headers.wait_ms == INT64_MAX || headers.wait_ms < PROTOCOL_DEADLINE_MAX_MS);
	FUZZ_CHECK(headers.wait_ms >= 0 && headers.attempt >= 1);
	FUZZ_CHECK(!headers.caller || (permission_is_caller(headers.caller) && bus_is_inbox(headers.caller)));
	FUZZ_CHECK(strlen(headers.request_id) <= PROTOCOL_REQUEST_ID_MAX && !strpbrk(headers.request_id, " \r\n\t"));
}

static void check_create(const cJSON *request)
{
	const struct container_origin origin = { .token = json_string_at(request, "token"), .digest = "" };
	const char *id = json_string_at(request, "id");
	const cJSON *spec = json_get(request, "spec");
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cleanup_json cJSON *object = NULL;
	char digest[CREATE_DEBT_DIGEST_MAX];
	struct error err = { .rc = RC_OK };

	FUZZ_CHECK(origin.token && cJSON_IsObject(spec) && (!id || protocol_is_id(id)));
	FUZZ_CHECK(create_debt_digest(spec, digest, &err) == RC_OK);
	if (!container_write_deployment(id ? id : "a", spec, NULL, &origin, &body, &err))
		FUZZ_CHECK(json_parse(body.data, body.len, &object, &err) == RC_OK && cJSON_IsObject(object));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum operation operation = size ? (enum operation)(data[0] % OPERATION_COUNT) : OPERATION_CREATE;
	cleanup_free char *text = size ? strndup((const char *)data + 1, size - 1) : NULL;
	cleanup_json cJSON *request = NULL;
	struct error err = { .rc = RC_OK };
	char *rest = text;

	if (!text || size > MESSAGE_MAX)
		return 0;
	check_headers(&rest);
	if (!rest || !op_find(operation) || json_parse(rest, strlen(rest), &request, NULL))
		return 0;
	if (op_check(operation, request, &err))
		FUZZ_CHECK(err.rc == RC_INTERNAL && err.text[0]);
	else if (operation == OPERATION_CREATE)
		check_create(request);
	return 0;
}
