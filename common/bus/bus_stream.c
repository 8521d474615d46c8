#include "common/bus/bus_stream.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"

#define API_PREFIX "$JS.API."
#define API_TIMEOUT_MS 1500
#define SUBJECT_MAX 512

/* Mapping of JetStream's error codes. */
static const struct {
	int64_t code;
	enum rc rc;
} known_errors[] = {
	{ 10014, RC_NOT_FOUND },      /* consumer not found */
	{ 10037, RC_NOT_FOUND },      /* no message found */
	{ 10059, RC_NOT_FOUND },      /* stream not found */
	{ 10058, RC_ALREADY_EXISTS }, /* stream name already in use with a different configuration */
	{ 10071, RC_CONFLICT },       /* wrong last sequence */
	{ 10164, RC_BUSY },           /* wrong last sequence or a change pending in the cluster */
	{ 10039, RC_UNSUPPORTED },    /* JetStream not enabled for account */
	{ 10076, RC_UNSUPPORTED },    /* JetStream not enabled */
};

/*
 * One server failed to store a message of its cluster; others may have stored it, and then it catches up. Only a
 * reached limit ("maximum bytes exceeded") applies to all. Source: server/stream.go, errors_store.go.
 */
#define STORE_FAILED 10077
#define LIMIT_REACHED "maximum "

/* The member "error" of a reply. */
static enum rc check_error(const cJSON *answer, const char *what, struct error *err)
{
	const cJSON *error = json_get(answer, "error");
	int64_t code = json_int_at(error, "err_code", 0);
	const char *text = json_string_at(error, "description");
	enum rc rc = RC_UNAVAILABLE;

	if (!error)
		return RC_OK;
	for (size_t i = 0; i < ARRAY_LEN(known_errors); i++)
		if (known_errors[i].code == code)
			rc = known_errors[i].rc;
	return error_set(err, rc, "%s: JetStream says: %s (%" PRId64 ")", what, text ? text : "an error", code);
}

enum rc bus_stream_ask(struct bus_caller *caller, const char *what, const char *body, cJSON **ret_answer,
		       struct error *err)
{
	struct bus_message *reply cleanup_bus_message = NULL;
	cleanup_json cJSON *answer = NULL;
	char subject[SUBJECT_MAX];
	struct bus_outgoing out = { .subject = subject, .data = body, .len = body ? strlen(body) : 0 };
	const char *data;
	size_t len;
	enum rc rc;

	snprintf(subject, sizeof(subject), API_PREFIX "%s", what);
	rc = bus_call(caller, &out, API_TIMEOUT_MS, &reply, err);
	if (rc == RC_NOT_FOUND)
		return error_set(err, RC_UNSUPPORTED, "NATS has no JetStream");
	if (rc)
		return rc;
	data = bus_message_data(reply, &len);
	rc = json_parse(data, len, &answer, err);
	if (rc)
		return error_wrap(err, RC_UNAVAILABLE, "%s: invalid reply", what);
	rc = check_error(answer, what, err);
	if (rc)
		return rc;
	if (ret_answer)
		*ret_answer = TAKE(answer);
	return RC_OK;
}

enum rc bus_stream_listens(struct bus_caller *caller, const char *subject, bool *ret_found, struct error *err)
{
	cleanup_json cJSON *answer = NULL;
	char body[SUBJECT_MAX];
	enum rc rc;

	snprintf(body, sizeof(body), "{\"subject\":\"%s\"}", subject);
	rc = bus_stream_ask(caller, "STREAM.NAMES", body, &answer, err);
	if (!rc)
		*ret_found = cJSON_GetArraySize(json_get(answer, "streams")) > 0;
	return rc;
}

static bool is_stored_elsewhere_perhaps(const cJSON *error)
{
	const char *text = json_string_at(error, "description");

	return json_int_at(error, "err_code", 0) == STORE_FAILED && !(text && str_has_prefix(text, LIMIT_REACHED));
}

enum rc bus_stream_read_ack(struct bus_message *reply, uint64_t *ret_sequence, struct error *err)
{
	cleanup_json cJSON *answer = NULL;
	size_t len;
	const char *data = bus_message_data(reply, &len);
	int64_t sequence;
	enum rc rc;

	if (bus_message_is_no_responders(reply))
		return error_set(err, RC_NOT_FOUND, "no responders");
	rc = json_parse(data, len, &answer, err);
	if (rc)
		return error_wrap(err, RC_UNAVAILABLE, "invalid acknowledgement");
	rc = check_error(answer, "publish", err);
	if (rc && is_stored_elsewhere_perhaps(json_get(answer, "error")))
		return error_wrap(err, RC_TIMEOUT, "it is unknown whether it was stored");
	if (rc)
		return rc;
	sequence = json_int_at(answer, "seq", 0);
	if (sequence <= 0 || !json_string_at(answer, "stream"))
		return error_set(err, RC_UNAVAILABLE, "the reply is not a stream acknowledgement");
	if (ret_sequence)
		*ret_sequence = (uint64_t)sequence;
	return RC_OK;
}
