/*
 * logs: the logs of the container's replicas as one stream. The replicas are taken from the cache, whose changes wake
 * the stream; each log is a separate call to Kubernetes (container_log.h). The stream is bound to the root found first:
 * a later container with the same id is not included.
 *
 * 	SEEKING --found (replica_seek.h)--> TELLING --all sent--> over
 */
#include "kube-worker/operation/op.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "kube-worker/streams/container_log.h"
#include "kube-worker/streams/instance_watch.h"
#include "kube-worker/streams/replica_seek.h"
#include "kube-worker/streams/worker_stream.h"

#define COMMENT_MS 15000 /* interval of comments in an event stream */
#define BLOCKS_AT_ONCE 4
#define BLOCK (32u * 1024)
#define NS_PER_MS 1000000

enum source_state { SOURCE_SEEKING, SOURCE_TELLING, SOURCE_OVER };

struct log_source {
	struct stream_source base; /* first member */
	const struct op_env *env;
	struct worker_stream *stream; /* set by the first pump() */
	struct instance_watcher watcher;
	struct log_options options;
	enum source_state state;
	struct replica_seek seek;
	struct kube_uid root_uid;
	struct container_log_owner owner;
	struct container_log *logs;
	struct log_output output;
	int64_t comment_ms;
	bool begun;
	bool finished;
	bool root_seen; /* in the cache */
	bool root_gone; /* after that */
	bool no_memory;
};

/* ---- failure and begin ------------------------------------------------------------------------------------------- */

static void fail(void *ctx, const struct error *why)
{
	struct log_source *s = ctx;

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

/* An error in the request; if the stream has begun, it ends. */
static void refuse(struct log_source *s, const char *pointer, const struct error *why)
{
	if (s->begun || s->state == SOURCE_OVER) {
		fail(s, why);
		return;
	}
	s->state = SOURCE_OVER;
	worker_stream_refuse(s->stream, pointer, why);
}

static void begin(void *ctx)
{
	struct log_source *s = ctx;
	struct error err;

	if (s->begun || s->state == SOURCE_OVER)
		return;
	s->begun = true;
	s->comment_ms = clock_mono_ms() + COMMENT_MS;
	if (worker_stream_begin(s->stream, s->options.events ? "text/event-stream" : "text/plain; charset=utf-8", NULL,
				&err))
		s->state = SOURCE_OVER; /* the stream has failed */
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static size_t collect_marks(struct log_source *s, const struct container_log *of, const struct log_line *line,
			    struct log_mark marks[LOG_PLACES_MAX])
{
	struct log_place others = { 0, 0 };
	size_t count = 0;

	marks[count++] = (struct log_mark){ of->key, line->place };
	for (const struct container_log *log = s->logs; log; log = log->next) {
		struct log_place place = container_log_place(log);

		if (log == of || !place.ns || container_log_is_done(log))
			continue;
		if (count < LOG_LOGS_MAX)
			marks[count++] = (struct log_mark){ log->key, place };
		else if (!others.ns || place.ns < others.ns)
			others.ns = place.ns;
	}
	if (others.ns)
		marks[count++] = (struct log_mark){ LOG_KEY_OTHERS, others };
	if (s->options.start_ns)
		marks[count++] = (struct log_mark){ LOG_KEY_START,
						    { s->options.start_ns, log_mark_key(&s->root_uid, "") } };
	return count;
}

static void tell(void *ctx, struct container_log *log, const struct log_line *line)
{
	struct log_source *s = ctx;
	struct log_name name = { log->pod, log->container };
	struct log_mark marks[LOG_PLACES_MAX];
	size_t count = s->options.events && line->ends ? collect_marks(s, log, line, marks) : 0;

	log_output_line(&s->output, log, &name, line, marks, count);
}

/* ---- selecting logs ---------------------------------------------------------------------------------------------- */

/* Whether the request names a single container. */
static bool named_container(const struct log_source *s)
{
	return s->options.container && strcmp(s->options.container, LOG_ALL_CONTAINERS) != 0;
}

static bool is_wanted(const struct log_source *s, const char *pod, const struct pod_run *run)
{
	const char *container = s->options.container;

	if (s->options.replica && strcmp(s->options.replica, pod) != 0)
		return false;
	if (str_equal(container, LOG_ALL_CONTAINERS))
		return true;
	return strcmp(run->container, container ? container : s->seek.own) == 0;
}

/* By the Pod's uid: its successor in a StatefulSet has the same name. */
static struct container_log *find_log(struct log_source *s, const struct kube_uid *pod, const char *container)
{
	struct container_log *log = s->logs;

	while (log && (!kube_uid_equal(&log->pod_uid, pod) || strcmp(log->container, container) != 0))
		log = log->next;
	return log;
}

static struct container_log *add_log(struct log_source *s, const struct fact *pod, const char *container)
{
	struct container_log **end = &s->logs;

	while (*end)
		end = &(*end)->next;
	*end = container_log_create(&s->owner, pod, container, s->state == SOURCE_SEEKING);
	s->no_memory = s->no_memory || !*end;
	return *end;
}

/* A terminated Pod is included if requested. */
static bool is_shown(const struct log_source *s, const struct fact *fact)
{
	return s->options.replica || (fact->phase != POD_FAILED && fact->phase != POD_SUCCEEDED);
}

/* is_new: add unknown logs. */
static void take_run(struct log_source *s, const struct fact *fact, const struct pod_run *run, bool is_new)
{
	struct container_log *log = find_log(s, &fact->uid, run->container);

	if (!is_wanted(s, fact->name, run) || (!log && !is_new))
		return;
	if (!log)
		log = add_log(s, fact, run->container);
	if (!log)
		return;
	container_log_see(log, run, fact->message);
}

/* A Pod that is not on a node yet has no container statuses. */
static void take_pod(struct log_source *s, const struct fact *fact, bool is_new)
{
	const char *at = fact->runs;
	struct pod_run run = { .previous = -1 };

	if (!*at) {
		snprintf(run.container, sizeof(run.container), "%s",
			 named_container(s) ? s->options.container : s->seek.own);
		take_run(s, fact, &run, is_new);
	}
	while (fact_next_run(&at, &run))
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
				 is_shown(s, facts[i]) && workload_has_pod(&s->root_uid, facts[i], facts, count));
}

/* Remove logs of deleted Pods: a log may be followed for a long time, and event ids have few places. */
static void forget_gone(struct log_source *s)
{
	struct container_log **at = &s->logs;

	while (*at) {
		struct container_log *log = *at;

		if (!s->options.follow || !s->begun || log->is_there || log->phase != LOG_OVER) {
			at = &log->next;
			continue;
		}
		*at = log->next;
		container_log_destroy(log);
	}
}

/* Returns false if the cache is incomplete. */
static bool look_at_cache(struct log_source *s)
{
	bool had_root = s->root_seen;

	if (!kube_cache_is_synced(s->env->cache, REPLICA_SEEK_KINDS))
		return false;
	for (struct container_log *log = s->logs; log; log = log->next)
		log->is_there = false;
	s->root_seen = false;
	kube_cache_visit(s->env->cache, s->options.id, take_facts, s);
	for (struct container_log *log = s->logs; log; log = log->next)
		container_log_note(log);
	forget_gone(s);
	s->root_gone = s->root_gone || (had_root && !s->root_seen);
	s->root_seen = s->root_seen || had_root;
	if (s->no_memory)
		fail_with(s, RC_NO_MEMORY, "out of memory");
	return true;
}

/* ---- the replicas ------------------------------------------------------------------------------------------------ */

/* Whether the cache is behind: according to the root, which was just read, replicas are ready. */
static bool is_behind(const struct log_source *s)
{
	for (const struct container_log *log = s->logs; log; log = log->next)
		if (log->run.started)
			return false;
	return json_int_at(s->seek.root, "status.readyReplicas", 0) > 0 && !s->options.replica && !s->options.follow &&
	       clock_mono_ms() - s->seek.started_ms < REPLICA_SEEK_MS;
}

static bool has_log(const struct log_source *s, uint32_t key)
{
	const struct container_log *log = s->logs;

	while (log && log->key != key)
		log = log->next;
	return log != NULL;
}

/* Whether the stream is resumed, and was of this root, not of an earlier container with its id. */
static bool is_resumed(const struct log_source *s)
{
	return log_options_place(&s->options, LOG_KEY_START).hash == log_mark_key(&s->root_uid, "");
}

/* Logs of the resumed stream whose Pods no longer exist: their last lines may not have been output. */
static void tell_gone(struct log_source *s)
{
	static const struct log_name none = { "", "" };
	char now[CLOCK_RFC3339_MAX];
	struct log_line lost = { .time = now, .begins = true, .ends = true, .text = "" };

	for (int i = 0; i < s->options.mark_count; i++) {
		const struct log_mark *mark = &s->options.marks[i];

		if (mark->key <= LOG_KEY_START || has_log(s, mark->key))
			continue;
		if (!lost.lost_from_ns || mark->place.ns < lost.lost_from_ns)
			lost.lost_from_ns = mark->place.ns;
	}
	if (!lost.lost_from_ns)
		return;
	clock_format_rfc3339(clock_wall_ms(), true, now);
	lost.time_len = strlen(now);
	log_output_line(&s->output, s, &none, &lost, NULL, 0);
	begin(s);
}

/* Returns when to look again, if the cache does not change before. */
static int64_t list(struct log_source *s)
{
	size_t count = 0;
	bool looked;

	s->root_uid = s->seek.root_uid;
	atomic_store(&s->watcher.changed, false);
	looked = look_at_cache(s); /* retried if the cache was reset */
	if (s->state == SOURCE_SEEKING && is_behind(s))
		return s->seek.started_ms + REPLICA_SEEK_MS;
	if (looked && is_resumed(s))
		tell_gone(s);
	for (const struct container_log *log = s->logs; log; log = log->next)
		count++;
	s->output.named = count > 1 || (!s->options.replica && json_int_at(s->seek.root, "spec.replicas", 1) > 1);
	replica_seek_clear(&s->seek);
	if (s->state != SOURCE_OVER)
		s->state = SOURCE_TELLING;
	return INT64_MAX;
}

static int64_t seek(struct log_source *s)
{
	int64_t due_ms = replica_seek_pump(&s->seek);
	char pointer[32];

	if (s->seek.state == SEEK_FOUND)
		return list(s);
	if (s->seek.state != SEEK_FAILED)
		return due_ms;
	snprintf(pointer, sizeof(pointer), "/query/%s", s->seek.pointer ? s->seek.pointer : "");
	if (s->seek.pointer)
		refuse(s, pointer, &s->seek.fault);
	else
		fail(s, &s->seek.fault);
	return INT64_MAX;
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

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

/* Nothing was sent: report the reasons. */
static void fail_with_reasons(struct log_source *s)
{
	struct error err;

	for (const struct container_log *log = s->logs; log; log = log->next) {
		if (!log->reason[0])
			continue;
		if (s->options.previous) {
			error_set(&err, RC_INVALID_ARGUMENT,
				  "no earlier run of replica '%s' has a log: its container was %s", log->pod,
				  log->run.restarts ? "restarted, but that log no longer exists" : "not restarted");
			refuse(s, "/query/previous", &err);
			return;
		}
		error_set(&err, RC_NOT_STARTED, "replica '%s' has not started: %s", log->pod, log->reason);
		fail(s, &err);
		return;
	}
	fail_with(s, RC_NOT_STARTED,
		  named_container(s) ? "no replica has this container yet" : "the container has no replicas");
}

static void finish(struct log_source *s)
{
	bool told = false;

	for (const struct container_log *log = s->logs; log; log = log->next)
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

/* Consecutively if not followed; otherwise concurrently. */
static void look_at_logs(struct log_source *s)
{
	bool all_over = true;
	bool calls = false;

	for (struct container_log *log = s->logs; log && s->state == SOURCE_TELLING; log = log->next) {
		container_log_look(log);
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

	for (const struct container_log *log = s->logs; log; log = log->next) {
		int64_t log_ms = container_log_due_ms(log);

		due_ms = log_ms < due_ms ? log_ms : due_ms;
	}
	return due_ms;
}

static int64_t pump_telling(struct log_source *s)
{
	bool more;

	if (s->options.events && s->begun && clock_mono_ms() >= s->comment_ms) {
		log_output_comment(&s->output);
		s->comment_ms = clock_mono_ms() + COMMENT_MS;
	}
	more = send(s);
	for (struct container_log *log = s->logs; log; log = log->next)
		container_log_resume(log);
	if (atomic_exchange(&s->watcher.changed, false))
		(void)look_at_cache(s); /* if the cache was reset, use the known state */
	for (struct container_log *log = s->logs; log && s->output.left <= 0; log = log->next)
		container_log_stop(log);
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
		s->owner.stream = stream;
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
	struct container_log *log;

	if (s->stream)
		instance_watch_remove(s->env->watch, &s->watcher);
	while ((log = s->logs) != NULL) {
		s->logs = log->next;
		container_log_destroy(log);
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
	enum rc rc = log_options_read(request, clock_wall_ms() * NS_PER_MS, &options, err);

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
	s->owner = (struct container_log_owner){
		.namespace = env->namespace,
		.options = &s->options,
		.output = &s->output,
		.begun = begin,
		.line = tell,
		.failed = fail,
		.ctx = s,
	};
	snprintf(s->watcher.id, sizeof(s->watcher.id), "%s", options.id);
	*ret_source = &s->base;
	return RC_OK;
}

const struct op op_logs = { .members = log_members, .member_count = ARRAY_LEN(log_members), .open = open_source };
