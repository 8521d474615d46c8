#include "kube-worker/dispatcher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/footprint.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/bus/bus_inbox.h"
#include "common/services/log.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/operation/job_queue.h"
#include "kube-worker/operation/op.h"
#include "kube-worker/operation/reply.h"
#include "kube-worker/streams/streams.h"

#define QUEUE_PER_THREAD 32   /* queued requests per thread; more are rejected as busy */
#define DRAIN_TIMEOUT_MS 2000 /* for the server to confirm the end of the subscription */
#define FLUSH_TIMEOUT_MS 2000
#define LATE_TURN_MS 50 /* interval of checks for requests that cannot start in time */
#define LATE_AT_ONCE 64
#define USUAL_WEIGHT 16
#define CALLERS_MAX (4u * 1024 * 1024) /* bytes of the callers' subjects; sufficient for a full queue */

/*
 * A thread of the pool. One of them is the leader: it takes the next request, makes another thread the leader, and
 * executes the request itself, which avoids a thread switch. Idle threads form a stack: the last active one, whose
 * connection is warm, becomes leader next.
 */
struct pool_thread {
	struct dispatcher *dispatcher;
	pthread_t thread;
	pthread_cond_t wake; /* it becomes leader, has a job from the queue, or stopping */
	bool leads;
	struct job job; /* msg NULL: none */
	struct pool_thread *next_idle;
};

struct dispatcher {
	const struct op_env *env;
	struct bus *bus;
	struct kube_auth *auth;
	struct kube_health *health;
	struct sweeper *sweeper;
	struct streams *streams; /* not in the pool */
	struct bus_subscription *subscription;
	struct bus_inbox *notices; /* for notices of settled creates */
	atomic_uint_fast64_t last_notice;
	struct pool_thread *threads; /* one more than concurrent operations: one always receives */
	size_t thread_count;         /* running */
	pthread_t signs_thread;
	bool signs_started;

	pthread_mutex_t lock; /* protects all below, and the threads' jobs */
	pthread_cond_t idle_changed;
	pthread_cond_t signs_wake; /* stopping, or the first request is queued */
	bool led;                  /* a thread is, or becomes, leader */
	bool deaf;                 /* the subscription has ended */
	bool idle;                 /* subscription ended, and no request is queued or running */
	struct pool_thread *idle_threads;
	struct job_queue queue; /* used when all threads are busy */
	size_t running;
	int64_t usual_ns; /* moving average of the duration of operations */
	bool worked;      /* active in this keepalive interval */
	bool untrimmed;   /* active since the heap was trimmed */
	bool stopping;
	struct operation_counts counts[OPERATION_COUNT];
};

/* ---- one request ------------------------------------------------------------------------------------------------- */

static const char *header_or(struct bus_message *msg, const char *name, const char *otherwise)
{
	const char *value = bus_message_header(msg, name);

	return value ? value : otherwise;
}

static enum rc read_headers(struct bus_message *msg, struct job *job, struct error *err)
{
	const struct request_header_texts texts = {
		.reply = bus_message_reply(msg),
		.deadline = bus_message_header(msg, PROTOCOL_HEADER_DEADLINE),
		.attempt = bus_message_header(msg, PROTOCOL_HEADER_ATTEMPT),
		.wait = bus_message_header(msg, PROTOCOL_HEADER_WAIT),
		.permission = bus_message_header(msg, PROTOCOL_HEADER_PERMISSION),
		.request_id = bus_message_header(msg, PROTOCOL_HEADER_REQUEST),
		.traceparent = bus_message_header(msg, PROTOCOL_HEADER_TRACEPARENT),
	};
	enum rc rc = request_check_headers(&texts, clock_wall_ms(), clock_mono_ms(), &job->headers, err);

	if (!rc)
		job->begin_by_ns = job->headers.wait_ms == INT64_MAX
					   ? INT64_MAX
					   : job->received_ns + job->headers.wait_ms * 1000000;
	return rc;
}

static bool is_fault(enum rc rc)
{
	return rc == RC_UNAVAILABLE || rc == RC_TIMEOUT || rc == RC_INTERNAL || rc == RC_NO_MEMORY ||
	       rc == RC_UNSUPPORTED;
}

static void count(struct dispatcher *d, const struct job *job, const struct error *err)
{
	struct operation_counts *counts = &d->counts[job->operation];
	int64_t took_ns = clock_mono_ns() - job->received_ns;

	worker_metrics_done(job->operation, err->rc, took_ns);
	pthread_mutex_lock(&d->lock);
	counts->requests++;
	counts->processing_ns += took_ns;
	if (is_fault(err->rc)) {
		counts->errors++;
		memcpy(counts->last_error, err->text, sizeof(counts->last_error));
	}
	pthread_mutex_unlock(&d->lock);
}

static void log_request(const struct job *job, const cJSON *request, const struct error *err)
{
	log_info("request", log_str("operation", operation_name(job->operation)),
		 log_str("id", json_string_at(request, "id")), log_str("code", rc_name(err->rc)),
		 log_str("error", err->rc ? err->text : NULL),
		 log_num("ms", (clock_mono_ns() - job->received_ns) / 1000000),
		 log_num("attempt", job->headers.attempt), log_str("request_id", job->headers.request_id),
		 log_str("traceparent", job->headers.traceparent));
}

/* A stream has ended, or was not opened. */
static void on_stream_ended(void *ctx, const struct job *job, const cJSON *request, const struct error *err)
{
	count(ctx, job, err);
	log_request(job, request, err);
}

/* A cancelled attempt receives no reply. The caller detects lost replies. */
static void answer(struct dispatcher *d, const struct job *job, const struct op_call *call, const struct buf *result,
		   const struct error *err)
{
	char notice[BUS_ADDRESS_MAX];
	const struct reply_extras extras = { call->etag, call->debt, call->settle, call->keep_record ? NULL : notice };
	struct error send_error = { .rc = RC_OK };
	enum rc rc = RC_OK;

	bus_inbox_address(d->notices, atomic_fetch_add(&d->last_notice, 1),
			  notice); /* separate inboxes: NATS permissions */
	if (err->rc == RC_OK)
		rc = reply_result(d->bus, job->msg, result, &extras, &send_error);
	else if (err->rc != RC_CANCELLED)
		rc = reply_error(d->bus, job->msg, err, &call->faults, &send_error);
	if (rc)
		log_warn("cannot send a reply", log_err(&send_error), log_str("request_id", call->request_id));
}

/* Notify the caller that the request is no longer queued. If lost, the next keepalive has the same effect. */
static void end_wait(struct dispatcher *d, const struct job *job)
{
	struct error err;

	if (clock_mono_ns() - job->received_ns >= PROTOCOL_WORKING_MS * 1000000LL &&
	    reply_working(d->bus, bus_message_reply(job->msg), false, &err))
		log_debug("cannot notify a caller that its request has started", log_err(&err));
}

static void carry_out(struct dispatcher *d, const struct job *job, struct kube_client *kube,
		      struct kube_client *kube_beside)
{
	struct op_call call = {
		.env = d->env,
		.kube = kube,
		.kube_beside = kube_beside,
		.deadline_ms = job->headers.deadline_ms,
		.attempt = job->headers.attempt,
		.caller = job->headers.caller,
		.request_id = job->headers.request_id,
		.faults = buf_make(OP_FAULTS_MAX),
	};
	struct buf result cleanup_buf = buf_make(PROTOCOL_REPLY_MAX);
	cleanup_json cJSON *request = NULL;
	struct error err = { 0 };
	enum rc rc = RC_OK;

	end_wait(d, job);
	if (clock_mono_ms() >= call.deadline_ms)
		rc = error_set(&err, RC_TIMEOUT, "the deadline expired before a worker could start");
	if (!rc)
		rc = op_read(job->operation, job->msg, &request, &err);
	if (!rc)
		rc = op_find(job->operation)->run(&call, request, &result, &err);
	err.rc = rc; /* a successful operation may have left the text of a handled error */
	answer(d, job, &call, &result, &err);
	count(d, job, &err);
	log_request(job, request, &err);
	buf_clear(&call.faults);
}

/*
 * ---- receiving requests --------------------------------------------------------------------------------------------
 */

static void refuse(struct dispatcher *d, struct bus_message *msg, const struct error *why)
{
	struct error err;

	if (reply_error(d->bus, msg, why, NULL, &err))
		log_warn("cannot send a reply", log_err(&err));
	bus_message_destroy(msg);
}

static void refuse_as_busy(struct dispatcher *d, struct bus_message *msg)
{
	struct error why;

	worker_metrics_refused();
	error_set(&why, RC_BUSY, "the worker is at its capacity");
	refuse(d, msg, &why);
}

/*
 * The last active thread becomes leader; without an idle thread (NULL), the next one that finishes. The lock is held;
 * wake the thread after unlocking.
 */
static struct pool_thread *give_lead(struct dispatcher *d)
{
	struct pool_thread *next = d->idle_threads;

	d->led = next != NULL;
	if (next) {
		d->idle_threads = next->next_idle;
		next->leads = true;
	}
	return next;
}

static void wake(struct pool_thread *thread)
{
	if (thread)
		pthread_cond_signal(&thread->wake);
}

/*
 * The leader has a request: it executes it and is no longer leader, or the request is queued and the leader continues,
 * or (false) the queue is full.
 */
static bool accept_in_pool(struct dispatcher *d, struct pool_thread *self, const struct job *job)
{
	struct pool_thread *next = NULL;
	bool room = true;

	pthread_mutex_lock(&d->lock);
	if (d->running < d->thread_count - 1) {
		self->job = *job;
		self->leads = false;
		d->running++;
		next = give_lead(d);
	} else {
		room = job_queue_push(&d->queue, job, d->usual_ns, d->thread_count - 1);
		if (room && d->queue.count == 1)
			pthread_cond_signal(&d->signs_wake);
	}
	pthread_mutex_unlock(&d->lock);
	wake(next);
	return room;
}

static bool accept_job(struct dispatcher *d, struct pool_thread *self, const struct job *job)
{
	if (op_find(job->operation)->open)
		return streams_take(d->streams, job);
	return accept_in_pool(d, self, job);
}

/* An api-svc has settled a create, and is sending the response. */
static void on_settle(struct dispatcher *d, struct bus_message *msg)
{
	const struct buf nothing = buf_make(1);
	struct error err;
	size_t len;
	const char *value = bus_message_data(msg, &len);

	if (sweeper_settle(d->sweeper, value ? value : "", len, &err)) {
		refuse(d, msg, &err);
		return;
	}
	if (reply_result(d->bus, msg, &nothing, NULL, &err))
		log_warn("cannot send a reply", log_err(&err));
	bus_message_destroy(msg);
}

/* The record of a settled create is no longer needed: "<sequence> <key>". */
static void on_notice(void *ctx, uint64_t ticket unused, struct bus_message *msg)
{
	struct dispatcher *d = ctx;
	char key[DEBT_KEY_MAX];
	uint64_t sequence;

	if (debt_read_reference(bus_message_header(msg, PROTOCOL_HEADER_DEBT), &sequence, key))
		ledger_forget(d->env->ledger, key, sequence);
	bus_message_destroy(msg);
}

/* A reply to another subject could be interpreted as an event or a JetStream request. */
static bool is_answerable(const struct bus_message *msg)
{
	const char *reply = bus_message_reply(msg);
	bool is_inbox = reply && bus_is_inbox(reply);

	if (!is_inbox)
		log_debug("dropping a request without an inbox as reply subject", log_str("reply", reply));
	return is_inbox;
}

static bool is_known_version(const char *version)
{
	static const char *const known[] = { PROTOCOL_VERSION, PROTOCOL_VERSION_NARROWED, PROTOCOL_VERSION_KINDS };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], version) == 0)
			return true;
	return false;
}

static void on_request(struct dispatcher *d, struct pool_thread *self, struct bus_message *msg)
{
	const char *name = protocol_subject_operation(bus_message_subject(msg));
	const char *version = header_or(msg, PROTOCOL_HEADER_VERSION, "none");
	struct job job = { .msg = msg, .operation = operation_from_name(name), .received_ns = clock_mono_ns() };
	struct error why = { 0 };

	if (!is_answerable(msg)) {
		bus_message_destroy(msg);
		return;
	}
	if (!is_known_version(version))
		error_set(&why, RC_UNSUPPORTED,
			  "protocol version '%.16s' is not supported by this worker, which supports %s", version,
			  PROTOCOL_VERSION);
	else if (job.operation == OPERATION_COUNT)
		error_set(&why, RC_UNSUPPORTED, "operation '%.32s' is not supported by this worker", name);
	else if (job.operation == OPERATION_HEALTH)
		kube_health_ask(d->health, d->bus, msg);
	else if (read_headers(msg, &job, &why))
		log_debug("request violates the protocol", log_err(&why));
	else if (job.operation == OPERATION_SETTLE)
		on_settle(d, msg);
	else if (!accept_job(d, self, &job))
		refuse_as_busy(d, msg);
	if (why.rc)
		refuse(d, msg, &why);
}

/* Health is requested from all workers, and bypasses the queue. */
static void on_health(void *ctx, struct bus_message *msg)
{
	struct dispatcher *d = ctx;

	if (is_answerable(msg))
		kube_health_ask(d->health, d->bus, msg);
	else
		bus_message_destroy(msg);
}

/* Receive until there is a request for this thread, or the subscription has ended. */
static void lead(struct dispatcher *d, struct pool_thread *self)
{
	struct bus_message *msg;
	struct error err;

	while (self->leads) {
		if (!bus_take(d->subscription, &msg, &err)) {
			on_request(d, self, msg);
			continue;
		}
		pthread_mutex_lock(&d->lock);
		self->leads = false;
		d->deaf = true;
		pthread_mutex_unlock(&d->lock);
	}
}

/* ---- the threads ------------------------------------------------------------------------------------------------- */

static void note_idle(struct dispatcher *d)
{
	d->idle = d->deaf && d->running == 0 && d->queue.count == 0;
	if (d->idle)
		pthread_cond_broadcast(&d->idle_changed);
}

/* Take a queued job, or become leader if there is none, or wait for either. The lock is held. */
static void next_part(struct dispatcher *d, struct pool_thread *self)
{
	if (d->queue.count > 0) {
		self->job = job_queue_pop(&d->queue);
		d->running++;
	} else if (d->subscription && !d->led) {
		d->led = true;
		self->leads = true;
	} else {
		self->next_idle = d->idle_threads;
		d->idle_threads = self;
		while (!self->leads && !d->stopping)
			pthread_cond_wait(&self->wake, &d->lock);
	}
}

/* Returns false if the dispatcher is stopping. */
static bool next_job(struct dispatcher *d, struct pool_thread *self)
{
	bool stopping = false;

	while (!self->job.msg && !stopping) {
		pthread_mutex_lock(&d->lock);
		note_idle(d);
		next_part(d, self);
		stopping = d->stopping;
		pthread_mutex_unlock(&d->lock);
		lead(d, self);
	}
	return self->job.msg != NULL;
}

static void job_done(struct dispatcher *d, struct pool_thread *self, int64_t took_ns)
{
	struct bus_message *msg = self->job.msg;

	pthread_mutex_lock(&d->lock);
	d->usual_ns += (took_ns - d->usual_ns) / USUAL_WEIGHT;
	self->job.msg = NULL;
	d->running--;
	d->worked = true;
	pthread_mutex_unlock(&d->lock);
	bus_message_destroy(msg);
}

static void *run_thread(void *ctx)
{
	struct pool_thread *self = ctx;
	struct dispatcher *d = self->dispatcher;
	struct kube_client *kube = NULL;
	struct kube_client *kube_beside = NULL; /* connects on first use */
	struct error err;

	if (kube_client_create(d->auth, &kube, &err) || kube_client_create(d->auth, &kube_beside, &err)) {
		log_error("cannot start a worker thread", log_err(&err));
		kube_client_destroy(kube);
		return NULL;
	}
	while (next_job(d, self)) {
		int64_t begun_ns = clock_mono_ns();

		carry_out(d, &self->job, kube, kube_beside);
		job_done(d, self, clock_mono_ns() - begun_ns);
	}
	kube_client_destroy(kube_beside);
	kube_client_destroy(kube);
	return NULL;
}

/* ---- keepalives -------------------------------------------------------------------------------------------------- */

/* Append the caller's subject, if it has waited long enough. NUL-terminated, consecutive. */
static void note_caller(const struct job *job, int64_t now_ns, struct buf *callers)
{
	const char *subject = job->msg ? bus_message_reply(job->msg) : NULL;

	if (subject && now_ns - job->received_ns >= PROTOCOL_WORKING_MS * 1000000LL)
		buf_add(callers, subject, strlen(subject) + 1);
}

static void tell_callers(struct dispatcher *d, const struct buf *callers, bool waiting)
{
	const char *end = callers->data + callers->len;
	struct error err;

	for (const char *subject = callers->data; subject < end; subject += strlen(subject) + 1)
		if (reply_working(d->bus, subject, waiting, &err))
			return; /* NATS is unavailable: callers will retry */
}

/* Once after each burst of work, after a whole idle interval. The lock is held. */
static bool burst_is_over(struct dispatcher *d)
{
	bool over = d->untrimmed && !d->worked && d->running == 0;

	d->untrimmed = (d->untrimmed || d->worked) && !over;
	d->worked = false;
	return over;
}

/*
 * Reject requests that have been queued for too long, even if no thread becomes free. The lock is held, and released in
 * between.
 */
static void refuse_late(struct dispatcher *d)
{
	struct job late[LATE_AT_ONCE];
	size_t count;

	do {
		count = job_queue_take_late(&d->queue, clock_mono_ns(), late, LATE_AT_ONCE);
		note_idle(d);
		pthread_mutex_unlock(&d->lock);
		for (size_t i = 0; i < count; i++)
			refuse_as_busy(d, late[i].msg);
		pthread_mutex_lock(&d->lock);
	} while (count == LATE_AT_ONCE);
}

/* Send keepalives; trims the heap when idle. The lock is held, and released in between. */
static void give_signs(struct dispatcher *d)
{
	struct buf running cleanup_buf = buf_make(CALLERS_MAX);
	struct buf waiting cleanup_buf = buf_make(CALLERS_MAX);
	int64_t now_ns = clock_mono_ns();
	bool over = burst_is_over(d);

	for (size_t i = 0; i < d->thread_count; i++)
		note_caller(&d->threads[i].job, now_ns, &running);
	for (size_t i = 0; i < d->queue.count; i++)
		note_caller(job_queue_at(&d->queue, i), now_ns, &waiting);
	pthread_mutex_unlock(&d->lock);
	tell_callers(d, &waiting, true);
	tell_callers(d, &running, false);
	if (over)
		footprint_trim_heap();
	pthread_mutex_lock(&d->lock);
}

/* Sends keepalives for queued and running requests, and rejects requests that cannot start in time. */
static void *run_signs(void *ctx)
{
	struct dispatcher *d = ctx;
	int64_t next_ms = clock_mono_ms() + PROTOCOL_WORKING_MS;

	pthread_mutex_lock(&d->lock);
	while (!d->stopping) {
		(void)thread_wait(&d->signs_wake, &d->lock, /* check again in any case */
				  clock_mono_ms() + (d->queue.count ? LATE_TURN_MS : PROTOCOL_WORKING_MS));
		refuse_late(d);
		if (clock_mono_ms() < next_ms)
			continue;
		next_ms = clock_mono_ms() + PROTOCOL_WORKING_MS;
		give_signs(d);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static enum rc start_threads(struct dispatcher *d, size_t count, struct error *err)
{
	enum rc rc = RC_OK;

	while (!rc && d->thread_count < count) {
		struct pool_thread *thread = &d->threads[d->thread_count];

		thread->dispatcher = d;
		pthread_cond_init(&thread->wake, NULL);
		rc = thread_start(run_thread, thread, &thread->thread, err);
		d->thread_count += rc == RC_OK;
	}
	return rc;
}

static enum rc start_listening(struct dispatcher *d, struct error *err)
{
	struct bus_subscription *subscription;
	struct pool_thread *leader;
	char subject[PROTOCOL_SUBJECT_MAX];
	enum rc rc;

	protocol_operation_subject(d->env->provider, "*", subject);
	rc = bus_subscribe_to_take(d->bus, subject, PROTOCOL_QUEUE, &subscription, err);
	protocol_health_subject(d->env->provider, subject);
	if (!rc)
		rc = bus_subscribe(d->bus, subject, NULL, on_health, d, NULL, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&d->lock);
	d->subscription = subscription;
	leader = give_lead(d);
	pthread_mutex_unlock(&d->lock);
	wake(leader);
	return RC_OK;
}

enum rc dispatcher_create(const struct dispatcher_parts *parts, struct dispatcher **ret_dispatcher, struct error *err)
{
	size_t threads = parts->concurrency + 1; /* one of them receives */
	struct streams_options streams = {
		.env = parts->env,
		.bus = parts->bus,
		.auth = parts->auth,
		.max = parts->streams,
		.ended = on_stream_ended,
	};
	struct dispatcher *d = calloc(1, sizeof(*d));
	enum rc rc;

	if (!d)
		return error_no_memory(err);
	*d = (struct dispatcher){
		.env = parts->env,
		.bus = parts->bus,
		.auth = parts->auth,
		.health = parts->health,
		.sweeper = parts->sweeper,
	};
	streams.ctx = d;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->idle_changed, NULL);
	pthread_cond_init(&d->signs_wake, NULL);
	d->threads = calloc(threads, sizeof(*d->threads));
	rc = d->threads ? job_queue_init(&d->queue, parts->concurrency * QUEUE_PER_THREAD, err) : error_no_memory(err);
	if (!rc)
		rc = bus_inbox_create(d->bus, on_notice, d, &d->notices, err);
	if (!rc)
		rc = streams_create(&streams, &d->streams, err);
	if (!rc)
		rc = start_threads(d, threads, err);
	if (!rc) {
		rc = thread_start(run_signs, d, &d->signs_thread, err);
		d->signs_started = rc == RC_OK;
	}
	if (!rc)
		rc = start_listening(d, err);
	if (rc) {
		dispatcher_destroy(d);
		return rc;
	}
	*ret_dispatcher = d;
	return RC_OK;
}

bool dispatcher_drain(struct dispatcher *d, int64_t timeout_ms)
{
	int64_t end_ms = clock_mono_ms() + timeout_ms;
	struct error err;
	bool idle;

	streams_end(d->streams);
	bus_subscription_drain(d->subscription, DRAIN_TIMEOUT_MS);
	pthread_mutex_lock(&d->lock);
	idle = thread_wait_until(&d->idle_changed, &d->lock, &d->idle, end_ms - clock_mono_ms());
	pthread_mutex_unlock(&d->lock);
	if (!idle)
		return false;
	streams_stop(d->streams);
	if (bus_flush(d->bus, FLUSH_TIMEOUT_MS, &err))
		log_warn("the last replies may be lost", log_err(&err));
	return true;
}

void dispatcher_destroy(struct dispatcher *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	for (size_t i = 0; i < d->thread_count; i++)
		pthread_cond_signal(&d->threads[i].wake);
	pthread_cond_broadcast(&d->signs_wake);
	pthread_mutex_unlock(&d->lock);
	streams_stop(d->streams);
	if (d->signs_started)
		pthread_join(d->signs_thread, NULL);
	for (size_t i = 0; i < d->thread_count; i++)
		pthread_join(d->threads[i].thread, NULL);
	pthread_cond_destroy(&d->idle_changed);
	pthread_cond_destroy(&d->signs_wake);
	pthread_mutex_destroy(&d->lock);
	bus_inbox_destroy(d->notices);
	streams_destroy(d->streams);
	free(d->threads);
	job_queue_clear(&d->queue);
	free(d);
}

void dispatcher_counts(struct dispatcher *d, enum operation operation, struct operation_counts *ret_counts)
{
	pthread_mutex_lock(&d->lock);
	*ret_counts = d->counts[operation];
	pthread_mutex_unlock(&d->lock);
}

struct worker_load dispatcher_load(struct dispatcher *d)
{
	struct worker_load load = { .streams = streams_count(d->streams) };

	pthread_mutex_lock(&d->lock);
	load.running = d->running;
	load.waiting = d->queue.count;
	pthread_mutex_unlock(&d->lock);
	return load;
}

size_t dispatcher_streams(struct dispatcher *d)
{
	return streams_count(d->streams);
}
