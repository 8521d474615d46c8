#include "kube-worker/streams/exec_session.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/kube_path.h"
#include "common/services/log.h"
#include "kube-worker/operation/op_kube.h"

#define ANSWER_MS 2000 /* for the caller's permission */
#define RETRY_MS 200
#define HEAR_MS 1000 /* for the cache to show a running replica */
#define LOOK_MS 50   /* check interval */
#define END_MS 5000  /* after the Status, until the connection closes: output may follow it */
#define HTTP_FORBIDDEN 403
#define HTTP_URI_TOO_LONG 414
#define HTTP_HEADERS_TOO_LARGE 431
#define PATH_MAX_BYTES 66000
#define TOO_LONG "the command is too long for Kubernetes"

struct exec_session exec_session_make(const struct op_env *env, const cJSON *request, struct exec_streams streams,
				      const struct exec_session_taker *taker)
{
	return (struct exec_session){
		.taker = *taker,
		.streams = streams,
		.is_v4 = !streams.in,
		.request = request,
		.seek = replica_seek_make(env, json_string_at(request, "id"), json_string_at(request, "container"),
					  json_string_at(request, "replica")),
	};
}

void exec_session_clear(struct exec_session *s)
{
	replica_seek_clear(&s->seek);
	kube_socket_close(TAKE(s->socket));
	exec_reader_clear(&s->reader);
}

static void fail(struct exec_session *s, const char *pointer, const struct error *why)
{
	s->state = EXEC_OVER;
	s->taker.failed(s->taker.ctx, pointer, why);
}

/* ---- permission -------------------------------------------------------------------------------------------------- */

static void ask(struct exec_session *s)
{
	s->state = EXEC_ASKING;
	s->asked_ms = clock_mono_ms();
	worker_stream_ask(s->stream);
}

/* A finished call receives no reply, and starts no command. */
static int64_t hear_permission(struct exec_session *s)
{
	enum stream_permission permission = worker_stream_permission(s->stream);
	struct error err;

	if (permission == STREAM_PERMISSION_GIVEN) {
		s->state = EXEC_OPENING;
	} else if (permission == STREAM_PERMISSION_REFUSED || clock_mono_ms() >= s->asked_ms + ANSWER_MS) {
		error_set(&err, RC_CANCELLED, "the caller no longer permits it");
		fail(s, NULL, &err);
	}
	return s->asked_ms + ANSWER_MS;
}

/* ---- replica ----------------------------------------------------------------------------------------------------- */

struct choice {
	struct exec_session *session;
	char waiting[254]; /* a replica that is not running, with the reason */
	char reason[FACT_MESSAGE_MAX + 1];
};

static bool is_running(const struct fact *pod, const char *container)
{
	const char *at = pod->runs;
	struct pod_run run;

	while (fact_next_run(&at, &run))
		if (strcmp(run.container, container) == 0)
			return run.goes_on;
	return false;
}

/* The first with a running container; one being deleted only if there is no other. */
static void choose(void *ctx, const struct fact *const *facts, size_t count)
{
	struct choice *choice = ctx;
	struct exec_session *s = choice->session;
	bool leaving = true;

	for (size_t i = 0; i < count && leaving; i++) {
		const struct fact *pod = facts[i];

		if (pod->kind != KUBE_POD || (s->seek.replica && strcmp(s->seek.replica, pod->name) != 0))
			continue;
		if (is_running(pod, s->container) && (!s->replica[0] || !pod->deleting)) {
			snprintf(s->replica, sizeof(s->replica), "%s", pod->name);
			leaving = pod->deleting;
		} else if (!choice->waiting[0]) {
			snprintf(choice->waiting, sizeof(choice->waiting), "%s", pod->name);
			snprintf(choice->reason, sizeof(choice->reason), "%s", pod->message);
		}
	}
}

/* If the cache has no running replica and no reason, wait for an update. Returns when to check again. */
static int64_t choose_replica(struct exec_session *s)
{
	struct choice choice = { .session = s };
	struct error err;

	snprintf(s->container, sizeof(s->container), "%s", s->seek.container ? s->seek.container : s->seek.own);
	kube_cache_visit(s->seek.env->cache, s->seek.id, choose, &choice);
	if (s->replica[0]) {
		ask(s);
		return INT64_MAX;
	}
	if (!choice.reason[0] && clock_mono_ms() - s->seek.started_ms < HEAR_MS)
		return clock_mono_ms() + LOOK_MS;
	if (choice.waiting[0])
		error_set(&err, RC_NOT_STARTED, "container '%s' of replica '%s' is not running%s%s", s->container,
			  choice.waiting, choice.reason[0] ? ": " : "", choice.reason);
	else
		error_set(&err, RC_NOT_STARTED, "the container has no replicas");
	fail(s, NULL, &err);
	return INT64_MAX;
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static void on_opened(void *ctx)
{
	struct exec_session *s = ctx;

	s->state = EXEC_RUNNING;
	worker_stream_wake(s->stream);
}

static void on_ready(void *ctx)
{
	worker_stream_wake(((struct exec_session *)ctx)->stream);
}

/* For users with only `get`, Kubernetes 1.36 returns `pods "x" is forbidden: ` without the missing right. */
static bool says_why(const char *message)
{
	size_t len = message ? strlen(message) : 0;

	return len && message[len - 1] != ' ';
}

static void name_refusal(const struct kube_reply *reply, struct error *err)
{
	struct error original = *err;

	if (err->rc == RC_PERMISSION_DENIED && !says_why(json_string_at(reply->object, "message")))
		error_set(err, RC_PERMISSION_DENIED,
			  "Kubernetes does not allow it: the provider's Role cannot create resource \"pods/exec\", "
			  "which is required in addition to get");
	else if (reply->status == HTTP_URI_TOO_LONG || reply->status == HTTP_HEADERS_TOO_LARGE)
		error_set(err, RC_INVALID_ARGUMENT, TOO_LONG);
	else if (reply->unsure)
		error_set(err, RC_TIMEOUT,
			  "the connection to Kubernetes was lost, and whether the command was started is unknown");
	else if (err->rc == RC_NOT_FOUND)
		error_set(err, RC_NOT_STARTED, "the replica no longer exists");
	else
		op_kube_make_public(reply->object, err);
	log_warn("cannot start a command", log_err(&original));
}

/* An unknown subprotocol is rejected with 403 without a message. */
static void on_refused(void *ctx, const struct kube_reply *reply, const struct error *err)
{
	struct exec_session *s = ctx;

	s->socket = NULL;
	if (!s->is_second && reply->status == HTTP_FORBIDDEN && !json_string_at(reply->object, "message")) {
		s->is_second = true;
		s->is_v4 = !s->is_v4;
	} else {
		s->fault = *err;
		name_refusal(reply, &s->fault);
	}
	worker_stream_wake(s->stream);
}

static void on_piece(void *ctx, const struct websocket_piece *piece)
{
	struct exec_session *s = ctx;

	if (!s->fault.rc)
		s->fault.rc = exec_reader_message(&s->reader, piece->bytes, piece->len, piece->begins, piece->ends,
						  &s->fault);
}

static void on_data(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct exec_session *s = ctx;

	if (channel == EXEC_STATUS && len && !s->status_heard) { /* an empty message opens the channel */
		s->status_heard = true;
		s->due_ms = clock_mono_ms() + END_MS;
		s->taker.take(s->taker.ctx, channel, data, len);
	}
	if (channel == EXEC_STDOUT || channel == EXEC_STDERR)
		s->taker.take(s->taker.ctx, channel, data, len);
}

static void write_path(const struct exec_session *s, struct buf *path)
{
	const struct {
		const char *name;
		bool wanted;
	} flags[] = { { "stdin", s->streams.in },
		      { "stdout", s->streams.out },
		      { "stderr", s->streams.err },
		      { "tty", s->streams.tty } };
	const cJSON *word = NULL;

	kube_path_add(path, KUBE_POD, s->seek.env->namespace, s->replica);
	buf_add_str(path, "/exec");
	kube_path_add_query(path, "container", s->container);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		kube_path_add_query(path, flags[i].name, flags[i].wanted ? "true" : "false");
	cJSON_ArrayForEach (word, json_get(s->request, "command"))
		kube_path_add_query(path, "command", word->valuestring);
}

static void open_socket(struct exec_session *s)
{
	static const struct kube_socket_taker callbacks = { on_opened, on_ready, on_refused, on_piece, NULL };
	struct buf path cleanup_buf = buf_make(PATH_MAX_BYTES);
	struct kube_socket_taker taker = callbacks;
	struct error err;
	enum rc rc;

	taker.ctx = s;
	write_path(s, &path);
	rc = buf_check(&path, &err);
	if (rc == RC_TOO_LARGE)
		error_set(&err, RC_INVALID_ARGUMENT, TOO_LONG);
	if (!rc)
		rc = kube_socket_open(worker_stream_kube(s->stream), path.data,
				      s->is_v4 ? EXEC_PROTOCOL_V4 : EXEC_PROTOCOL_V5, &taker, &s->socket, &err);
	if (!rc)
		return;
	s->due_ms = clock_mono_ms() + RETRY_MS;
	if (rc == RC_TIMEOUT && clock_mono_ms() - s->seek.started_ms < REPLICA_SEEK_MS)
		return; /* no credentials yet */
	if (err.rc == RC_INVALID_ARGUMENT) {
		fail(s, "command", &err);
		return;
	}
	op_kube_make_public(NULL, &err);
	fail(s, NULL, &err);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

/* The command was started: RC_TIMEOUT, because RC_UNAVAILABLE suggests a retry. */
static void end(struct exec_session *s, bool in_time)
{
	struct error why = { .rc = RC_OK };

	s->state = EXEC_OVER;
	if (s->fault.rc)
		error_set(&why, RC_TIMEOUT, "invalid message from Kubernetes: %s", s->fault.text);
	else if (!s->status_heard && in_time)
		error_set(&why, RC_TIMEOUT, "the connection to the command was lost before it exited");
	kube_socket_close(TAKE(s->socket));
	s->taker.ended(s->taker.ctx, &why);
}

static int64_t run(struct exec_session *s, size_t room)
{
	enum kube_socket_state state;
	bool more = kube_socket_pump(s->socket, room, &state);
	bool late = s->status_heard && clock_mono_ms() >= s->due_ms;

	if (state != KUBE_SOCKET_OPEN || s->fault.rc || late) {
		end(s, !late);
		return INT64_MAX;
	}
	if (more && room)
		return clock_mono_ms();
	return s->status_heard ? s->due_ms : INT64_MAX;
}

static int64_t open_or_wait(struct exec_session *s)
{
	if (s->fault.rc) {
		fail(s, strcmp(s->fault.text, TOO_LONG) == 0 ? "command" : NULL, &s->fault);
		return INT64_MAX;
	}
	if (!s->socket && clock_mono_ms() >= s->asked_ms + PROTOCOL_PERMISSION_MS) {
		ask(s); /* the permission has expired */
		return s->asked_ms + ANSWER_MS;
	}
	if (!s->socket && clock_mono_ms() >= s->due_ms)
		open_socket(s);
	return s->socket || s->state != EXEC_OPENING ? INT64_MAX : s->due_ms;
}

int64_t exec_session_pump(struct exec_session *s, struct worker_stream *stream, size_t room)
{
	int64_t due_ms = INT64_MAX;

	if (!s->stream) {
		s->stream = stream;
		s->seek.stream = stream;
		s->reader = exec_reader_make(on_data, s); /* must not be moved afterwards */
	}
	if (s->state == EXEC_SEEKING) {
		due_ms = replica_seek_pump(&s->seek);
		if (s->seek.state == SEEK_FOUND)
			due_ms = choose_replica(s);
		else if (s->seek.state == SEEK_FAILED)
			fail(s, s->seek.pointer, &s->seek.fault);
	}
	if (s->state == EXEC_ASKING)
		due_ms = hear_permission(s);
	if (s->state == EXEC_OPENING)
		due_ms = open_or_wait(s);
	if (s->state == EXEC_RUNNING && !s->begun_told) {
		s->begun_told = true;
		s->taker.begun(s->taker.ctx);
		due_ms = clock_mono_ms();
	} else if (s->state == EXEC_RUNNING) {
		due_ms = run(s, room);
	}
	return due_ms;
}

bool exec_session_takes(const struct exec_session *s)
{
	return s->state == EXEC_RUNNING && kube_socket_takes(s->socket);
}

void exec_session_send(struct exec_session *s, unsigned channel, const char *data, size_t len)
{
	if (channel != EXEC_CLOSE || !s->is_v4)
		kube_socket_send(s->socket, (unsigned char)channel, data, len);
}

bool exec_session_can_close(const struct exec_session *s)
{
	return !s->is_v4;
}
