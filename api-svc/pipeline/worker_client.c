#include "api-svc/pipeline/worker_client.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/bus/bus_bucket.h"
#include "common/container/bucket_name.h"
#include "common/services/log.h"

#define REPLY_SUBJECT_MAX (BUS_INBOX_MAX + 48) /* bytes with the NUL */
#define DRAIN_MS 1000                          /* for running handlers at stop */

struct worker_client {
	char subjects[OPERATION_COUNT][PROTOCOL_SUBJECT_MAX];
	char health[PROTOCOL_SUBJECT_MAX]; /* the broadcast subject */
	char bucket[BUS_BUCKET_MAX];       /* with the debt records */
	char inbox[BUS_INBOX_MAX];
	_Atomic(struct bus *) bus; /* NULL: not connected yet, or stopped */
	struct bus_subscription *subscription;
	pthread_t timer;
	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t wake;
	struct worker_calls calls;
	int64_t planned_wake_ms; /* the next scheduled wake-up of the timer */
	bool closed;             /* only undo is still accepted */
	bool stopping;
};

/* Unlock; wake the timer if something is due earlier than planned. */
static void unlock(struct worker_client *client)
{
	if (client->calls.next_due_ms < client->planned_wake_ms)
		pthread_cond_signal(&client->wake);
	pthread_mutex_unlock(&client->lock);
}

/* ---- sending ---- */

/* The reply subject of an attempt: "<inbox>.<call>-<attempt>", both hexadecimal. */
static void write_reply_subject(const struct worker_client *client, const struct worker_attempt *a,
				char out[REPLY_SUBJECT_MAX])
{
	snprintf(out, REPLY_SUBJECT_MAX, "%s.%" PRIx64 "-%x", client->inbox, a->call, a->number);
}

/* There is no inbox before. */
static enum rc check_connected(struct worker_client *client, struct error *err)
{
	return atomic_load(&client->bus) ? RC_OK : error_set(err, RC_UNAVAILABLE, "NATS is not connected yet");
}

static enum rc send(struct worker_client *client, const struct bus_outgoing *out, struct error *err)
{
	struct bus *bus = atomic_load(&client->bus);
	enum rc rc = check_connected(client, err);

	if (rc)
		return rc;
	rc = bus_publish(bus, out, err);
	if (rc == RC_TOO_LARGE)
		error_set(err, rc, "the request exceeds the NATS limit of %zu bytes", bus_max_payload(bus));
	return rc;
}

static enum rc publish(struct worker_client *client, const struct worker_package *p, const struct worker_attempt *a,
		       struct error *err)
{
	bool of_all = p->operation == OPERATION_HEALTH && a->number == 1;
	char reply[REPLY_SUBJECT_MAX];
	char number[16];
	char wait[24];
	struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, p->version },
		{ PROTOCOL_HEADER_DEADLINE, p->deadline },
		{ PROTOCOL_HEADER_REQUEST, p->request_id },
		{ PROTOCOL_HEADER_ATTEMPT, number },
		{ PROTOCOL_HEADER_WAIT, wait },
		{ PROTOCOL_HEADER_PERMISSION, PROTOCOL_PERMISSION_ASK },
		{ PROTOCOL_HEADER_TRACEPARENT, p->traceparent },
	};
	struct bus_outgoing out = {
		.subject = of_all ? client->health : client->subjects[p->operation],
		.reply = reply,
		.headers = headers,
		.header_count = ARRAY_LEN(headers) - (p->traceparent[0] ? 0 : 1),
		.data = p->body,
		.len = p->len,
	};

	if (check_connected(client, err))
		return RC_UNAVAILABLE;
	snprintf(number, sizeof(number), "%u", a->shown);
	snprintf(wait, sizeof(wait), "%" PRId64, a->wait_ms);
	write_reply_subject(client, a, reply);
	return send(client, &out, err);
}

/* Store the record, or request a worker to clear the mark. Failures are retried. */
static void publish_settlement(struct worker_client *client, const struct worker_package *p,
			       const struct worker_attempt *a, const struct worker_debt *debt)
{
	char subject[BUS_BUCKET_SUBJECT_MAX];
	char reply[REPLY_SUBJECT_MAX];
	char sequence[24];
	struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_DEADLINE, p->deadline },
		{ PROTOCOL_HEADER_REQUEST, p->request_id },
		{ BUS_STREAM_EXPECTED_SEQUENCE, sequence },
		{ BUS_STREAM_MESSAGE_ID, reply }, /* the same for each attempt: stored once */
	};
	struct bus_outgoing out = {
		.subject = debt->object ? client->subjects[OPERATION_SETTLE] : subject,
		.reply = reply,
		.headers = headers,
		.header_count = ARRAY_LEN(headers) - (debt->object ? 2 : 0),
		.data = debt->value,
		.len = strlen(debt->value),
	};
	struct error err;

	bus_bucket_subject(client->bucket, debt->key, subject);
	snprintf(sequence, sizeof(sequence), "%" PRIu64, debt->sequence);
	write_reply_subject(client, a, reply);
	if (send(client, &out, &err))
		log_debug("a create cannot be settled yet", log_err(&err), log_str("request_id", p->request_id));
}

static void on_publish_failed(struct worker_client *client, const struct worker_attempt *a, const struct error *err)
{
	struct worker_finished finished = { .done = NULL };

	pthread_mutex_lock(&client->lock);
	if (err->rc == RC_UNAVAILABLE)
		worker_calls_refused(&client->calls, a, "NATS is not reachable", clock_mono_ms(), &finished);
	else
		worker_calls_failed(&client->calls, a, err, &finished);
	unlock(client);
	worker_finished_tell(&finished);
}

/* The call is updated first: the reply may arrive before bus_publish() returns. Without the lock. */
static void send_call(struct worker_client *client, struct worker_attempt *a)
{
	struct worker_package *package;
	struct error err;

	pthread_mutex_lock(&client->lock);
	package = worker_calls_begin(&client->calls, a, clock_mono_ms());
	unlock(client);
	if (!package)
		return;
	if (publish(client, package, a, &err))
		on_publish_failed(client, a, &err);
	worker_package_unref(package);
}

/* If its reply was received and has a debt. Without the lock. */
static void settle_call(struct worker_client *client, struct worker_attempt *a)
{
	struct worker_debt *debt = NULL;
	struct worker_package *package;

	pthread_mutex_lock(&client->lock);
	package = worker_calls_begin_settling(&client->calls, a, clock_mono_ms(), &debt);
	unlock(client);
	if (!package)
		return;
	publish_settlement(client, package, a, debt);
	worker_debt_unref(debt);
	worker_package_unref(package);
}

/* Reply to a worker's request about an attempt. The worker repeats it if the reply is lost. */
static void reply_to_worker(struct worker_client *client, struct bus_message *question, const char *status)
{
	const struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_STATUS, status },
	};
	const struct bus_outgoing out = {
		.subject = bus_message_reply(question),
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
	};
	struct error err;

	if (out.subject && bus_is_inbox(out.subject) && send(client, &out, &err))
		log_debug("cannot reply to a worker's request", log_err(&err));
}

void worker_client_release(struct worker_client *client, const struct worker_debt *debt)
{
	char text[DEBT_KEY_MAX + 24];
	const struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_STATUS, PROTOCOL_STATUS_SETTLED },
		{ PROTOCOL_HEADER_DEBT, text },
	};
	const struct bus_outgoing out = {
		.subject = debt->notice,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
	};
	struct error err;

	if (debt->object || !debt->notice[0])
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " %s", debt->sequence, debt->key);
	if (send(client, &out, &err))
		log_debug("leaving a settled record to the sweeper", log_err(&err));
}

/* ---- receiving ---- */

static bool read_attempt(const struct worker_client *client, const char *subject, struct worker_attempt *ret_attempt)
{
	size_t len = strlen(client->inbox);
	char again[REPLY_SUBJECT_MAX];

	if (strncmp(subject, client->inbox, len) != 0 ||
	    sscanf(subject + len, ".%16" SCNx64 "-%8x", &ret_attempt->call, &ret_attempt->number) != 2)
		return false;
	write_reply_subject(client, ret_attempt, again); /* sscanf() accepts more than our format */
	return strcmp(again, subject) == 0;
}

/* The result of settling: a stream acknowledgement, or a worker's reply. */
static enum rc read_settlement(struct bus_message *msg, uint64_t *ret_sequence)
{
	const char *status = bus_message_header(msg, PROTOCOL_HEADER_STATUS);

	*ret_sequence = 0;
	return status ? rc_from_name(status) : bus_stream_read_ack(msg, ret_sequence, NULL);
}

/* With the lock. Returns the status to reply to the worker; NULL: no reply. */
static const char *handle_message(struct worker_client *client, struct worker_attempt *a, struct bus_message *bus_msg,
				  struct worker_finished *finished)
{
	struct worker_message msg = {
		.attempt = a->number,
		.status = bus_message_header(bus_msg, PROTOCOL_HEADER_STATUS),
		.part = bus_message_header(bus_msg, PROTOCOL_HEADER_PART),
		.wait = bus_message_header(bus_msg, PROTOCOL_HEADER_WAIT),
		.etag = bus_message_header(bus_msg, PROTOCOL_HEADER_ETAG),
		.debt = bus_message_header(bus_msg, PROTOCOL_HEADER_DEBT),
		.settle = bus_message_header(bus_msg, PROTOCOL_HEADER_SETTLE),
		.notice = bus_message_reply(bus_msg),
		.stream = bus_message_header(bus_msg, PROTOCOL_HEADER_STREAM),
	};
	int64_t now_ms = clock_mono_ms();
	uint64_t sequence;
	enum rc rc;

	msg.data = bus_message_data(bus_msg, &msg.len);
	if (str_equal(msg.status, PROTOCOL_STATUS_PERMISSION))
		return worker_calls_permission(&client->calls, a, now_ms);
	if (str_equal(msg.status, PROTOCOL_STATUS_PROBE))
		return worker_calls_probe(&client->calls, a, &msg, now_ms, finished);
	if (a->number == 0) {
		rc = read_settlement(bus_msg, &sequence);
		worker_calls_settled(&client->calls, a, rc, sequence, now_ms, finished);
	} else if (bus_message_is_no_responders(bus_msg)) {
		worker_calls_refused(&client->calls, a, "no worker is running", now_ms, finished);
	} else {
		worker_calls_message(&client->calls, a, &msg, now_ms, finished);
	}
	return NULL;
}

static void on_message(void *ctx, struct bus_message *bus_msg)
{
	struct worker_client *client = ctx;
	struct worker_finished finished = { .done = NULL };
	struct worker_attempt a = { 0 };
	const char *word;

	if (read_attempt(client, bus_message_subject(bus_msg), &a)) {
		pthread_mutex_lock(&client->lock);
		word = handle_message(client, &a, bus_msg, &finished);
		unlock(client);
		if (word)
			reply_to_worker(client, bus_msg, word);
		else if (!finished.done)
			settle_call(client, &a);
	}
	worker_finished_tell(&finished);
	bus_message_destroy(bus_msg);
}

/* ---- all calls --------------------------------------------------------------------------------------------------- */

enum sweep {
	SWEEP_LOST,
	SWEEP_CANCEL,
	SWEEP_CANCEL_ALL,
	SWEEP_HURRY,
};

/* One call after the other; done() is called without the lock. */
static void sweep_calls(struct worker_client *client, enum sweep what)
{
	bool more = true;

	for (uint32_t i = 0; more; i++) {
		struct worker_finished finished = { .done = NULL };

		pthread_mutex_lock(&client->lock);
		more = i < client->calls.slots.capacity;
		if (more && what == SWEEP_LOST)
			worker_calls_lost(&client->calls, i, clock_mono_ms(), &finished);
		else if (more && what == SWEEP_HURRY)
			worker_calls_hurry(&client->calls, i, clock_mono_ms());
		else if (more)
			worker_calls_cancel(&client->calls, i, what == SWEEP_CANCEL_ALL, &finished);
		unlock(client);
		worker_finished_tell(&finished);
	}
}

bool worker_client_is_connected(struct worker_client *client)
{
	struct bus *bus = atomic_load(&client->bus);

	return bus && bus_connected(bus);
}

void worker_client_on_lost(struct worker_client *client)
{
	sweep_calls(client, SWEEP_LOST);
}

void worker_client_cancel(struct worker_client *client, bool undo_too)
{
	pthread_mutex_lock(&client->lock);
	client->closed = true;
	unlock(client);
	sweep_calls(client, undo_too ? SWEEP_CANCEL_ALL : SWEEP_CANCEL);
}

void worker_client_hurry(struct worker_client *client)
{
	sweep_calls(client, SWEEP_HURRY);
}

/* ---- the timer ---- */

/* Check every call once. The lock is held at the beginning and the end, and released in between. */
static void run_timers(struct worker_client *client)
{
	int64_t now = clock_mono_ms();

	client->calls.next_due_ms = INT64_MAX;
	for (uint32_t i = 0; i < client->calls.slots.capacity; i++) {
		struct worker_finished finished = { .done = NULL };
		struct worker_attempt attempt;
		bool send = worker_calls_due(&client->calls, i, now, &attempt, &finished);

		if (send || finished.done) {
			pthread_mutex_unlock(&client->lock);
			if (send) { /* depending on its state */
				settle_call(client, &attempt);
				send_call(client, &attempt);
			}
			worker_finished_tell(&finished);
			pthread_mutex_lock(&client->lock);
		}
		worker_calls_plan(&client->calls, i);
	}
}

static void wait_for_timers(struct worker_client *client)
{
	client->planned_wake_ms = client->calls.next_due_ms;
	(void)thread_wait(&client->wake, &client->lock, client->planned_wake_ms); /* check again in any case */
}

static void *run_timer(void *arg)
{
	struct worker_client *client = arg;

	pthread_mutex_lock(&client->lock);
	while (!client->stopping) {
		if (clock_mono_ms() >= client->calls.next_due_ms)
			run_timers(client);
		else
			wait_for_timers(client);
	}
	pthread_mutex_unlock(&client->lock);
	return NULL;
}

/* ---- public functions- */

static void init_lock(struct worker_client *client)
{
	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->wake, NULL);
}

static void free_client(struct worker_client *client)
{
	worker_calls_clear(&client->calls);
	pthread_cond_destroy(&client->wake);
	pthread_mutex_destroy(&client->lock);
	free(client);
}

enum rc worker_client_create(const char *name, int64_t worker_wait_ms, struct worker_client **ret_client,
			     struct error *err)
{
	struct worker_client *client = calloc(1, sizeof(*client));
	enum rc rc;

	if (!client)
		return error_no_memory(err);
	for (int op = 0; op < OPERATION_COUNT; op++)
		protocol_operation_subject(name, operation_name((enum operation)op), client->subjects[op]);
	protocol_health_subject(name, client->health);
	bucket_name_write(name, client->bucket);
	worker_calls_init(&client->calls, worker_wait_ms);
	init_lock(client);
	rc = thread_start(run_timer, client, &client->timer, err);
	if (rc) {
		free_client(client);
		return rc;
	}
	*ret_client = client;
	return RC_OK;
}

enum rc worker_client_connect(struct worker_client *client, struct bus *bus, struct error *err)
{
	char subject[BUS_INBOX_MAX + 2];
	enum rc rc = bus_new_inbox(bus, client->inbox, err);

	if (rc)
		return rc;
	snprintf(subject, sizeof(subject), "%s.*", client->inbox);
	rc = bus_subscribe(bus, subject, NULL, on_message, client, &client->subscription, err);
	if (!rc)
		atomic_store(&client->bus, bus);
	return rc;
}

enum rc worker_client_ask(struct worker_client *client, const struct worker_ask *ask, struct error *err)
{
	struct worker_package *package = worker_package_make(ask, clock_wall_ms());
	struct worker_attempt attempt;
	bool added = false;
	bool closed;

	if (!package)
		return error_no_memory(err);
	pthread_mutex_lock(&client->lock);
	closed = client->closed && ask->operation != OPERATION_UNDO;
	if (!closed)
		added = worker_calls_add(&client->calls, ask, package, clock_mono_ms(), &attempt);
	unlock(client);
	if (!added)
		worker_package_unref(package);
	if (closed)
		return error_set(err, RC_UNAVAILABLE, "the service is stopping");
	if (!added)
		return error_no_memory(err);
	if (!ask->delay_ms)
		send_call(client, &attempt);
	return RC_OK;
}

size_t worker_client_open(struct worker_client *client, enum operation operation)
{
	size_t count;

	pthread_mutex_lock(&client->lock);
	count = client->calls.open[operation];
	pthread_mutex_unlock(&client->lock);
	return count;
}

void worker_client_stop(struct worker_client *client)
{
	bool was_stopping;

	pthread_mutex_lock(&client->lock);
	was_stopping = client->stopping;
	client->stopping = true;
	pthread_cond_signal(&client->wake);
	pthread_mutex_unlock(&client->lock);
	if (was_stopping)
		return;
	pthread_join(client->timer, NULL);
	if (atomic_exchange(&client->bus, NULL))
		bus_subscription_drain(client->subscription, DRAIN_MS);
}

void worker_client_destroy(struct worker_client *client)
{
	if (!client)
		return;
	worker_client_stop(client);
	free_client(client);
}
