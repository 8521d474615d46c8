/*
 * exec: a command in a container; the stream carries its channels in both directions (common/exec_channel.h). api-svc
 * converts it to a WebSocket.
 */
#include "kube-worker/operation/op.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/streams/exec_session.h"
#include "kube-worker/streams/worker_stream.h"

#define BLOCK 16384           /* bytes read at once from the caller, and from Kubernetes */
#define OUT_MAX (256u * 1024) /* bytes: a block with frame headers, and a Status */
#define PROTOCOL "websocket"  /* the upgrade of the client's connection */
#define ROUNDS_MAX 4          /* blocks per direction and turn */

struct exec_source {
	struct stream_source base; /* first member */
	struct exec_session session;
	struct worker_stream *stream; /* set by the first pump() */
	struct exec_reader reader;    /* for input from the caller */
	struct buf out;               /* output for the caller */
	bool begun;
	bool ended;       /* Kubernetes has closed, with: */
	struct error end; /* RC_OK: normally */
	bool over;
};

static void fail(struct exec_source *s, const struct error *why)
{
	if (s->over)
		return;
	s->over = true;
	worker_stream_fail(s->stream, why);
}

/* ---- from Kubernetes --------------------------------------------------------------------------------------------- */

static void on_begun(void *ctx)
{
	struct exec_source *s = ctx;
	struct error err;

	s->begun = true;
	if (worker_stream_begin(s->stream, NULL, PROTOCOL, &err))
		s->over = true; /* the stream has failed */
}

static void on_failed(void *ctx, const char *name, const struct error *why)
{
	struct exec_source *s = ctx;
	char pointer[32];

	if (!name) {
		fail(s, why);
		return;
	}
	s->over = true;
	snprintf(pointer, sizeof(pointer), "/query/%s", name);
	worker_stream_refuse(s->stream, pointer, why);
}

static void on_output(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct exec_source *s = ctx;

	exec_frame_add(&s->out, channel, data, len);
}

static void on_ended(void *ctx, const struct error *why)
{
	struct exec_source *s = ctx;

	s->ended = true;
	s->end = *why;
}

/* ---- to and from the caller -------------------------------------------------------------------------------------- */

static void on_input(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct exec_source *s = ctx;
	struct error err;

	if (channel == EXEC_STDIN && !s->session.streams.in) {
		error_set(&err, RC_INVALID_ARGUMENT, "input received, but stdin was not requested");
		fail(s, &err);
	} else if (!s->over) {
		exec_session_send(&s->session, channel, data, len);
	}
}

/* Input that cannot be forwarded is not taken, so that the sender runs out of credit. */
static void take_input(struct exec_source *s)
{
	char block[BLOCK];
	struct error err;
	int i;

	for (i = 0; i < ROUNDS_MAX && !s->over && exec_session_takes(&s->session); i++) {
		size_t len = worker_stream_take(s->stream, block, sizeof(block));

		if (!len)
			return;
		if (exec_reader_frames(&s->reader, block, len, &err))
			fail(s, &err);
	}
	if (i == ROUNDS_MAX)
		worker_stream_wake(s->stream); /* there may be more */
}

static void send_output(struct exec_source *s)
{
	size_t room;

	while (s->out.len && (room = worker_stream_room(s->stream)) > 0) {
		size_t len = s->out.len < PROTOCOL_STREAM_DATA_MAX ? s->out.len : PROTOCOL_STREAM_DATA_MAX;

		len = len < room ? len : room;
		worker_stream_send(s->stream, s->out.data, len);
		buf_consume(&s->out, len);
	}
	if (!s->out.len)
		buf_clear(&s->out); /* allocated only while not empty */
}

static void finish_if_told(struct exec_source *s)
{
	if (!s->ended || s->over || s->out.len)
		return;
	if (s->end.rc) {
		fail(s, &s->end);
		return;
	}
	s->over = true;
	worker_stream_finish(s->stream);
}

static int64_t pump(struct stream_source *source, struct worker_stream *stream)
{
	struct exec_source *s = (struct exec_source *)source;
	struct error err;
	int64_t due_ms = 0; /* now */
	bool took;

	s->stream = stream;
	if (s->over)
		return INT64_MAX;
	if (s->begun)
		send_output(s);
	take_input(s);
	took = exec_session_takes(&s->session);
	for (int i = 0; i < ROUNDS_MAX && due_ms <= clock_mono_ms() && !s->over; i++) {
		due_ms = exec_session_pump(&s->session, stream, s->out.len ? 0 : BLOCK);
		if (s->begun)
			send_output(s);
	}
	if (!took && exec_session_takes(&s->session))
		worker_stream_wake(stream); /* what waited for room */
	if (buf_check(&s->out, &err))
		fail(s, &err);
	finish_if_told(s);
	return s->over ? INT64_MAX : due_ms;
}

static void free_source(struct stream_source *source)
{
	struct exec_source *s = (struct exec_source *)source;

	exec_session_clear(&s->session);
	exec_reader_clear(&s->reader);
	buf_clear(&s->out);
	free(s);
}

static const struct stream_source_type type = { pump, free_source };

static enum rc open_source(const struct op_env *env, const cJSON *request, struct stream_source **ret_source,
			   struct error *err)
{
	struct exec_source *s = calloc(1, sizeof(*s));
	const struct exec_session_taker taker = { on_begun, on_failed, on_output, on_ended, s };
	const struct exec_streams streams = { json_true_at(request, "stdin"), json_true_at(request, "stdout"),
					      json_true_at(request, "stderr"), json_true_at(request, "tty") };

	if (!s)
		return error_no_memory(err);
	s->base.type = &type;
	s->session = exec_session_make(env, request, streams, &taker);
	s->reader = exec_reader_make(on_input, s);
	s->out = buf_make(OUT_MAX);
	*ret_source = &s->base;
	return RC_OK;
}

static const struct request_member members[] = {
	EXEC_SESSION_MEMBERS,
	{ .name = "stdin", .type = request_member_is_bool, .form = "a boolean" },
	{ .name = "stdout", .type = request_member_is_bool, .form = "a boolean" },
	{ .name = "stderr", .type = request_member_is_bool, .form = "a boolean" },
	{ .name = "tty", .type = request_member_is_bool, .form = "a boolean" },
};

const struct op op_exec = { .members = members, .member_count = ARRAY_LEN(members), .open = open_source };
