/*
 * From the bus to the operations and back: a bounded queue, a fixed number of threads, an answer to every request.
 */
#ifndef KUBE_WORKER_DISPATCHER_H
#define KUBE_WORKER_DISPATCHER_H

#include "common/bus/bus.h"
#include "common/kube/kube_auth.h"
#include "kube-worker/debt/sweeper.h"
#include "kube-worker/kube_health.h"
#include "kube-worker/operation/op_call.h"
#include "kube-worker/worker_metrics.h"

struct dispatcher;

/* Counts of one operation since the start. */
struct operation_counts {
	int64_t requests;
	int64_t errors;        /* answers that were our or Kubernetes' fault, not the client's */
	int64_t processing_ns; /* together */
	char last_error[ERROR_TEXT_MAX];
};

/* What a dispatcher works with; all of it outlives the dispatcher. */
struct dispatcher_parts {
	const struct op_env *env;
	size_t concurrency; /* operations that run at once */
	size_t streams;     /* that are open at once, beside them */
	struct bus *bus;
	struct kube_auth *auth;
	struct kube_health *health;
	struct sweeper *sweeper;
};

/*
 * Start the threads of the operations and listen for requests.
 *
 * ret_dispatcher  given to the caller (dispatcher_destroy).
 * Errors: RC_NO_MEMORY, RC_INTERNAL (threads), those of bus_subscribe().
 */
enum rc dispatcher_create(const struct dispatcher_parts *parts, struct dispatcher **ret_dispatcher, struct error *err)
	must_check;

/*
 * Take no new requests (another worker gets them), end the streams, finish what was taken, and flush the answers.
 * False when that took longer than timeout_ms: operations still run, and the dispatcher must not be destroyed.
 * Blocks.
 */
bool dispatcher_drain(struct dispatcher *dispatcher, int64_t timeout_ms);

/* Join the threads and free, after a dispatcher_drain() that was true. Takes NULL. */
void dispatcher_destroy(struct dispatcher *dispatcher);

/* A copy of what was counted. Any thread. */
void dispatcher_counts(struct dispatcher *dispatcher, enum operation operation, struct operation_counts *ret_counts);

/* What runs, waits and flows now. Any thread. */
struct worker_load dispatcher_load(struct dispatcher *dispatcher);

/* How many streams are open. Any thread. */
size_t dispatcher_streams(struct dispatcher *dispatcher);

#endif
