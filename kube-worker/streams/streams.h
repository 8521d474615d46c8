/*
 * The streams of this worker (common/protocol.h, STREAMS): beside the pool, so that a long one never takes a short
 * request's thread. One thread for all of them; each has a source (worker_stream.h).
 */
#ifndef KUBE_WORKER_STREAMS_STREAMS_H
#define KUBE_WORKER_STREAMS_STREAMS_H

#include "kube-worker/operation/job_queue.h"
#include "kube-worker/operation/op_call.h"

struct streams;

struct streams_options {
	const struct op_env *env; /* outlives the result, as the bus does */
	struct bus *bus;
	struct kube_auth *auth;
	size_t max; /* open at once */
	/* A request is over, also one that has failed; on the loop. request: may be NULL. */
	void (*ended)(void *ctx, const struct job *job, const cJSON *request, const struct error *err);
	void *ctx;
};

/*
 * Start the loop.
 * ret_streams: given to the caller. Errors: RC_NO_MEMORY, RC_INTERNAL (a thread), those of stream_hub_create() and
 * kube_flow_create().
 */
enum rc streams_create(const struct streams_options *options, struct streams **ret_streams, struct error *err)
	must_check;

/*
 * Take a request whose reply is a stream, with its message. False: as many as options.max are open, or the worker
 * ends; the message is the caller's then. Threads: any.
 */
bool streams_take(struct streams *streams, const struct job *job) must_check;

/* How many are open, or begin. Threads: any. */
size_t streams_count(struct streams *streams);

/* End them all, with an error that their callers are told, and take no more. Blocks for up to a second. */
void streams_end(struct streams *streams);

/* Stop the loop. Before bus_destroy(). Takes NULL. */
void streams_stop(struct streams *streams);

/* Free it, stopped; after bus_destroy(). Takes NULL. */
void streams_destroy(struct streams *streams);

#endif
