/*
 * Where a stream's bytes come from and go to: what an operation with OPERATION_REPLY_STREAM makes (op.h, open), and
 * what it may do with its stream. All of it runs on one thread for all streams, the loop of streams.h, and never
 * blocks.
 */
#ifndef KUBE_WORKER_STREAMS_WORKER_STREAM_H
#define KUBE_WORKER_STREAMS_WORKER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/* A request whose reply is a stream; streams.h owns it. */
struct worker_stream;

struct stream_source;
struct kube_flow;

struct stream_source_type {
	/*
	 * Do what can be done now, a few frames of it at most: begin, send, take, finish or fail. Called at first, when
	 * there is more room or more to take, when the other end has finished, when its time has come, and after
	 * worker_stream_wake(). Returns when to call it again at the latest (clock_mono_ms()); now: when the others
	 * have had their turn; INT64_MAX: not before something happens.
	 */
	int64_t (*pump)(struct stream_source *source, struct worker_stream *stream);
	/* The stream is over: it has finished or failed, the caller has cancelled it, or is gone. Free the source. */
	void (*free)(struct stream_source *source);
};

/* The first member of each kind of source. */
struct stream_source {
	const struct stream_source_type *type;
};

/*
 * Begin, once: until then the caller waits, and hears every second that its request runs.
 *
 * content_type  of an HTTP answer; NULL: `protocol` is what the client's connection is upgraded to.
 * Errors: those of stream_open() and bus_publish(); the stream has failed then.
 */
enum rc worker_stream_begin(struct worker_stream *stream, const char *content_type, const char *protocol,
			    struct error *err) must_check;

/* Bytes that worker_stream_send() takes now; 0 before it has begun. */
size_t worker_stream_room(struct worker_stream *stream);

/* Send `len` bytes, no more than there is room for. When they cannot be sent the stream is over; free() follows. */
void worker_stream_send(struct worker_stream *stream, const void *data, size_t len);

/* Take up to `max` bytes that the caller has sent. Returns how many; 0: none yet, or worker_stream_is_drained(). */
size_t worker_stream_take(struct worker_stream *stream, void *to, size_t max);

/* Has the caller finished, and all of it been taken? False before it has begun. */
bool worker_stream_is_drained(struct worker_stream *stream);

/* Send no more. The stream is over when the caller has finished too. */
void worker_stream_finish(struct worker_stream *stream);

/* End it with an error: the reply to the request, or the end of the stream. free() follows. */
void worker_stream_fail(struct worker_stream *stream, const struct error *why);

/* The same before it has begun, for one fault of the request: `pointer` says where, as those of problems do. */
void worker_stream_refuse(struct worker_stream *stream, const char *pointer, const struct error *why);

/* Calls to Kubernetes, on this loop. */
struct kube_flow *worker_stream_kube(struct worker_stream *stream);

/*
 * Before something is done that must not be done for a call that is over (protocol.h, SETTLING 1): ask the caller for
 * its permission. pump() is called when it has answered; whoever asks waits for no longer than 2 s. A caller that gives
 * none, of v0.1, permits all.
 */
enum stream_permission { STREAM_PERMISSION_UNKNOWN, STREAM_PERMISSION_GIVEN, STREAM_PERMISSION_REFUSED };
void worker_stream_ask(struct worker_stream *stream);
enum stream_permission worker_stream_permission(struct worker_stream *stream);

/*
 * The same question while it runs (SETTLING 4): does the call still wait for the reply? STREAM_PERMISSION_REFUSED: it
 * is over, its client has gone, or its api-svc has. A question without an answer may be asked again.
 */
void worker_stream_probe(struct worker_stream *stream);

/*
 * Before it has begun: it is no stream after all; this is the reply to the request, of an operation with
 * OPERATION_REPLY_VALUE. body: JSON. free() follows.
 */
void worker_stream_reply(struct worker_stream *stream, const struct buf *body);

/* Have pump() called soon. Threads: any, while the source is not freed. */
void worker_stream_wake(struct worker_stream *stream);

#endif
