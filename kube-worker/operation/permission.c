#include "kube-worker/operation/permission.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"

#define ANSWER_TIMEOUT_MS 2000
#define PROBE_TIMEOUT_MS 500
#define CALLER_PREFIX "_INBOX." PROTOCOL_API_SERVICE "."
#define SUBJECT_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

static const struct bus_header permission_headers[] = {
	{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
	{ PROTOCOL_HEADER_STATUS, PROTOCOL_STATUS_PERMISSION },
};
static const struct bus_header probe_headers[] = {
	{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
	{ PROTOCOL_HEADER_STATUS, PROTOCOL_STATUS_PROBE },
};

struct bus_outgoing permission_question(const char *caller)
{
	return (struct bus_outgoing){
		.subject = caller,
		.headers = permission_headers,
		.header_count = ARRAY_LEN(permission_headers),
	};
}

struct bus_outgoing permission_probe_question(const char *caller)
{
	return (struct bus_outgoing){
		.subject = caller,
		.headers = probe_headers,
		.header_count = ARRAY_LEN(probe_headers),
	};
}

bool permission_is_given(struct bus_message *reply)
{
	return str_equal(bus_message_header(reply, PROTOCOL_HEADER_STATUS), rc_name(RC_OK));
}

enum rc permission_begin(struct op_call *call, struct bus_pending *pending, struct error *err)
{
	const struct bus_outgoing out = permission_question(call->caller);
	enum rc rc = bus_call_begin(call->env->caller, &out, pending, err);

	return rc ? error_wrap(err, RC_CANCELLED, "cannot request permission from the caller") : RC_OK;
}

enum rc permission_end(struct op_call *call, struct bus_pending *pending, struct error *err)
{
	struct bus_message *reply cleanup_bus_message = NULL;
	int64_t asked_ms = pending->begun_ms;
	enum rc rc = bus_call_end(call->env->caller, pending, ANSWER_TIMEOUT_MS, &reply, err);

	if (rc)
		return error_wrap(err, RC_CANCELLED, "no reply to the permission request");
	if (!permission_is_given(reply))
		return error_set(err, RC_CANCELLED, "the call has finished, or another attempt has the permission");
	call->permitted_until_ms = asked_ms + PROTOCOL_PERMISSION_MS;
	return RC_OK;
}

enum rc permission_hold(struct op_call *call, struct error *err)
{
	struct bus_pending pending;
	enum rc rc;

	if (!call->caller || clock_mono_ms() < call->permitted_until_ms)
		return RC_OK;
	rc = permission_begin(call, &pending, err);
	return rc ? rc : permission_end(call, &pending, err);
}

bool permission_to_repeat(void *ctx)
{
	return permission_hold(ctx, NULL) == RC_OK;
}

bool permission_is_caller(const char *subject)
{
	size_t len = strlen(subject);

	return str_has_prefix(subject, CALLER_PREFIX) && len < PROTOCOL_SUBJECT_MAX &&
	       strspn(subject, SUBJECT_CHARACTERS) == len && bus_is_inbox(subject);
}

static enum caller_word word_of(const char *status)
{
	static const struct {
		const char *status;
		enum caller_word word;
	} words[] = {
		{ "OK", CALLER_OPEN },
		{ PROTOCOL_STATUS_SETTLED, CALLER_SETTLED },
		{ "CANCELLED", CALLER_OVER },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_equal(words[i].status, status))
			return words[i].word;
	return CALLER_SILENT;
}

enum caller_word permission_probe(struct bus_caller *caller, const char *subject, const char *uid)
{
	struct bus_message *reply cleanup_bus_message = NULL;
	struct bus_outgoing out = permission_probe_question(subject);
	enum rc rc;

	out.data = uid;
	out.len = strlen(uid);
	if (!permission_is_caller(subject))
		return CALLER_GONE; /* not an address of an api-svc */
	rc = bus_call(caller, &out, PROBE_TIMEOUT_MS, &reply, NULL);
	if (rc)
		return rc == RC_NOT_FOUND ? CALLER_GONE : CALLER_SILENT;
	return word_of(bus_message_header(reply, PROTOCOL_HEADER_STATUS));
}

bool permission_same_call(const char *subject, const char *other)
{
	const char *end = strrchr(subject, '-'); /* "<inbox>.<call>-<attempt>" */

	return end && strncmp(subject, other, (size_t)(end - subject) + 1) == 0;
}
