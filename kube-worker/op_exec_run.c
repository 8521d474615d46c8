/*
 * exec_run: run a command in a container to completion and return its result. Outside the pool, because it may take
 * long; the caller receives a reply, not a stream.
 */
#include "kube-worker/operation/op.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/streams/exec_result.h"
#include "kube-worker/streams/exec_session.h"
#include "kube-worker/streams/worker_stream.h"

#define BLOCK 16384  /* bytes read from Kubernetes at once, and sent of stdin */
#define PROBE_MS 400 /* probe interval */

struct run_source {
	struct stream_source base; /* first member */
	struct exec_session session;
	struct worker_stream *stream; /* set by the first pump() */
	struct exec_result result;
	struct error fault; /* the error, if it failed */
	const char *input;  /* remaining stdin, owned by the request; NULL: none, or all was sent */
	int64_t timeout_ms;
	int64_t deadline_ms;
	int64_t probe_ms; /* next probe; INT64_MAX: not started */
	bool over;
};

static void refuse(struct run_source *s, const char *name, const struct error *why)
{
	char pointer[32];

	if (s->over)
		return;
	s->over = true;
	snprintf(pointer, sizeof(pointer), "/%s", name ? name : "");
	if (name)
		worker_stream_refuse(s->stream, pointer, why);
	else
		worker_stream_fail(s->stream, why);
}

static void on_begun(void *ctx)
{
	struct run_source *s = ctx;
	struct error err;

	s->probe_ms = clock_mono_ms() + PROBE_MS;
	if (!s->input || exec_session_can_close(&s->session))
		return;
	error_set(&err, RC_UNIMPLEMENTED,
		  "this Kubernetes release cannot close stdin of a command: 1.30 or newer is required");
	refuse(s, NULL, &err);
}

static void on_failed(void *ctx, const char *name, const struct error *why)
{
	refuse(ctx, name, why);
}

static void on_output(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct run_source *s = ctx;

	if (channel != EXEC_STATUS)
		exec_result_add(&s->result, channel, data, len);
	else if (exec_result_end(&s->result, data, len, &s->fault) == RC_OK)
		s->fault.rc = RC_OK;
}

static void on_ended(void *ctx, const struct error *why)
{
	struct run_source *s = ctx;
	struct buf body cleanup_buf = buf_make(PROTOCOL_REPLY_MAX);
	struct error err;

	if (s->fault.rc == RC_INVALID_ARGUMENT) {
		refuse(s, "command", &s->fault);
	} else if (s->fault.rc || why->rc || !s->result.ended) {
		refuse(s, NULL, s->fault.rc ? &s->fault : why);
	} else {
		exec_result_write(&s->result, &body);
		if (buf_check(&body, &err)) {
			refuse(s, NULL, &err);
			return;
		}
		s->over = true;
		worker_stream_reply(s->stream, &body);
	}
}

/* Followed by end of file. */
static void send_input(struct run_source *s)
{
	static const char stdin_channel = EXEC_STDIN;

	while (s->input && exec_session_takes(&s->session)) {
		size_t len = strlen(s->input);

		len = len < BLOCK ? len : BLOCK;
		if (len) {
			exec_session_send(&s->session, EXEC_STDIN, s->input, len);
			s->input += len;
		} else {
			exec_session_send(&s->session, EXEC_CLOSE, &stdin_channel, 1);
			s->input = NULL;
		}
	}
}

static void give_up(struct run_source *s)
{
	struct error err;

	error_set(&err, RC_TIMEOUT, "the command did not exit within %" PRId64 " ms; its connection was closed",
		  s->timeout_ms);
	refuse(s, NULL, &err);
}

/* Abort the command if its client has disconnected (protocol.h, SETTLING 4). */
static void look_for_client(struct run_source *s)
{
	struct error err;

	if (worker_stream_permission(s->stream) == STREAM_PERMISSION_REFUSED) {
		error_set(&err, RC_CANCELLED, "the client has disconnected: the command's connection was closed");
		refuse(s, NULL, &err);
	} else if (clock_mono_ms() >= s->probe_ms) {
		s->probe_ms = clock_mono_ms() + PROBE_MS;
		worker_stream_probe(s->stream);
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t pump(struct stream_source *source, struct worker_stream *stream)
{
	struct run_source *s = (struct run_source *)source;
	int64_t due_ms;

	s->stream = stream;
	if (!s->over && s->probe_ms != INT64_MAX)
		look_for_client(s);
	if (s->over)
		return INT64_MAX;
	if (clock_mono_ms() >= s->deadline_ms) {
		give_up(s);
		return INT64_MAX;
	}
	send_input(s);
	due_ms = exec_session_pump(&s->session, stream, BLOCK);
	if (s->input && exec_session_takes(&s->session))
		due_ms = clock_mono_ms(); /* there was no room for it before */
	return earlier(earlier(due_ms, s->deadline_ms), s->probe_ms);
}

static void free_source(struct stream_source *source)
{
	struct run_source *s = (struct run_source *)source;

	exec_session_clear(&s->session);
	exec_result_clear(&s->result);
	free(s);
}

static const struct stream_source_type type = { pump, free_source };

static enum rc open_source(const struct op_env *env, const cJSON *request, struct stream_source **ret_source,
			   struct error *err)
{
	struct run_source *s = calloc(1, sizeof(*s));
	const struct exec_session_taker taker = { on_begun, on_failed, on_output, on_ended, s };
	const struct exec_streams streams = { json_string_at(request, "stdin") != NULL, true, true, false };

	if (!s)
		return error_no_memory(err);
	s->base.type = &type;
	s->session = exec_session_make(env, request, streams, &taker);
	s->result = exec_result_make();
	s->input = json_string_at(request, "stdin");
	s->timeout_ms = json_int_at(request, "timeout_ms", PROTOCOL_DEADLINE_MAX_MS);
	s->deadline_ms = clock_mono_ms() + s->timeout_ms;
	s->probe_ms = INT64_MAX;
	*ret_source = &s->base;
	return RC_OK;
}

static const struct request_member members[] = {
	EXEC_SESSION_MEMBERS,
	{ .name = "stdin", .type = request_member_is_text, .form = "a text" },
	{ .name = "timeout_ms",
	  .type = request_member_is_int,
	  .form = "milliseconds",
	  .min = 1,
	  .max = PROTOCOL_DEADLINE_MAX_MS },
};

const struct op op_exec_run = { .members = members, .member_count = ARRAY_LEN(members), .open = open_source };
