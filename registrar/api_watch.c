#include "registrar/api_watch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/protocol.h"
#include "common/services/json.h"

#define SUBJECT_MAX (BUS_INBOX_MAX + 32)

/* The state of each of the two requests. */
enum heard {
	HEARD_NOTHING,
	HEARD_NO_RESPONDERS,
	HEARD_NO,
	HEARD_YES,
};

struct api_watch {
	struct bus *bus;
	char *name;
	char health_subject[PROTOCOL_SUBJECT_MAX];
	char inbox[BUS_INBOX_MAX];
	pthread_mutex_t lock; /* protects all below */
	pthread_cond_t heard; /* uses the monotonic clock */
	uint64_t check;       /* number of the current check; replies to others are late */
	enum heard ping;
	enum heard health;
	bool stopped;
};

const char *api_watch_answer_text(enum api_watch_answer answer)
{
	static const char *const texts[] = {
		[API_WATCH_ANSWERS] = "an api-svc and a kube-worker respond",
		[API_WATCH_NO_NATS] = "NATS is not connected",
		[API_WATCH_SILENT] = "no api-svc of this provider responds",
		[API_WATCH_NO_WORKER] = "no kube-worker of this provider responds",
		[API_WATCH_UNHEALTHY] = "a kube-worker reports that Kubernetes does not respond",
		[API_WATCH_STOPPED] = "stopping",
	};

	return texts[answer];
}

bool api_watch_is_ours(const char *json, size_t len, const char *name)
{
	cleanup_json cJSON *tree = NULL;

	return json && json_parse(json, len, &tree, NULL) == RC_OK &&
	       str_equal(json_string_at(tree, "name"), PROTOCOL_API_SERVICE) &&
	       str_equal(json_string_at(tree, "metadata." PROTOCOL_METADATA_PROVIDER), name);
}

static enum heard read_ping(const struct api_watch *watch, struct bus_message *msg)
{
	size_t len;
	const char *data = bus_message_data(msg, &len);

	if (bus_message_is_no_responders(msg))
		return HEARD_NO_RESPONDERS;
	/* Replies of other providers' api-svc are ignored. */
	return api_watch_is_ours(data, len, watch->name) ? HEARD_YES : HEARD_NOTHING;
}

static enum heard read_health(struct bus_message *msg)
{
	cleanup_json cJSON *tree = NULL;
	const char *status = bus_message_header(msg, PROTOCOL_HEADER_STATUS);
	size_t len;
	const char *data = bus_message_data(msg, &len);

	if (bus_message_is_no_responders(msg))
		return HEARD_NO_RESPONDERS;
	if (str_equal(status, PROTOCOL_STATUS_WORKING))
		return HEARD_NOTHING;
	return str_equal(status, rc_name(RC_OK)) && data && json_parse(data, len, &tree, NULL) == RC_OK &&
			       json_true_at(tree, "healthy")
		       ? HEARD_YES
		       : HEARD_NO;
}

/* Subjects are "<inbox>.ping-<check>" and "<inbox>.health-<check>". On a thread of cnats. */
static void on_message(void *ctx, struct bus_message *bus_msg)
{
	struct bus_message *msg cleanup_bus_message = bus_msg;
	struct api_watch *watch = ctx;
	const char *last = strrchr(bus_message_subject(msg), '.') + 1;
	const char *number = strrchr(last, '-');
	bool is_ping = str_has_prefix(last, "ping-");
	enum heard heard = is_ping ? read_ping(watch, msg) : read_health(msg);
	enum heard *place = is_ping ? &watch->ping : &watch->health;

	if (!number || heard == HEARD_NOTHING)
		return;
	pthread_mutex_lock(&watch->lock);
	if (strtoull(number + 1, NULL, 10) == watch->check && *place == HEARD_NOTHING) {
		*place = heard;
		pthread_cond_signal(&watch->heard);
	}
	pthread_mutex_unlock(&watch->lock);
}

enum rc api_watch_create(struct bus *bus, const char *name, struct api_watch **ret_watch, struct error *err)
{
	struct api_watch *watch = calloc(1, sizeof(*watch));
	char subject[SUBJECT_MAX];
	enum rc rc;

	if (!watch)
		return error_no_memory(err);
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->heard, NULL);
	watch->bus = bus;
	watch->name = str_dup(name);
	protocol_operation_subject(name, operation_name(OPERATION_HEALTH), watch->health_subject);
	*ret_watch = watch; /* also after a failure: a subscription refers to it until bus_destroy() */
	if (!watch->name)
		return error_no_memory(err);
	rc = bus_new_inbox(bus, watch->inbox, err);
	snprintf(subject, sizeof(subject), "%s.*", watch->inbox);
	return rc ? rc : bus_subscribe(bus, subject, NULL, on_message, watch, NULL, err);
}

void api_watch_destroy(struct api_watch *watch)
{
	if (!watch)
		return;
	pthread_cond_destroy(&watch->heard);
	pthread_mutex_destroy(&watch->lock);
	free(watch->name);
	free(watch);
}

void api_watch_stop(struct api_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->stopped = true;
	pthread_cond_signal(&watch->heard);
	pthread_mutex_unlock(&watch->lock);
}

static enum rc send_ping(struct api_watch *watch, uint64_t check, struct error *err)
{
	char reply[SUBJECT_MAX];
	struct bus_outgoing out = { .subject = "$SRV.PING." PROTOCOL_API_SERVICE, .reply = reply };

	snprintf(reply, sizeof(reply), "%s.ping-%" PRIu64, watch->inbox, check);
	return bus_publish(watch->bus, &out, err);
}

static enum rc send_health(struct api_watch *watch, uint64_t check, struct error *err)
{
	char reply[SUBJECT_MAX];
	char deadline[24];
	char request[48];
	struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_DEADLINE, deadline },
		{ PROTOCOL_HEADER_REQUEST, request },
		{ PROTOCOL_HEADER_ATTEMPT, "1" },
	};
	struct bus_outgoing out = {
		.subject = watch->health_subject,
		.reply = reply,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.data = "{}",
		.len = 2,
	};

	snprintf(reply, sizeof(reply), "%s.health-%" PRIu64, watch->inbox, check);
	snprintf(deadline, sizeof(deadline), "%" PRId64, clock_wall_ms() + API_WATCH_TIMEOUT_MS);
	snprintf(request, sizeof(request), "registrar-%" PRIu64, check);
	return bus_publish(watch->bus, &out, err);
}

static bool is_open(const struct api_watch *watch)
{
	bool may_be_well = (watch->ping == HEARD_NOTHING || watch->ping == HEARD_YES) &&
			   (watch->health == HEARD_NOTHING || watch->health == HEARD_YES);

	return !watch->stopped && may_be_well && (watch->ping == HEARD_NOTHING || watch->health == HEARD_NOTHING);
}

static enum api_watch_answer sum_up(const struct api_watch *watch)
{
	if (watch->stopped)
		return API_WATCH_STOPPED;
	if (watch->ping == HEARD_YES && watch->health == HEARD_YES)
		return API_WATCH_ANSWERS;
	if (watch->health == HEARD_NO)
		return API_WATCH_UNHEALTHY;
	return watch->ping == HEARD_NO_RESPONDERS ||
			       (watch->ping == HEARD_NOTHING && watch->health != HEARD_NO_RESPONDERS)
		       ? API_WATCH_SILENT
		       : API_WATCH_NO_WORKER;
}

static uint64_t begin_check(struct api_watch *watch)
{
	uint64_t check;

	pthread_mutex_lock(&watch->lock);
	check = ++watch->check;
	watch->ping = HEARD_NOTHING;
	watch->health = HEARD_NOTHING;
	pthread_mutex_unlock(&watch->lock);
	return check;
}

enum api_watch_answer api_watch_ask(struct api_watch *watch)
{
	int64_t until_ms = clock_mono_ms() + API_WATCH_TIMEOUT_MS;
	uint64_t check = begin_check(watch);
	enum api_watch_answer answer;

	if (send_ping(watch, check, NULL) || send_health(watch, check, NULL))
		return API_WATCH_NO_NATS;
	pthread_mutex_lock(&watch->lock);
	while (is_open(watch) && thread_wait(&watch->heard, &watch->lock, until_ms))
		;
	answer = sum_up(watch);
	pthread_mutex_unlock(&watch->lock);
	return answer;
}
