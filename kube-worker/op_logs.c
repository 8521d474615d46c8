/*
 * logs: what the container's replicas say, as one stream. Which replicas there are is known from the cache, whose changes
 * wake the stream; each log is a call of its own to Kubernetes, on the loop of all streams (kube_flow.h). The container is
 * the one whose root was found first: another one that gets its id later is not told.
 *
 *	SEEKING --what it is about is found (replica_seek.h)--> TELLING --all is told--> over
 *
 * A log that is followed is asked for again after each end: by its next run, or where it broke off.
 */
#include "kube-worker/ops.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "common/kube/kube_flow.h"
#include "kube-worker/instance_watch.h"
#include "kube-worker/log_options.h"
#include "kube-worker/op_kube.h"
#include "kube-worker/replica_seek.h"
#include "kube-worker/stream_source.h"

#define TRY_MS 5000 /* for a log that cannot be read, when it is not followed */
#define FORBIDDEN_MS 10000
#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS 2000
#define AGAIN_MS 1000    /* until a log is asked for again that has ended while its container seems to run */
#define COMMENT_MS 15000 /* between two comments of an event stream */
#define BLOCKS_AT_ONCE 4
#define BLOCK (32u * 1024)
#define POD_NAME_MAX 254
#define NS_PER_MS 1000000

enum log_phase {
	LOG_IDLE,
	LOG_ASKED_PREVIOUS, /* the run before, for what was not told of it */
	LOG_ASKED,
	LOG_OVER, /* nothing more comes of it */
};

struct log_source;

/* The log of one container of one replica. */
struct log {
	struct log_source *source;
	struct log *next;
	char pod[POD_NAME_MAX];
	char container[64];
	uint32_t key;
	enum log_phase phase;
	struct kube_call *call; /* NULL: none is under way */
	struct log_reader reader;
	struct backoff backoff;
	int64_t due_ms;        /* not asked for before */
	int64_t failing_ms;    /* since when; 0: it does not fail */
	int64_t asked_ns;      /* by our clock: when it was asked for first */
	int64_t run_known;     /* that was told, or is being told; -1: none */
	int64_t previous_of;   /* the run for which the one before was asked for, or is; -1: none */
	bool previous_done;    /* that is over */
	bool previous_follows; /* that one comes right after run_known, which was told to its end */
	bool ended;            /* the last call, completely */
	bool paused;
	bool answered; /* it was, well, at some time */
	/* As the cache had it last: */
	struct pod_run run;
	bool is_there;
	char message[FACT_MESSAGE_MAX + 1];
	char reason[FACT_MESSAGE_MAX + 1]; /* why there is nothing to tell; "": there is */
};

enum source_state { SOURCE_SEEKING, SOURCE_TELLING, SOURCE_OVER };

struct log_source {
	struct stream_source base; /* the first: it is what the worker knows */
	const struct op_env *env;
	struct worker_stream *stream; /* from the first pump() on */
	struct instance_watcher watcher;
	struct log_options options;
	enum source_state state;
	struct replica_seek seek;
	struct kube_uid root_uid;
	struct log *logs;
	struct log_output output;
	int64_t comment_ms;
	bool begun;
	bool finished;
	bool root_seen; /* in the cache */
	bool root_gone; /* after that */
	bool no_memory;
};

/* ---- the end, and the begin -------------------------------------------------------------------------------------- */

static void fail(struct log_source *s, const struct error *why)
{
	if (s->state == SOURCE_OVER)
		return;
	s->state = SOURCE_OVER;
	worker_stream_fail(s->stream, why);
}

static void fail_with(struct log_source *s, enum rc rc, const char *text)
{
	struct error err;

	error_set(&err, rc, "%s", text);
	fail(s, &err);
}

/* A fault of the request; when it is seen too late for that, the end of the stream. */
static void refuse(struct log_source *s, const char *pointer, const struct error *why)
{
	if (s->begun || s->state == SOURCE_OVER) {
		fail(s, why);
		return;
	}
	s->state = SOURCE_OVER;
	worker_stream_refuse(s->stream, pointer, why);
}

static void begin(struct log_source *s)
{
	struct error err;

	if (s->begun || s->state == SOURCE_OVER)
		return;
	s->begun = true;
	s->comment_ms = clock_mono_ms() + COMMENT_MS;
	if (worker_stream_begin(s->stream, s->options.events ? "text/event-stream" : "text/plain; charset=utf-8", NULL,
				&err))
		s->state = SOURCE_OVER; /* it has failed with that */
}

/* ---- from Kubernetes to the client ------------------------------------------------------------------------------- */

static size_t collect_marks(struct log_source *s, const struct log *of, const struct log_line *line,
			    struct log_mark marks[LOG_PLACES_MAX])
{
	size_t count = 0;

	marks[count++] = (struct log_mark){ of->key, line->place };
	for (const struct log *log = s->logs; log && count < LOG_PLACES_MAX; log = log->next)
		if (log != of && log->reader.last.ns)
			marks[count++] = (struct log_mark){ log->key, log->reader.last };
	return count;
}

static void tell(void *ctx, const struct log_line *line)
{
	struct log *log = ctx;
	struct log_source *s = log->source;
	struct log_name name = { log->pod, log->container };
	struct log_mark marks[LOG_PLACES_MAX];
	size_t count = s->options.events && line->ends ? collect_marks(s, log, line, marks) : 0;

	log_output_line(&s->output, log, &name, line, marks, count);
}

static bool take(void *ctx, const char *bytes, size_t len)
{
	struct log *log = ctx;
	struct log_source *s = log->source;
	struct error err;

	if (!log_output_takes(&s->output, log)) {
		log->paused = true;
		return false;
	}
	if (log_reader_feed(&log->reader, bytes, len, tell, log, &err))
		fail(s, &err);
	worker_stream_wake(s->stream);
	return true;
}

static void on_begun(void *ctx)
{
	struct log *log = ctx;

	log->answered = true;
	log->failing_ms = 0;
	if (log->phase == LOG_ASKED_PREVIOUS && log->previous_follows)
		log_reader_next_run(&log->reader);
	begin(log->source);
}

/* What is held of a line that will not go on. */
static void close_log(struct log *log)
{
	if (log->phase == LOG_OVER)
		return;
	log->phase = LOG_OVER;
	log_reader_end(&log->reader, tell, log);
	log_output_break(&log->source->output, log);
}

/* It may have had more to say when it broke off, and cannot be asked any more. */
static void tell_loss_at_end(struct log *log)
{
	char now[CLOCK_RFC3339_MAX];
	struct log_line lost = { .time = now, .begins = true, .ends = true, .text = "" };

	clock_format_rfc3339(clock_wall_ms(), true, now);
	lost.time_len = strlen(now);
	lost.lost_from_ns = log->reader.last.ns ? log->reader.last.ns : log->asked_ns;
	tell(log, &lost);
}

static void retry_later(struct log *log)
{
	int64_t now_ms = clock_mono_ms();

	log->ended = false;
	if (!log->failing_ms)
		log->failing_ms = now_ms;
	log->due_ms = now_ms + backoff_next_ms(&log->backoff);
}

/* Nothing to tell, for a reason that Kubernetes or the Pod gives. */
static void nothing_yet(struct log *log, const char *text)
{
	snprintf(log->reason, sizeof(log->reason), "%s", log->message[0] ? log->message : text);
	str_trim_broken_utf8(log->reason);
	if (!log->source->options.follow)
		close_log(log);
	else
		log->due_ms = clock_mono_ms() + AGAIN_MS;
}

/* The answer to a call is complete. */
static void on_complete(struct log *log, bool of_previous)
{
	struct log_source *s = log->source;

	backoff_reset(&log->backoff);
	log->ended = true;
	if (of_previous && !s->options.previous) {
		log->previous_done = true;
		log->run_known = log->previous_of - 1;
		log_reader_end(&log->reader, tell, log);
		return;
	}
	if (!s->options.follow)
		close_log(log);
	log->due_ms = clock_mono_ms() + AGAIN_MS;
}

static bool was_told(const struct log *log)
{
	return log->answered || log->reader.last.ns;
}

/*
 * A server that has just been started forbids everything until it has read its roles: what was allowed before is tried again
 * for a while.
 */
static bool is_forbidden_for_good(const struct log *log)
{
	return !was_told(log) || (log->failing_ms && clock_mono_ms() - log->failing_ms > FORBIDDEN_MS);
}

static void on_refused(struct log *log, bool of_previous, const struct kube_reply *reply, const struct error *why)
{
	struct log_source *s = log->source;
	const char *message = json_string_at(reply->object, "message");
	struct error public = *why;

	if (of_previous && !s->options.previous &&
	    (reply->status == 400 || reply->status == 404 || reply->status == 500)) {
		log->previous_done = true; /* it is not there any more */
		if (log->ended && log->previous_of == log->run_known + 1)
			log_reader_next_run(&log->reader); /* and was told to its end */
		return;
	}
	if (reply->status == 400) {
		nothing_yet(log, message ? message : "it has not started");
		return;
	}
	if (reply->status == 404) {
		nothing_yet(log, "it is gone");
		close_log(log);
		return;
	}
	op_kube_make_public(reply->object, &public);
	if ((why->rc == RC_PERMISSION_DENIED && is_forbidden_for_good(log)) || why->rc == RC_INVALID_ARGUMENT) {
		fail(s, &public);
		return;
	}
	retry_later(log);
	if (!s->options.follow && clock_mono_ms() - log->failing_ms > TRY_MS)
		fail(s, &public);
}

static void on_done(void *ctx, const struct kube_reply *reply, const struct error *err)
{
	struct log *log = ctx;
	bool of_previous = log->phase == LOG_ASKED_PREVIOUS;

	log->call = NULL;
	log->phase = LOG_IDLE;
	log->paused = false;
	if (reply->status == 204) /* what it is told of a Pod that is on no node */
		nothing_yet(log, "it is on no node yet");
	else if (err->rc)
		on_refused(log, of_previous, reply, err);
	else
		on_complete(log, of_previous);
	worker_stream_wake(log->source->stream);
}

/* ---- requests to Kubernetes -------------------------------------------------------------------------------------- */

/* From where on: what was told last, or when it was asked for first. */
static int64_t since_of(const struct log *log)
{
	if (log->reader.last.ns)
		return log->reader.last.ns;
	return log->asked_ns;
}

static void ask(struct log *log, bool previous)
{
	struct log_source *s = log->source;
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	const struct kube_call_taker taker = { .begun = on_begun, .take = take, .done = on_done, .ctx = log };
	bool resumes = was_told(log);
	struct log_call call = {
		.namespace = s->env->config->namespace,
		.pod = log->pod,
		.container = log->container,
		.previous = previous,
		.first = !resumes,
		.since_ns = resumes ? since_of(log) : 0,
	};
	struct error err;
	enum rc rc;

	log_options_path(&s->options, &call, &path);
	rc = buf_check(&path, &err);
	if (!rc)
		rc = kube_flow_get(worker_stream_kube(s->stream), path.data, 0, &taker, &log->call, &err);
	if (rc) {
		retry_later(log); /* no credentials yet, or no memory */
		return;
	}
	if (!log->asked_ns)
		log->asked_ns = clock_wall_ms() * NS_PER_MS;
	log->phase = previous ? LOG_ASKED_PREVIOUS : LOG_ASKED;
	log->previous_done = false;
	log->previous_follows = previous && log->ended && log->run.restarts == log->run_known + 2;
	log->previous_of = previous ? log->run.restarts : -1;
	if (!previous)
		log->run_known = log->run.restarts;
}

/* A log that is not asked for at the moment: is it to be, and for which run? */
static void look_at_log(struct log *log)
{
	bool told_some = was_told(log);
	bool new_run = log->run.restarts != log->run_known;
	bool previous_done;

	if (log->call || log->phase == LOG_OVER || clock_mono_ms() < log->due_ms)
		return;
	if (!log->is_there) {
		if (!log->ended && log->answered)
			tell_loss_at_end(log);
		close_log(log);
		return;
	}
	if (log->source->options.follow && !log->run.started)
		return; /* the cache will tell */
	if (log->source->options.previous) {
		ask(log, true);
		return;
	}
	if (told_some && log->ended && !new_run && !log->run.goes_on)
		return;
	previous_done = log->previous_done && log->previous_of == log->run.restarts;
	if (told_some && !previous_done)
		log_reader_restart(&log->reader, log->ended && log->run.restarts == log->run_known + 1);
	if (told_some && new_run && log->run.restarts > 0 && !previous_done) {
		ask(log, true);
		return;
	}
	ask(log, false);
}

/* ---- which logs there are ---------------------------------------------------------------------------------------- */

static bool is_wanted(const struct log_source *s, const char *pod, const struct pod_run *run)
{
	const char *container = s->options.container;

	if (s->options.replica && strcmp(s->options.replica, pod) != 0)
		return false;
	if (str_equal(container, LOG_ALL_CONTAINERS))
		return true;
	return strcmp(run->container, container ? container : s->seek.own) == 0;
}

static struct log *find_log(struct log_source *s, const char *pod, const char *container)
{
	struct log *log = s->logs;

	while (log && (strcmp(log->pod, pod) != 0 || strcmp(log->container, container) != 0))
		log = log->next;
	return log;
}

static struct log_place place_of(const struct log_source *s, uint32_t key)
{
	for (int i = 0; i < s->options.mark_count; i++)
		if (s->options.marks[i].key == key)
			return s->options.marks[i].place;
	return (struct log_place){ 0, 0 };
}

static struct log *add_log(struct log_source *s, const char *pod, const char *container)
{
	struct log_name name = { pod, container };
	struct log *log = calloc(1, sizeof(*log));
	struct log **end = &s->logs;

	if (!log) {
		s->no_memory = true;
		return NULL;
	}
	log->source = s;
	snprintf(log->pod, sizeof(log->pod), "%s", pod);
	snprintf(log->container, sizeof(log->container), "%s", container);
	log->key = log_mark_key(&name);
	log->reader = log_reader_make(place_of(s, log->key), s->options.since_ns);
	log->backoff = (struct backoff){ .first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS };
	log->run_known = -1;
	log->previous_of = -1;
	while (*end)
		end = &(*end)->next;
	*end = log;
	return log;
}

/* A Pod that has ended is shown to those who ask for it. */
static bool is_shown(const struct log_source *s, const struct fact *fact)
{
	return s->options.replica || (fact->phase != POD_FAILED && fact->phase != POD_SUCCEEDED);
}

/* is_new: a log that was not known is added. */
static void take_run(struct log_source *s, const struct fact *fact, const struct pod_run *run, bool is_new)
{
	struct log *log = find_log(s, fact->name, run->container);

	if (!is_wanted(s, fact->name, run) || (!log && !is_new))
		return;
	if (!log)
		log = add_log(s, fact->name, run->container);
	if (!log)
		return;
	if (log->run.restarts != run->restarts || log->run.goes_on != run->goes_on || log->run.started != run->started)
		log->due_ms = log->failing_ms ? log->due_ms : 0;
	log->run = *run;
	log->is_there = true;
	snprintf(log->message, sizeof(log->message), "%s", fact->message);
}

/* A Pod that no node has looked at yet tells nothing of its containers. */
static void take_pod(struct log_source *s, const struct fact *fact, bool is_new)
{
	const char *at = fact->runs;
	bool named = s->options.container && strcmp(s->options.container, LOG_ALL_CONTAINERS) != 0;
	struct pod_run run = { .restarts = 0 };

	if (!*at) {
		snprintf(run.container, sizeof(run.container), "%s", named ? s->options.container : s->seek.own);
		take_run(s, fact, &run, is_new);
	}
	while (pod_run_next(&at, &run))
		take_run(s, fact, &run, is_new);
}

static void take_facts(void *ctx, const struct fact *const *facts, size_t count)
{
	struct log_source *s = ctx;

	for (size_t i = 0; i < count; i++) {
		if (workload_is_root(facts[i]->kind) && kube_uid_equal(&facts[i]->uid, &s->root_uid))
			s->root_seen = true;
	}
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_POD)
			take_pod(s, facts[i],
				 is_shown(s, facts[i]) && workload_replicaset(&s->root_uid, facts[i], facts, count));
}

/* False: the cache does not know enough. */
static bool look_at_cache(struct log_source *s)
{
	bool had_root = s->root_seen;

	if (!kube_cache_is_synced(s->env->cache, REPLICA_SEEK_KINDS))
		return false;
	for (struct log *log = s->logs; log; log = log->next)
		log->is_there = false;
	s->root_seen = false;
	kube_cache_visit(s->env->cache, s->options.id, take_facts, s);
	s->root_gone = s->root_gone || (had_root && !s->root_seen);
	s->root_seen = s->root_seen || had_root;
	if (s->no_memory)
		fail_with(s, RC_NO_MEMORY, "out of memory");
	return true;
}

/* ---- the replicas ------------------------------------------------------------------------------------------------ */

static void list(struct log_source *s)
{
	size_t count = 0;

	s->root_uid = s->seek.root_uid;
	(void)look_at_cache(s); /* if it has forgotten, it will tell again */
	for (const struct log *log = s->logs; log; log = log->next)
		count++;
	s->output.named = count > 1 || (!s->options.replica && json_int_at(s->seek.root, "spec.replicas", 1) > 1);
	replica_seek_clear(&s->seek);
	if (s->state != SOURCE_OVER)
		s->state = SOURCE_TELLING;
}

static int64_t seek(struct log_source *s)
{
	int64_t due_ms = replica_seek_pump(&s->seek);
	char pointer[32];

	if (s->seek.state == SEEK_FOUND)
		list(s);
	if (s->seek.state != SEEK_FAILED)
		return due_ms;
	snprintf(pointer, sizeof(pointer), "/query/%s", s->seek.pointer ? s->seek.pointer : "");
	if (s->seek.pointer)
		refuse(s, pointer, &s->seek.fault);
	else
		fail(s, &s->seek.fault);
	return INT64_MAX;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static bool send(struct log_source *s)
{
	struct buf *bytes = &s->output.bytes;

	for (int i = 0; i < BLOCKS_AT_ONCE && s->begun && bytes->len; i++) {
		size_t room = worker_stream_room(s->stream);
		size_t len = bytes->len < BLOCK ? bytes->len : BLOCK;

		len = len < room ? len : room;
		if (!len)
			return false;
		worker_stream_send(s->stream, bytes->data, len);
		buf_consume(bytes, len);
	}
	return bytes->len > 0;
}

static void resume(struct log_source *s)
{
	for (struct log *log = s->logs; log; log = log->next) {
		if (!log->paused || !log->call || !log_output_takes(&s->output, log))
			continue;
		log->paused = false;
		kube_call_resume(log->call);
	}
}

/* Nothing was told: why not? */
static void fail_with_reasons(struct log_source *s)
{
	struct error err;

	for (const struct log *log = s->logs; log; log = log->next) {
		if (!log->reason[0])
			continue;
		if (s->options.previous) {
			error_set(&err, RC_INVALID_ARGUMENT,
				  "no earlier run of replica '%s' has a log: its container has %s", log->pod,
				  log->run.restarts ? "restarted, but that log is gone" : "not restarted");
			refuse(s, "/query/previous", &err);
			return;
		}
		error_set(&err, RC_NOT_STARTED, "replica '%s' has not started: %s", log->pod, log->reason);
		fail(s, &err);
		return;
	}
	fail_with(s, RC_NOT_STARTED, "the container has no replica");
}

static void finish(struct log_source *s)
{
	bool told = false;

	for (const struct log *log = s->logs; log; log = log->next)
		told = told || !log->reason[0];
	if (!s->begun && !told) {
		fail_with_reasons(s);
		return;
	}
	begin(s);
	if (s->output.bytes.len || s->state == SOURCE_OVER)
		return;
	s->finished = true;
	worker_stream_finish(s->stream);
}

/* In order, one after the other, when they have an end; else all. */
static void look_at_logs(struct log_source *s)
{
	bool all_over = true;
	bool calls = false;

	for (struct log *log = s->logs; log && s->state == SOURCE_TELLING; log = log->next) {
		look_at_log(log);
		all_over = all_over && log->phase == LOG_OVER;
		calls = calls || log->call;
		if (!s->options.follow && log->phase != LOG_OVER)
			break;
	}
	if (s->state != SOURCE_TELLING)
		return;
	if (s->options.follow && !calls)
		begin(s);
	if (s->output.left <= 0 || (!s->options.follow && all_over) || (s->options.follow && s->root_gone && !calls))
		finish(s);
}

static int64_t next_look(const struct log_source *s)
{
	int64_t due_ms = s->options.events && s->begun ? s->comment_ms : INT64_MAX;

	for (const struct log *log = s->logs; log; log = log->next)
		if (!log->call && log->phase != LOG_OVER && log->due_ms && log->due_ms < due_ms &&
		    log->due_ms > clock_mono_ms())
			due_ms = log->due_ms;
	return due_ms;
}

static void cancel_calls(struct log_source *s)
{
	for (struct log *log = s->logs; log; log = log->next)
		if (log->call)
			kube_call_cancel(TAKE(log->call));
}

static int64_t pump_telling(struct log_source *s)
{
	bool more;

	if (s->options.events && s->begun && clock_mono_ms() >= s->comment_ms) {
		log_output_comment(&s->output);
		s->comment_ms = clock_mono_ms() + COMMENT_MS;
	}
	more = send(s);
	resume(s);
	if (atomic_exchange(&s->watcher.changed, false))
		(void)look_at_cache(s); /* if it has forgotten, what it knew has to do */
	if (s->output.left <= 0)
		cancel_calls(s);
	if (!s->finished && s->state == SOURCE_TELLING)
		look_at_logs(s);
	return more || (s->output.bytes.len && worker_stream_room(s->stream)) ? clock_mono_ms() : next_look(s);
}

static int64_t pump(struct stream_source *source, struct worker_stream *stream)
{
	struct log_source *s = (struct log_source *)source;
	int64_t due_ms = INT64_MAX;

	if (!s->stream) {
		s->stream = stream;
		s->seek.stream = stream;
		s->watcher.stream = stream;
		instance_watch_add(s->env->watch, &s->watcher);
	}
	if (s->state == SOURCE_SEEKING)
		due_ms = seek(s);
	return s->state == SOURCE_TELLING ? pump_telling(s) : due_ms;
}

/* ---- the operation ----------------------------------------------------------------------------------------------- */

static void free_source(struct stream_source *source)
{
	struct log_source *s = (struct log_source *)source;
	struct log *log;

	if (s->stream)
		instance_watch_remove(s->env->watch, &s->watcher);
	while ((log = s->logs) != NULL) {
		s->logs = log->next;
		if (log->call)
			kube_call_cancel(log->call);
		log_reader_clear(&log->reader);
		free(log);
	}
	log_output_clear(&s->output);
	replica_seek_clear(&s->seek);
	free(s);
}

static const struct stream_source_type type = { pump, free_source };

static enum rc open_source(const struct op_env *env, const cJSON *request, struct stream_source **ret_source,
			   struct error *err)
{
	struct log_options options;
	struct log_source *s;
	enum rc rc = log_options_read(request, &options, err);

	if (rc)
		return rc;
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_no_memory(err);
	s->base.type = &type;
	s->env = env;
	s->options = options;
	s->seek = replica_seek_make(env, options.id,
				    str_equal(options.container, LOG_ALL_CONTAINERS) ? NULL : options.container,
				    options.replica);
	s->output = log_output_make(options.events, options.timestamps, false, options.limit_bytes);
	snprintf(s->watcher.id, sizeof(s->watcher.id), "%s", options.id);
	*ret_source = &s->base;
	return RC_OK;
}

const struct op op_logs = { .members = log_members, .member_count = ARRAY_LEN(log_members), .open = open_source };
