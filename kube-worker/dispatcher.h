/*
 * Dispatches requests from the bus to operations: a bounded queue, a fixed number of threads, a reply to every request.
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
	int64_t errors;        /* errors of ours or of Kubernetes, not of the client */
	int64_t processing_ns; /* total */
	char last_error[ERROR_TEXT_MAX];
};

/* The parts of a dispatcher, which must outlive it. */
struct dispatcher_parts {
	const struct op_env *env;
	size_t concurrency; /* concurrent operations */
	size_t streams;     /* concurrent streams, in addition */
	struct bus *bus;
	struct kube_auth *auth;
	struct kube_health *health;
	struct sweeper *sweeper;
};

/*
 * Start the threads and receive requests.
 *
 * ret_dispatcher  owned by the caller (dispatcher_destroy).
 * Errors: RC_NO_MEMORY, RC_INTERNAL (threads), those of bus_subscribe().
 */
enum rc dispatcher_create(const struct dispatcher_parts *parts, struct dispatcher **ret_dispatcher, struct error *err)
	must_check;

/*
 * Stop receiving requests (other workers do), end the streams, finish accepted requests, and flush the replies. Returns
 * false after timeout_ms: operations are still running, and the dispatcher must not be destroyed. Blocks.
 */
bool dispatcher_drain(struct dispatcher *dispatcher, int64_t timeout_ms);

/* Join the threads and free, after a successful dispatcher_drain(). NULL is allowed. */
void dispatcher_destroy(struct dispatcher *dispatcher);

/* A copy of the statistics. Thread-safe. */
void dispatcher_counts(struct dispatcher *dispatcher, enum operation operation, struct operation_counts *ret_counts);

/* The current load. Thread-safe. */
struct worker_load dispatcher_load(struct dispatcher *dispatcher);

/* The number of open streams. Thread-safe. */
size_t dispatcher_streams(struct dispatcher *dispatcher);

#endif
