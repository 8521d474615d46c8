#include "kube-worker/agent_requests.h"

#include <inttypes.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/bus/bus_stream.h"

#define REQUESTS_STREAM "dcm-agent-requests"
#define SEARCH_MAX_MS 3000
#define MESSAGE_MAX (2u * 1024 * 1024)
#define PLACE_MAX 256

/* One of the two subjects of requests. */
struct place {
	char stream[PLACE_MAX];
	char subject[PLACE_MAX];
};

enum rc agent_requests_read(const char *base64, const char *key, char ret_id[PROTOCOL_ID_MAX + 1], struct error *err)
{
	struct buf text cleanup_buf = buf_make(MESSAGE_MAX);
	cleanup_json cJSON *event = NULL;
	const char *id;

	if (!base64 || !crypto_base64_decode(CRYPTO_BASE64_STANDARD, base64, strlen(base64), &text) || text.failed ||
	    json_parse(text.data, text.len, &event, NULL) || !str_equal(json_string_at(event, "id"), key))
		return RC_NOT_FOUND; /* ignore unknown messages */
	id = json_string_at(event, "data.resource_id");
	if (!id || !protocol_is_id(id))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "the resource_id of the agent's request is not an id of 1 to 63 lower-case letters, "
				 "digits or '-'");
	snprintf(ret_id, PROTOCOL_ID_MAX + 1, "%s", id);
	return RC_OK;
}

/* The first message at or after a sequence. */
static enum rc next_message(struct bus_caller *caller, const struct place *place, int64_t sequence, cJSON **ret_answer,
			    struct error *err)
{
	char what[PLACE_MAX + 32];
	char body[PLACE_MAX + 64];

	snprintf(what, sizeof(what), "STREAM.MSG.GET.%.255s", place->stream);
	snprintf(body, sizeof(body), "{\"seq\":%" PRId64 ",\"next_by_subj\":\"%.255s\"}", sequence, place->subject);
	return bus_stream_ask(caller, what, body, ret_answer, err);
}

/* RC_NOT_FOUND: no such request, or no such stream. */
static enum rc search(struct bus_caller *caller, const struct place *place, const char *key, int64_t end_ms,
		      char ret_id[PROTOCOL_ID_MAX + 1], struct error *err)
{
	int64_t sequence = 0;
	int64_t before;
	enum rc rc = RC_NOT_FOUND;

	while (rc == RC_NOT_FOUND) {
		cleanup_json cJSON *answer = NULL;

		if (clock_mono_ms() >= end_ms)
			return error_set(err, RC_UNAVAILABLE, "timeout searching the requests of the agent");
		rc = next_message(caller, place, sequence + 1, &answer, err);
		if (rc == RC_NOT_FOUND)
			return rc;
		if (rc)
			return error_set(err, RC_UNAVAILABLE, "the requests of the agent cannot be read");
		before = sequence;
		sequence = json_int_at(answer, "message.seq", 0);
		if (sequence <= before)
			return error_set(err, RC_UNAVAILABLE, "JetStream returns messages without sequences");
		rc = agent_requests_read(json_string_at(answer, "message.data"), key, ret_id, err);
	}
	return rc;
}

enum rc agent_requests_find(struct bus_caller *caller, const char *agent, const char *key, int64_t deadline_ms,
			    char ret_id[PROTOCOL_ID_MAX + 1], struct error *err)
{
	struct place places[2] = { { .stream = REQUESTS_STREAM }, { .subject = ">" } };
	int64_t end_ms = clock_mono_ms() + SEARCH_MAX_MS;
	enum rc rc = RC_NOT_FOUND;

	snprintf(places[0].subject, PLACE_MAX, "dcm.agent.%.*s", PROTOCOL_AGENT_NAME_MAX, agent);
	snprintf(places[1].stream, PLACE_MAX, "%.*s-retry", PROTOCOL_AGENT_NAME_MAX, agent);
	for (size_t i = 0; i < ARRAY_LEN(places) && rc == RC_NOT_FOUND; i++)
		rc = search(caller, &places[i], key, end_ms < deadline_ms ? end_ms : deadline_ms, ret_id, err);
	return rc;
}
