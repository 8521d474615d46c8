/*
 * Source and sink of a stream's data: created by an operation with OPERATION_REPLY_STREAM (op.h, open), and the
 * functions that it uses. All of it runs on one thread for all streams, the loop of streams.h, and must not block.
 */
#ifndef KUBE_WORKER_STREAMS_WORKER_STREAM_H
#define KUBE_WORKER_STREAMS_WORKER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/* A request whose reply is a stream; owned by streams.h. */
struct worker_stream;

struct stream_source;
struct kube_flow;

struct stream_source_type {
	/*
	 * Process pending work, at most a few frames: begin, send, take, finish or fail. Called initially, if there is
	 * more room or data, when the peer has finished, at the returned time, and after worker_stream_wake(). Returns
	 * when to call it again at the latest (clock_mono_ms()); now: after the other streams; INT64_MAX: only on
	 * events.
	 */
	int64_t (*pump)(struct stream_source *source, struct worker_stream *stream);
	/* The stream is over: finished, failed, cancelled, or the caller no longer exists. Free the source. */
	void (*free)(struct stream_source *source);
};

/* The first member of each source. */
struct stream_source {
	const struct stream_source_type *type;
};

/*
 * Open the stream, once: until then the caller waits, and receives a keepalive every second.
 *
 * content_type  of an HTTP response; NULL: the client's connection is upgraded to `protocol`.
 * Errors: those of stream_open() and bus_publish(); the stream has failed then.
 */
enum rc worker_stream_begin(struct worker_stream *stream, const char *content_type, const char *protocol,
			    struct error *err) must_check;

/* Bytes that worker_stream_send() accepts now; 0 before it has begun. */
size_t worker_stream_room(struct worker_stream *stream);

/* Send `len` bytes, at most worker_stream_room(). On failure the stream is over; free() follows. */
void worker_stream_send(struct worker_stream *stream, const void *data, size_t len);

/* Take up to `max` received bytes. Returns the number; 0: none yet, or worker_stream_is_drained(). */
size_t worker_stream_take(struct worker_stream *stream, void *to, size_t max);

/* Whether the caller has finished, and all data was taken. False before it has begun. */
bool worker_stream_is_drained(struct worker_stream *stream);

/* End the sending direction. The stream is over when the caller has finished too. */
void worker_stream_finish(struct worker_stream *stream);

/* End it with an error: the reply to the request, or the end of the stream. free() follows. */
void worker_stream_fail(struct worker_stream *stream, const struct error *why);

/* The same before it has begun, for an error in the request at `pointer`. */
void worker_stream_refuse(struct worker_stream *stream, const char *pointer, const struct error *why);

/* For calls to Kubernetes on this loop. */
struct kube_flow *worker_stream_kube(struct worker_stream *stream);

/*
 * Request permission from the caller (protocol.h, SETTLING 1). pump() is called on its reply; the timeout of 2 s is the
 * source's. A caller of v0.1 without permissions permits all.
 */
enum stream_permission { STREAM_PERMISSION_UNKNOWN, STREAM_PERMISSION_GIVEN, STREAM_PERMISSION_REFUSED };
void worker_stream_ask(struct worker_stream *stream);
enum stream_permission worker_stream_permission(struct worker_stream *stream);

/*
 * Probe the call while it runs (SETTLING 4). STREAM_PERMISSION_REFUSED: it has finished, its client has disconnected,
 * or its api-svc no longer exists. A probe without a reply may be repeated.
 */
void worker_stream_probe(struct worker_stream *stream);

/*
 * Before it has begun: reply with a value instead of a stream, for an operation with OPERATION_REPLY_VALUE. body: JSON.
 * free() follows.
 */
void worker_stream_reply(struct worker_stream *stream, const struct buf *body);

/* Schedule a call of pump(). Threads: any, until the source is freed. */
void worker_stream_wake(struct worker_stream *stream);

#endif
