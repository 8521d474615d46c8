/*
 * The streams of this worker (common/protocol.h, STREAMS): outside the pool, so that they do not occupy its threads.
 * One thread for all of them; each has a source (worker_stream.h).
 */
#ifndef KUBE_WORKER_STREAMS_STREAMS_H
#define KUBE_WORKER_STREAMS_STREAMS_H

#include "kube-worker/operation/job_queue.h"
#include "kube-worker/operation/op_call.h"

struct streams;

struct streams_options {
	const struct op_env *env; /* must outlive the result, as the bus */
	struct bus *bus;
	struct kube_auth *auth;
	size_t max; /* maximum number of open streams */
	/* A request has ended, successfully or not; on the loop. request: may be NULL. */
	void (*ended)(void *ctx, const struct job *job, const cJSON *request, const struct error *err);
	void *ctx;
};

/*
 * Start the loop.
 * ret_streams: owned by the caller. Errors: RC_NO_MEMORY, RC_INTERNAL (a thread), those of stream_hub_create() and
 * kube_flow_create().
 */
enum rc streams_create(const struct streams_options *options, struct streams **ret_streams, struct error *err)
	must_check;

/*
 * Take ownership of a request whose reply is a stream, with its message. Returns false at options.max, or during
 * shutdown; the caller then keeps the message. Threads: any.
 */
bool streams_take(struct streams *streams, const struct job *job) must_check;

/* The number of open streams, including those that have not begun. Threads: any. */
size_t streams_count(struct streams *streams);

/* End them all with an error for their callers, and reject new ones. Blocks for up to a second. */
void streams_end(struct streams *streams);

/* Stop the loop. Before bus_destroy(). NULL is allowed. */
void streams_stop(struct streams *streams);

/* Free it after stop and bus_destroy(). NULL is allowed. */
void streams_destroy(struct streams *streams);

#endif
