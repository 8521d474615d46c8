/*
 * The messages that api-svc receives over NATS, each "status|part|debt|settle|notice|data" and a NUL. Parts are joined
 * only as the protocol allows; an accepted reply can be displayed, and its debt can be settled.
 */
#include <string.h>

#include "api-svc/pipeline/worker_reply.h"
#include "common/base/strutil.h"
#include "common/bus/bus.h"
#include "tests/fuzz/fuzz.h"

#define ATTEMPTS 2

static const char *field(char **rest)
{
	const char *text = *rest ? strsep(rest, "|") : NULL;

	return text && text[0] ? text : NULL;
}

static void check_debt(const struct worker_message *msg)
{
	struct worker_debt *debt = NULL;

	if (worker_debt_read(msg->debt, msg->settle, msg->notice, &debt, NULL) || !debt)
		return;
	FUZZ_CHECK(debt->object || (debt->sequence > 0 && debt_is_key(debt->key)));
	FUZZ_CHECK(!debt->notice[0] || bus_is_inbox(debt->notice));
	FUZZ_CHECK(strcmp(debt->value, msg->settle) == 0);
	worker_debt_unref(debt);
}

static void check_reply(const struct worker_message *msg, const char *data, size_t len)
{
	char *body = strndup(data ? data : "", len);
	struct worker_reply reply;
	const cJSON *fault = NULL;
	bool good;

	if (!body)
		return;
	good = worker_reply_read(OPERATION_GET, msg->status, body, len, &reply);
	FUZZ_CHECK(good || reply.error.rc == RC_INTERNAL);
	FUZZ_CHECK(reply.error.rc == RC_OK ? reply.body && reply.body[0] == '{' : reply.error.text[0] && !reply.body);
	FUZZ_CHECK(reply.error.retry_after_s >= 0 && reply.error.retry_after_s <= 3600);
	cJSON_ArrayForEach (fault, reply.faults)
		FUZZ_CHECK(json_string_at(fault, "detail"));
	worker_reply_clear(&reply);
	check_debt(msg);
}

static void take(struct worker_join *join, char *text, size_t len, unsigned attempt)
{
	char *rest = text;
	struct worker_message msg = {
		.status = field(&rest),
		.part = field(&rest),
		.debt = field(&rest),
		.settle = field(&rest),
		.notice = field(&rest),
		.attempt = attempt,
	};

	msg.data = rest;
	msg.len = rest ? len - (size_t)(rest - text) : 0;
	if (worker_join_add(join, &msg, true) != WORKER_JOIN_DONE)
		return;
	FUZZ_CHECK(!msg.part || join->next == join->total + 1);
	check_reply(&msg, msg.part ? join->data.data : msg.data, msg.part ? join->data.len : msg.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	struct worker_join join = { .next = 0 };
	unsigned attempt = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size; at += strlen(text + at) + 1) {
		cleanup_free char *message = str_dup(text + at);

		if (message)
			take(&join, message, strlen(message), 1 + attempt++ % ATTEMPTS);
	}
	worker_join_clear(&join);
	return 0;
}
