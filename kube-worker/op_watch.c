/*
 * watch: all containers, and then their changes, as lines for an api-svc (common/protocol.h).
 */
#include <stdlib.h>

#include "common/base/clock.h"
#include "kube-worker/operation/op.h"
#include "kube-worker/streams/container_feed.h"
#include "kube-worker/streams/worker_stream.h"

#define BLOCK (16u * 1024) /* bytes of a frame */
#define BLOCKS_AT_ONCE 4   /* per turn */
#define LOOK_MS 50         /* while the cache is incomplete */

struct watch_source {
	struct stream_source base;
	const struct op_env *env;
	struct container_feed *feed; /* NULL: not yet */
	struct worker_stream *stream;
	bool begun;
	struct buf out;
};

static void wake(void *ctx)
{
	struct watch_source *s = ctx;

	worker_stream_wake(s->stream);
}

/* The stream begins when the cache is complete. RC_OK without having begun: not complete yet. */
static enum rc begin(struct watch_source *s, struct worker_stream *stream, struct error *err)
{
	bool ready = false;
	enum rc rc = RC_OK;

	if (!s->feed) {
		s->stream = stream; /* for wake() */
		rc = container_feed_open(s->env, wake, s, &s->feed, err);
	}
	if (!rc)
		rc = container_feed_is_ready(s->feed, &ready, err);
	if (rc || !ready)
		return rc;
	s->begun = true;
	return worker_stream_begin(stream, "application/jsonl", NULL, err);
}

/* Returns the time of the next call. */
static int64_t send(struct watch_source *s, struct error *err)
{
	int64_t due_ms = INT64_MAX;

	for (int i = 0; i < BLOCKS_AT_ONCE; i++) {
		size_t room = worker_stream_room(s->stream);
		size_t len = room < BLOCK ? room : BLOCK;

		if (!room)
			return INT64_MAX;
		if (s->out.len < len && container_feed_read(s->feed, len - s->out.len, &s->out, &due_ms, err))
			return INT64_MAX;
		len = s->out.len < len ? s->out.len : len;
		if (!len)
			return due_ms;
		worker_stream_send(s->stream, s->out.data, len);
		buf_consume(&s->out, len);
	}
	return clock_mono_ms();
}

static int64_t pump(struct stream_source *source, struct worker_stream *stream)
{
	struct watch_source *s = (struct watch_source *)source;
	struct error err = { .rc = RC_OK };
	int64_t due_ms = INT64_MAX;

	if (!s->begun) {
		err.rc = begin(s, stream, &err);
		due_ms = clock_mono_ms() + LOOK_MS;
	}
	if (s->begun && !err.rc)
		due_ms = send(s, &err);
	if (err.rc)
		worker_stream_fail(stream, &err);
	return due_ms;
}

static void free_source(struct stream_source *source)
{
	struct watch_source *s = (struct watch_source *)source;

	if (s->feed)
		container_feed_close(s->feed);
	buf_clear(&s->out);
	free(s);
}

static const struct stream_source_type type = { pump, free_source };

static enum rc open_source(const struct op_env *env, const cJSON *request unused, struct stream_source **ret_source,
			   struct error *err)
{
	struct watch_source *s = calloc(1, sizeof(*s));

	if (!s)
		return error_no_memory(err);
	s->base.type = &type;
	s->env = env;
	s->out = buf_make(2 * PROTOCOL_WATCH_LINE_MAX);
	*ret_source = &s->base;
	return RC_OK;
}

const struct op op_watch = { .open = open_source, .is_shared = true };
