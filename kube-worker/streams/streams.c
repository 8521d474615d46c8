#include "kube-worker/streams/streams.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/bus/stream_hub.h"
#include "common/kube/kube_flow.h"
#include "common/services/json_write.h"
#include "common/services/log.h"
#include "kube-worker/operation/op.h"
#include "kube-worker/operation/permission.h"
#include "kube-worker/operation/reply.h"
#include "kube-worker/streams/worker_stream.h"

#define SHARED_MAX 64 /* shared streams beyond SP_WORKER_STREAMS (struct op) */
#define END_MS 1000   /* for the loop to notify all callers at shutdown */
#define LIFE_MS 100   /* interval of keepalive checks during a turn */

struct worker_stream {
	struct streams *streams;
	struct job job; /* including its message */
	cJSON *request;
	struct stream_source *source; /* NULL: none */
	struct stream *stream;        /* NULL: not begun */
	struct error fault;           /* error before it began; rc RC_OK: none */
	bool replied;                 /* replied with a value, and over */
	struct buf faults;            /* as in struct op_call, for the error */
	int64_t due_ms;               /* next call of pump() */
	int64_t sign_ms;              /* next keepalive */
	struct worker_stream *next;   /* in the list of new streams, or of all */
	/* Protected by the lock: */
	bool woken; /* in the list of woken streams */
	struct worker_stream *next_woken;
	uint64_t question; /* pending question to its caller; 0: none */
	enum stream_permission permission;
	struct worker_stream *next_asking;
};

struct streams {
	struct streams_options options;
	struct stream_hub *hub;
	struct bus_inbox *permissions; /* replies of callers; the ticket is the question's number */
	struct kube_flow *kube;
	size_t max;
	pthread_t loop;
	bool loop_runs;
	struct worker_stream *all; /* the loop's */
	int64_t next_look_ms;      /* the loop's: the next due time */
	int64_t next_sign_ms;      /* the loop's: the next keepalive */
	int64_t next_life_ms;      /* the loop's: the next check during a turn */
	pthread_mutex_t lock;      /* protects everything below; taken after the hub's lock */
	pthread_cond_t changed;
	struct worker_stream *taken; /* new ones, not in `all` yet */
	struct worker_stream *woken;
	struct worker_stream *asking;
	uint64_t last_question;
	size_t count;
	bool ending;
	bool ended; /* and all callers were notified */
	bool stopping;
};

/* ---- for sources ------------------------------------------------------------------------------------------------- */

/* With the lock; poke the hub afterwards. */
static void note_woken(struct worker_stream *s)
{
	if (s->woken)
		return;
	s->woken = true;
	s->next_woken = s->streams->woken;
	s->streams->woken = s;
}

void worker_stream_wake(struct worker_stream *s)
{
	struct streams *streams = s->streams;

	pthread_mutex_lock(&streams->lock);
	note_woken(s);
	pthread_mutex_unlock(&streams->lock);
	if (!pthread_equal(pthread_self(), streams->loop)) /* the loop checks before it waits */
		stream_hub_poke(streams->hub);
}

/* The hub pokes. */
static void on_wake(void *ctx)
{
	struct worker_stream *s = ctx;

	pthread_mutex_lock(&s->streams->lock);
	note_woken(s);
	pthread_mutex_unlock(&s->streams->lock);
}

enum rc worker_stream_begin(struct worker_stream *s, const char *content_type, const char *protocol, struct error *err)
{
	char address[BUS_ADDRESS_MAX];
	enum rc rc = stream_open(s->streams->hub, NULL, on_wake, s, &s->stream, err);

	if (!rc) {
		stream_address(s->stream, address);
		rc = reply_stream(s->streams->options.bus, s->job.msg, address, content_type, protocol, err);
	}
	if (rc)
		worker_stream_fail(s, err);
	return rc;
}

size_t worker_stream_room(struct worker_stream *s)
{
	return s->stream ? stream_room(s->stream) : 0;
}

void worker_stream_send(struct worker_stream *s, const void *data, size_t len)
{
	struct error err;

	if (stream_send(s->stream, data, len, &err))
		worker_stream_wake(s); /* the stream is over */
}

size_t worker_stream_take(struct worker_stream *s, void *to, size_t max)
{
	return s->stream ? stream_take(s->stream, to, max) : 0;
}

bool worker_stream_is_drained(struct worker_stream *s)
{
	struct error fault;

	return s->stream && stream_is_drained(s->stream, &fault);
}

void worker_stream_finish(struct worker_stream *s)
{
	stream_finish(s->stream);
}

void worker_stream_fail(struct worker_stream *s, const struct error *why)
{
	if (s->stream)
		stream_fail(s->stream, why);
	else
		s->fault = *why;
	worker_stream_wake(s);
}

void worker_stream_refuse(struct worker_stream *s, const char *pointer, const struct error *why)
{
	struct json_writer w = json_writer_make(&s->faults);

	json_begin_object(&w, NULL);
	json_string(&w, "detail", why->text);
	json_string(&w, "pointer", pointer);
	json_end_object(&w);
	worker_stream_fail(s, why);
}

/* ---- permissions ------------------------------------------------------------------------------------------------- */

/* With the lock. */
static void forget_question(struct worker_stream *s)
{
	struct worker_stream **at = &s->streams->asking;

	while (s->question && *at != s)
		at = &(*at)->next_asking;
	if (s->question)
		*at = s->next_asking;
	s->question = 0;
}

/* On a thread of NATS. The stream may be over. */
static void on_permission(void *ctx, uint64_t question, struct bus_message *msg)
{
	struct streams *streams = ctx;
	struct worker_stream *s;

	pthread_mutex_lock(&streams->lock);
	for (s = streams->asking; s && s->question != question;)
		s = s->next_asking;
	if (s) {
		s->permission = permission_is_given(msg) ? STREAM_PERMISSION_GIVEN : STREAM_PERMISSION_REFUSED;
		forget_question(s);
		note_woken(s);
	}
	pthread_mutex_unlock(&streams->lock);
	stream_hub_poke(streams->hub);
	bus_message_destroy(msg);
}

/* Without a caller (v0.1) the reply is positive. */
static void ask(struct worker_stream *s, const struct bus_outgoing *out)
{
	struct streams *streams = s->streams;
	uint64_t question;
	struct error err;

	pthread_mutex_lock(&streams->lock);
	forget_question(s);
	s->permission = out->subject ? STREAM_PERMISSION_UNKNOWN : STREAM_PERMISSION_GIVEN;
	if (out->subject) {
		s->question = ++streams->last_question;
		s->next_asking = streams->asking;
		streams->asking = s;
	}
	question = s->question;
	pthread_mutex_unlock(&streams->lock);
	if (out->subject && bus_inbox_ask(streams->permissions, question, out, &err))
		log_debug("cannot send a request to a caller", log_err(&err)); /* no reply will follow */
}

void worker_stream_ask(struct worker_stream *s)
{
	const struct bus_outgoing out = permission_question(s->job.headers.caller);

	ask(s, &out);
}

void worker_stream_probe(struct worker_stream *s)
{
	const struct bus_outgoing out = permission_probe_question(s->job.headers.caller);

	ask(s, &out);
}

enum stream_permission worker_stream_permission(struct worker_stream *s)
{
	enum stream_permission permission;

	pthread_mutex_lock(&s->streams->lock);
	permission = s->permission;
	pthread_mutex_unlock(&s->streams->lock);
	return permission;
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

void worker_stream_reply(struct worker_stream *s, const struct buf *body)
{
	const struct reply_extras none = { "", "", "", NULL };
	struct error err;

	s->replied = true;
	if (reply_result(s->streams->options.bus, s->job.msg, body, &none, &err))
		log_warn("cannot send a reply", log_err(&err), log_str("request_id", s->job.headers.request_id));
	worker_stream_wake(s);
}

struct kube_flow *worker_stream_kube(struct worker_stream *s)
{
	return s->streams->kube;
}

/* ---- one stream, on the loop ------------------------------------------------------------------------------------- */

/* If it failed before it began. */
static void refuse(struct worker_stream *s)
{
	struct error err;

	if (s->fault.rc && s->fault.rc != RC_CANCELLED &&
	    reply_error(s->streams->options.bus, s->job.msg, &s->fault, &s->faults, &err))
		log_warn("cannot send a reply", log_err(&err), log_str("request_id", s->job.headers.request_id));
}

static bool is_over(struct worker_stream *s, struct error *ret_fault)
{
	if (s->stream)
		return stream_is_over(s->stream, ret_fault);
	*ret_fault = s->fault;
	return s->replied || s->fault.rc != RC_OK;
}

static void free_source(struct worker_stream *s)
{
	struct stream_source *source = TAKE(s->source);

	source->type->free(source);
}

static void free_stream(struct worker_stream *s)
{
	if (s->source)
		free_source(s);
	if (s->stream)
		stream_close(s->stream);
	cJSON_Delete(s->request);
	buf_clear(&s->faults);
	bus_message_destroy(s->job.msg);
	free(s);
}

/* It is no longer woken. */
static void end_stream(struct worker_stream *s, const struct error *fault)
{
	struct streams *streams = s->streams;
	struct worker_stream **at = &streams->all;

	refuse(s);
	streams->options.ended(streams->options.ctx, &s->job, s->request, fault);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	pthread_mutex_lock(&streams->lock);
	streams->count--;
	pthread_mutex_unlock(&streams->lock);
	free_stream(s);
}

/* Create its source from the request. */
static void start(struct worker_stream *s)
{
	enum rc rc = op_read(s->job.operation, s->job.msg, &s->request, &s->fault);

	if (!rc)
		rc = op_find(s->job.operation)->open(s->streams->options.env, s->request, &s->source, &s->fault);
	s->fault.rc = rc;
}

/* Returns the time of the next check. */
static int64_t look_before_begin(struct worker_stream *s, int64_t now_ms)
{
	if (now_ms >= s->job.headers.deadline_ms)
		error_set(&s->fault, RC_TIMEOUT, "the deadline expired before the stream could start");
	return s->job.headers.deadline_ms;
}

/* The caller has received, or is about to receive, the result. */
static bool is_answered(const struct worker_stream *s)
{
	return s->stream || s->replied || s->fault.rc;
}

static void unwake(struct worker_stream *s)
{
	struct worker_stream **at = &s->streams->woken;

	pthread_mutex_lock(&s->streams->lock);
	forget_question(s); /* its reply would wake it */
	while (s->woken && *at != s)
		at = &(*at)->next_woken;
	if (s->woken)
		*at = s->next_woken;
	s->woken = false;
	pthread_mutex_unlock(&s->streams->lock);
}

/* Pump it, or end it if it is over. */
static void run_stream(struct worker_stream *s)
{
	int64_t now_ms = clock_mono_ms();
	int64_t look_ms = INT64_MAX;
	struct error fault = { .rc = RC_OK };

	if (!s->source && !s->fault.rc)
		start(s);
	if (!is_answered(s))
		look_ms = look_before_begin(s, now_ms);
	s->due_ms = INT64_MAX;
	if (!is_over(s, &fault))
		s->due_ms = s->source->type->pump(s->source, s);
	if (is_over(s, &fault)) {
		if (s->stream)
			stream_close(TAKE(s->stream));
		if (s->source)
			free_source(s); /* neither wakes it any longer */
		unwake(s);
		end_stream(s, &fault);
		return;
	}
	if (!s->stream && look_ms < s->due_ms)
		s->due_ms = look_ms;
	if (s->due_ms < s->streams->next_look_ms)
		s->streams->next_look_ms = s->due_ms;
}

/* ---- signs of life, on the loop ---------------------------------------------------------------------------------- */

/* Their callers receive keepalives before their first turn. The lock is held. */
static void admit_taken(struct streams *streams)
{
	struct worker_stream *s;

	while ((s = streams->taken) != NULL) {
		streams->taken = s->next;
		s->next = streams->all;
		streams->all = s;
		if (s->sign_ms < streams->next_sign_ms)
			streams->next_sign_ms = s->sign_ms;
	}
}

/* For streams that have not begun; an open stream has heartbeats. */
static void give_signs(struct streams *streams)
{
	int64_t now_ms = clock_mono_ms();
	struct error err;

	if (now_ms < streams->next_sign_ms)
		return;
	streams->next_sign_ms = INT64_MAX;
	for (struct worker_stream *s = streams->all; s; s = s->next) {
		if (is_answered(s))
			continue;
		if (now_ms >= s->sign_ms) {
			s->sign_ms = now_ms + PROTOCOL_WORKING_MS;
			if (reply_working(streams->options.bus, bus_message_reply(s->job.msg), false, &err))
				log_debug("cannot send a keepalive to a caller", log_err(&err));
		}
		if (s->sign_ms < streams->next_sign_ms)
			streams->next_sign_ms = s->sign_ms;
	}
}

/*
 * Called between streams: under load a turn of the loop may take longer than the silence timeout. Only the loop sends
 * keepalives, so a stuck loop sends none.
 */
static void keep_alive(struct streams *streams)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms < streams->next_life_ms)
		return;
	streams->next_life_ms = now_ms + LIFE_MS;
	(void)stream_hub_turn(streams->hub); /* the loop calls it again anyway */
	pthread_mutex_lock(&streams->lock);
	admit_taken(streams);
	pthread_mutex_unlock(&streams->lock);
	give_signs(streams);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* Streams woken meanwhile are handled in the next turn, for fairness. */
static void run_woken(struct streams *streams)
{
	struct worker_stream *batch;
	struct worker_stream *s;

	pthread_mutex_lock(&streams->lock);
	admit_taken(streams);
	batch = TAKE(streams->woken);
	while ((s = batch) != NULL) {
		batch = s->next_woken;
		s->woken = false;
		pthread_mutex_unlock(&streams->lock);
		run_stream(s);
		keep_alive(streams);
		pthread_mutex_lock(&streams->lock);
	}
	pthread_mutex_unlock(&streams->lock);
}

static void run_due(struct streams *streams)
{
	int64_t now_ms = clock_mono_ms();
	struct worker_stream *next;

	if (now_ms < streams->next_look_ms)
		return;
	streams->next_look_ms = INT64_MAX;
	for (struct worker_stream *s = streams->all; s; s = next) {
		next = s->next;
		if (s->due_ms <= now_ms) {
			run_stream(s);
			keep_alive(streams);
		} else if (s->due_ms < streams->next_look_ms) {
			streams->next_look_ms = s->due_ms;
		}
	}
}

/* Requests that have not begun are rejected, to be retried at another worker. */
static void end_all(struct streams *streams)
{
	struct worker_stream *next;
	struct error why;

	error_set(&why, RC_UNAVAILABLE, "the worker is stopping");
	stream_hub_end(streams->hub, &why);
	error_set(&why, RC_BUSY, "the worker is stopping");
	for (struct worker_stream *s = streams->all; s; s = next) {
		next = s->next;
		if (!s->stream)
			worker_stream_fail(s, &why);
		run_stream(s);
	}
}

/* With the lock, which is given up meanwhile. */
static void end_if_told(struct streams *streams)
{
	bool told;

	if (!streams->ending || streams->ended)
		return;
	pthread_mutex_unlock(&streams->lock);
	run_woken(streams); /* moves new ones to the list of all */
	end_all(streams);
	told = stream_hub_turn(streams->hub) == INT64_MAX; /* otherwise a peer's address is still unknown */
	pthread_mutex_lock(&streams->lock);
	streams->ended = told;
	pthread_cond_broadcast(&streams->changed);
}

static bool is_woken(struct streams *streams)
{
	bool woken;

	pthread_mutex_lock(&streams->lock);
	woken = streams->woken != NULL;
	pthread_mutex_unlock(&streams->lock);
	return woken;
}

static void wait_for_work(struct streams *streams, int64_t until_ms)
{
	struct pollfd p[] = { { .fd = stream_hub_fd(streams->hub), .events = POLLIN },
			      { .fd = kube_flow_fd(streams->kube), .events = POLLIN } };
	int64_t left_ms = until_ms == INT64_MAX ? -1 : until_ms - clock_mono_ms();

	if ((until_ms != INT64_MAX && left_ms < 0) || is_woken(streams))
		left_ms = 0;
	(void)poll(p, ARRAY_LEN(p), left_ms > 60000 ? 60000 : (int)left_ms); /* check in any case */
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void *run_loop(void *ctx)
{
	struct streams *streams = ctx;
	bool stopping = false;

	while (!stopping) {
		int64_t hub_ms = stream_hub_turn(streams->hub);

		kube_flow_turn(streams->kube);
		run_woken(streams);
		run_due(streams);
		give_signs(streams);
		pthread_mutex_lock(&streams->lock);
		end_if_told(streams);
		stopping = streams->stopping;
		pthread_mutex_unlock(&streams->lock);
		if (!stopping)
			wait_for_work(streams, earlier(earlier(hub_ms, kube_flow_due_ms(streams->kube)),
						       earlier(streams->next_look_ms, streams->next_sign_ms)));
	}
	return NULL;
}

/* ---- public functions -------------------------------------------------------------------------------------------- */

enum rc streams_create(const struct streams_options *options, struct streams **ret_streams, struct error *err)
{
	struct streams *streams = calloc(1, sizeof(*streams));
	enum rc rc;

	if (!streams)
		return error_no_memory(err);
	streams->options = *options;
	streams->max = options->max;
	streams->next_look_ms = INT64_MAX;
	streams->next_sign_ms = INT64_MAX;
	pthread_mutex_init(&streams->lock, NULL);
	pthread_cond_init(&streams->changed, NULL);
	rc = kube_flow_create(options->auth, &streams->kube, err);
	if (!rc)
		rc = stream_hub_create(options->bus, &streams->hub, err);
	if (!rc)
		rc = bus_inbox_create(options->bus, on_permission, streams, &streams->permissions, err);
	if (!rc) {
		rc = thread_start(run_loop, streams, &streams->loop, err);
		streams->loop_runs = rc == RC_OK;
	}
	if (rc) {
		streams_destroy(streams);
		return rc;
	}
	*ret_streams = streams;
	return RC_OK;
}

/* With the lock; poke the hub afterwards. */
static void note_taken(struct worker_stream *s)
{
	s->next = s->streams->taken;
	s->streams->taken = s;
	note_woken(s);
}

bool streams_take(struct streams *streams, const struct job *job)
{
	struct worker_stream *s = calloc(1, sizeof(*s));
	size_t max = streams->max + (op_find(job->operation)->is_shared ? SHARED_MAX : 0);
	bool room;

	if (!s)
		return false;
	s->streams = streams;
	s->job = *job;
	s->faults = buf_make(OP_FAULTS_MAX);
	s->due_ms = INT64_MAX; /* woken explicitly */
	s->sign_ms = clock_mono_ms() + PROTOCOL_WORKING_MS;
	pthread_mutex_lock(&streams->lock);
	room = !streams->ending && streams->count < max;
	if (room) {
		streams->count++;
		note_taken(s);
	}
	pthread_mutex_unlock(&streams->lock);
	if (room)
		stream_hub_poke(streams->hub);
	else
		free(s);
	return room;
}

size_t streams_count(struct streams *streams)
{
	size_t count;

	pthread_mutex_lock(&streams->lock);
	count = streams->count;
	pthread_mutex_unlock(&streams->lock);
	return count;
}

void streams_end(struct streams *streams)
{
	pthread_mutex_lock(&streams->lock);
	streams->ending = true;
	stream_hub_poke(streams->hub);
	(void)thread_wait_until(&streams->changed, &streams->lock, &streams->ended, END_MS);
	pthread_mutex_unlock(&streams->lock);
}

void streams_stop(struct streams *streams)
{
	if (!streams || !streams->loop_runs)
		return;
	pthread_mutex_lock(&streams->lock);
	streams->stopping = true;
	pthread_mutex_unlock(&streams->lock);
	stream_hub_poke(streams->hub);
	pthread_join(streams->loop, NULL);
	streams->loop_runs = false;
}

void streams_destroy(struct streams *streams)
{
	struct worker_stream *s;

	if (!streams)
		return;
	admit_taken(streams); /* no other thread uses them now */
	while ((s = streams->all) != NULL) {
		streams->all = s->next;
		free_stream(s);
	}
	bus_inbox_destroy(streams->permissions);
	stream_hub_destroy(streams->hub);
	kube_flow_destroy(streams->kube);
	pthread_cond_destroy(&streams->changed);
	pthread_mutex_destroy(&streams->lock);
	free(streams);
}
