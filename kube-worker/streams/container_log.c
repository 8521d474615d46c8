#include "kube-worker/streams/container_log.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/operation/op_kube.h"

#define TRY_MS 5000        /* retry time of a log that is not followed */
#define BEGIN_MS 10000     /* until a response begins, unless it is followed: it may have no lines yet */
#define FORBIDDEN_MS 10000 /* retry time of a request that is forbidden */
#define KUBELET_MS 10000   /* retry time of the previous run while its kubelet is not reachable */
#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS 2000
#define GONE_MS 5000  /* for a silent call after its Pod was deleted, as for a lost node */
#define AGAIN_MS 1000 /* delay before a log that ended while its container seems to run is requested again */
#define NS_PER_MS 1000000
#define STAMP_SKEW_NS 1000000000 /* of a node's clock, behind ours */
#define SILENT_MS 1000           /* from the beginning of a response to its first lines */
#define GONE_TEXT "it no longer exists"

/* ---- life cycle -------------------------------------------------------------------------------------------------- */

/* Lines of a log that had no place in the id of the last event: at most those since all such logs come twice. */
static int64_t since_without_place(const struct log_options *options)
{
	int64_t others_ns = log_options_place(options, LOG_KEY_OTHERS).ns;

	return others_ns > options->since_ns ? others_ns : options->since_ns;
}

/*
 * Whether the stream that is resumed is older than the Pod, whose time is in whole seconds, and has output nothing of
 * it.
 */
static bool is_newer_pod(const struct log_options *options, const struct fact *pod)
{
	return options->start_ns && options->mark_count && !log_options_place(options, LOG_KEY_OTHERS).ns &&
	       pod->created_ms / 1000 >= options->start_ns / (1000 * NS_PER_MS);
}

/* Not within a callback of kube_flow.h. */
static void drop_call(struct container_log *log)
{
	if (log->call)
		kube_call_cancel(TAKE(log->call));
	run_check_reset(&log->check);
	log->phase = LOG_IDLE;
	log->paused = false;
}

struct container_log *container_log_create(const struct container_log_owner *owner, const struct fact *pod,
					   const char *container, bool is_first)
{
	const struct log_options *options = owner->options;
	struct container_log *log = calloc(1, sizeof(*log));
	struct log_place place;

	if (!log)
		return NULL;
	log->owner = owner;
	log->pod_uid = pod->uid;
	snprintf(log->pod, sizeof(log->pod), "%s", pod->name);
	snprintf(log->container, sizeof(log->container), "%s", container);
	log->key = log_mark_key(&pod->uid, container);
	place = log_options_place(options, log->key);
	log->whole = !place.ns && !options->previous && (!is_first || is_newer_pod(options, pod));
	log->cut = is_first && !place.ns;
	log->silent_ns = place.hash == LOG_HASH_NO_LINE ? place.ns : 0;
	if (log->silent_ns)
		log->reader = log_reader_make((struct log_place){ 0, 0 }, log->silent_ns);
	else
		log->reader = log_reader_make(place, place.ns ? options->since_ns : since_without_place(options));
	log->created_ns = pod->created_ms * NS_PER_MS;
	log->backoff = (struct backoff){ .first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS };
	log->seeks = log->reader.last.ns != 0;
	log->run_known = -1;
	log->previous_done = -1;
	return log;
}

void container_log_stop(struct container_log *log)
{
	drop_call(log);
	log->phase = LOG_OVER;
}

void container_log_destroy(struct container_log *log)
{
	drop_call(log);
	log_reader_clear(&log->reader);
	free(log);
}

/* ---- responses of Kubernetes ------------------------------------------------------------------------------------- */

static void tell(void *ctx, const struct log_line *line)
{
	struct container_log *log = ctx;

	log->owner->line(log->owner->ctx, log, line);
}

static bool take(void *ctx, const char *bytes, size_t len)
{
	struct container_log *log = ctx;
	const struct container_log_owner *o = log->owner;
	struct error err;

	if (!log->entered)
		return false;
	if (!log_output_takes(o->output, log)) {
		log->paused = true;
		return false;
	}
	if (log->gone_ms)
		log->gone_ms = clock_mono_ms();
	if (log_reader_feed(&log->reader, bytes, len, tell, log, &err))
		o->failed(o->ctx, &err);
	worker_stream_wake(o->stream);
	return true;
}

static void start_check(struct container_log *log)
{
	if (log->check.state == CHECK_NONE)
		run_check_start(&log->check, log->owner->stream, log->owner->namespace, log->pod, &log->pod_uid,
				&log->run);
}

static void on_begun(void *ctx)
{
	start_check(ctx);
}

/* Flush an incomplete line. */
static void end_run(struct container_log *log)
{
	log_reader_end(&log->reader, tell, log);
	log_output_break(log->owner->output, log);
}

static void close_log(struct container_log *log)
{
	if (log->phase == LOG_OVER)
		return;
	log->phase = LOG_OVER;
	end_run(log);
}

/* Lines after the last one, or after the first request. */
static int64_t told_until(const struct container_log *log)
{
	return log->reader.last.ns ? log->reader.last.ns : log->asked_ns;
}

/* The log may have been truncated, and can no longer be read. */
static void tell_loss_at_end(struct container_log *log)
{
	char now[CLOCK_RFC3339_MAX];
	struct log_line lost = { .time = now, .begins = true, .ends = true, .text = "" };

	clock_format_rfc3339(clock_wall_ms(), true, now);
	lost.time_len = strlen(now);
	lost.lost_from_ns = told_until(log);
	tell(log, &lost);
}

static void retry_later(struct container_log *log)
{
	int64_t now_ms = clock_mono_ms();

	if (!log->failing_ms)
		log->failing_ms = now_ms;
	log->due_ms = now_ms + backoff_next_ms(&log->backoff);
}

/* No log yet, with a reason of Kubernetes or the Pod. */
static void nothing_yet(struct container_log *log, const char *text)
{
	snprintf(log->reason, sizeof(log->reason), "%s", log->message[0] ? log->message : text);
	str_trim_broken_utf8(log->reason);
	if (!log->owner->options->follow)
		close_log(log);
	else
		log->due_ms = clock_mono_ms() + AGAIN_MS;
}

/* The response is complete. */
static void on_complete(struct container_log *log, bool of_previous)
{
	const struct container_log_owner *o = log->owner;

	backoff_reset(&log->backoff);
	log->ended = true;
	if (of_previous && !o->options->previous) {
		log->previous_done = log->run_asked;
		return;
	}
	if (!o->options->follow)
		close_log(log);
	log->due_ms = clock_mono_ms() + AGAIN_MS;
}

static bool was_told(const struct container_log *log)
{
	return log->answered || log->reader.last.ns;
}

static bool is_failing_for(const struct container_log *log, int64_t ms)
{
	return log->failing_ms && clock_mono_ms() - log->failing_ms > ms;
}

/*
 * A server that was just started forbids everything until it has loaded its roles: retry for a while if it was allowed
 * before.
 */
static bool is_forbidden_for_good(const struct container_log *log)
{
	return !was_told(log) || is_failing_for(log, FORBIDDEN_MS);
}

static void on_failure(struct container_log *log, const struct error *public)
{
	const struct container_log_owner *o = log->owner;

	retry_later(log);
	if ((public->rc == RC_PERMISSION_DENIED && is_forbidden_for_good(log)) || public->rc == RC_INVALID_ARGUMENT ||
	    (!o->options->follow && is_failing_for(log, TRY_MS)))
		o->failed(o->ctx, public);
}

static void on_refused(struct container_log *log, bool of_previous, const struct kube_reply *reply,
		       const struct error *why)
{
	const char *message = json_string_at(reply->object, "message");
	bool is_unreachable = reply->status == 500 && is_failing_for(log, KUBELET_MS); /* its kubelet */
	struct error public = *why;

	if (of_previous && !log->owner->options->previous &&
	    (reply->status == 400 || reply->status == 404 || is_unreachable)) {
		log->previous_done = log->run_asked; /* no longer available */
		log->ended = log->ended && !is_unreachable;
	} else if (reply->status == 400) {
		nothing_yet(log, message ? message : "it has not started");
	} else if (reply->status == 404) {
		nothing_yet(log, GONE_TEXT);
	} else {
		op_kube_make_public(reply->object, &public);
		on_failure(log, &public);
	}
}

static void on_done(void *ctx, const struct kube_reply *reply, const struct error *err)
{
	struct container_log *log = ctx;
	bool of_previous = log->phase == LOG_ASKED_PREVIOUS;

	log->call = NULL;
	log->paused = false;
	worker_stream_wake(log->owner->stream);
	if (!err->rc && reply->status != 204 && !log->entered) {
		start_check(log); /* an empty response may not begin */
		return;           /* complete, but of an unconfirmed run: enter_run() follows */
	}
	log->phase = LOG_IDLE;
	if (reply->status == 204) /* returned for a Pod that is not on a node */
		nothing_yet(log, "it is not scheduled yet");
	else if (err->rc)
		on_refused(log, of_previous, reply, err);
	else
		on_complete(log, of_previous);
}

/* ---- the run of a response --------------------------------------------------------------------------------------- */

/* A line of an unknown run may also be in a later one. */
static bool is_seeking(const struct container_log *log)
{
	return log->seeks && log->reader.mark.ns;
}

/* The run is the one that was requested: its lines follow. */
static void enter_run(struct container_log *log)
{
	bool of_previous = log->phase == LOG_ASKED_PREVIOUS;
	bool follows = log->ended && log->run_asked == log->run_known + 1;

	if (log->run_known < 0 && log->whole) {
		log_reader_next_run(&log->reader, log->run_asked ? log->created_ns : 0);
	} else if (log->run_known < 0 || log->run_asked == log->run_known || is_seeking(log)) {
		log_reader_restart(&log->reader);
	} else {
		end_run(log);
		log_reader_next_run(&log->reader, follows ? 0 : told_until(log));
	}
	log->seeks = log->seeks && of_previous;
	log->run_known = log->run_asked;
	log->ended = false;
	log->answered = true;
	log->failing_ms = 0;
	log->entered = true;
	log->entered_ms = clock_mono_ms();
	log->owner->begun(log->owner->ctx);
	if (log->call) {
		kube_call_resume(log->call);
		return;
	}
	log->phase = LOG_IDLE;
	on_complete(log, of_previous);
}

/* With the result of the check: output the response, or drop it, and decide again. */
static void judge_response(struct container_log *log)
{
	const struct run_check check = log->check;
	int64_t run = log->phase == LOG_ASKED_PREVIOUS ? check.run.previous : check.run.restarts;

	if (log->phase == LOG_IDLE || log->entered || check.state == CHECK_NONE || check.state == CHECK_ASKED)
		return;
	if (check.state == CHECK_SEEN)
		log->run = check.run;
	if (check.state == CHECK_GONE || (check.state == CHECK_SEEN && run == log->run_asked)) {
		enter_run(log);
		return;
	}
	drop_call(log);
	if (check.state == CHECK_FAILED)
		on_failure(log, &check.fault);
	else if (check.state == CHECK_REPLACED)
		nothing_yet(log, GONE_TEXT);
}

/* ---- requests to Kubernetes -------------------------------------------------------------------------------------- */

/* From the last line; another run from its start. */
static int64_t since_of(const struct container_log *log, int64_t run)
{
	bool is_other = log->run_known >= 0 && run != log->run_known && !is_seeking(log);

	return is_other || log->reader.fresh ? 0 : told_until(log);
}

static void ask(struct container_log *log, bool previous)
{
	const struct container_log_owner *o = log->owner;
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	const struct kube_call_taker taker = { .begun = on_begun, .take = take, .done = on_done, .ctx = log };
	int64_t run = previous ? log->run.previous : log->run.restarts;
	bool resumes = was_told(log);
	struct log_call call = {
		.namespace = o->namespace,
		.pod = log->pod,
		.container = log->container,
		.previous = previous,
		.cut = log->cut && !log->whole && !resumes,
		.since_ns = resumes ? since_of(log, run) : log->reader.since_ns,
	};
	struct error err;
	enum rc rc;

	run_check_reset(&log->check);
	log_options_path(o->options, &call, &path);
	rc = buf_check(&path, &err);
	if (!rc)
		rc = kube_flow_get(worker_stream_kube(o->stream), path.data, 0, &taker, &log->call, &err);
	if (rc) {
		op_kube_make_public(NULL, &err); /* no credentials yet, or out of memory */
		on_failure(log, &err);
		return;
	}
	if (!log->asked_ns)
		log->asked_ns = clock_wall_ms() * NS_PER_MS;
	log->phase = previous ? LOG_ASKED_PREVIOUS : LOG_ASKED;
	log->run_asked = run;
	log->entered = false;
	log->begin_by_ms = call.previous || !o->options->follow ? clock_mono_ms() + BEGIN_MS : INT64_MAX;
}

/* INT64_MAX: no time limit, also while waiting for the client. */
static int64_t give_up_ms(const struct container_log *log)
{
	if (log->call && log->gone_ms && !log->paused)
		return log->gone_ms + GONE_MS;
	return log->call && log->check.state == CHECK_NONE ? log->begin_by_ms : INT64_MAX;
}

static void give_up(struct container_log *log)
{
	struct error err;

	kube_call_expire(TAKE(log->call));
	drop_call(log);
	if (!log->is_there)
		return;
	error_set(&err, RC_TIMEOUT, "the response has not begun");
	op_kube_make_public(NULL, &err);
	on_failure(log, &err);
}

/* The rest of the run before is read first: a complete response may also be the end of a kubelet. */
static bool wants_previous(const struct container_log *log)
{
	const struct pod_run *run = &log->run;

	return (was_told(log) || log->whole) && run->restarts != log->run_known && run->previous >= 0 &&
	       run->previous != run->restarts && run->previous != log->previous_done;
}

/* Of a log without a line so far: no line before this time belongs to the stream. 0: unknown, or all do. */
static int64_t silent_since(const struct container_log *log)
{
	const struct log_options *o = log->owner->options;

	if (log->silent_ns || !log->cut || log->whole)
		return log->silent_ns;
	if (o->tail_lines < 0)
		return o->since_seconds ? o->start_ns - o->since_seconds * 1000 * NS_PER_MS : 0;
	if (o->tail_lines == 0)
		return o->start_ns - STAMP_SKEW_NS;
	/* Its last lines would have been output by now. */
	if (log->answered && !log->paused && clock_mono_ms() - log->entered_ms >= SILENT_MS)
		return log->asked_ns - STAMP_SKEW_NS;
	return 0;
}

struct log_place container_log_place(const struct container_log *log)
{
	return log->reader.last.ns ? log->reader.last : (struct log_place){ silent_since(log), LOG_HASH_NO_LINE };
}

static bool is_read(const struct container_log *log)
{
	return log->ended && log->run.restarts == log->run_known && !log->reader.lost_from_ns;
}

bool container_log_is_done(const struct container_log *log)
{
	return !log->is_there && (log->phase == LOG_OVER || is_read(log));
}

/* The Pod no longer exists. */
static void end_log(struct container_log *log)
{
	if (log->answered && !is_read(log))
		tell_loss_at_end(log);
	close_log(log);
}

void container_log_look(struct container_log *log)
{
	const struct log_options *options = log->owner->options;

	if (clock_mono_ms() >= give_up_ms(log))
		give_up(log);
	judge_response(log);
	if (log->phase != LOG_IDLE || clock_mono_ms() < log->due_ms)
		return;
	if (!log->is_there)
		end_log(log);
	else if (options->follow && !log->run.started)
		return; /* the cache will notify */
	else if (options->previous)
		ask(log, true);
	else if (!log->ended || log->run.restarts != log->run_known || log->run.goes_on)
		ask(log, wants_previous(log));
}

/* ---- updates of the cache ---------------------------------------------------------------------------------------- */

void container_log_see(struct container_log *log, const struct pod_run *run, const char *message)
{
	const struct pod_run *old = &log->run;

	if (old->restarts != run->restarts || old->previous != run->previous || old->goes_on != run->goes_on ||
	    old->started != run->started)
		log->due_ms = log->failing_ms ? log->due_ms : 0;
	if (!run->started && !run->restarts && !was_told(log))
		log->whole = !log->owner->options->previous;
	log->run = *run;
	log->is_there = true;
	snprintf(log->message, sizeof(log->message), "%s", message);
}

void container_log_note(struct container_log *log)
{
	if (log->is_there || !log->gone_ms)
		log->gone_ms = log->is_there ? 0 : clock_mono_ms();
}

void container_log_resume(struct container_log *log)
{
	if (!log->paused || !log->call || !log_output_takes(log->owner->output, log))
		return;
	log->paused = false;
	log->gone_ms = log->gone_ms ? clock_mono_ms() : 0;
	kube_call_resume(log->call);
}

int64_t container_log_due_ms(const struct container_log *log)
{
	int64_t due_ms = log->phase == LOG_IDLE ? log->due_ms : give_up_ms(log);

	return log->phase != LOG_OVER && due_ms > clock_mono_ms() ? due_ms : INT64_MAX;
}
