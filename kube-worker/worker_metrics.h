/*
 * The metrics of kube-worker: counters of requests, and the exported list.
 */
#ifndef KUBE_WORKER_WORKER_METRICS_H
#define KUBE_WORKER_WORKER_METRICS_H

#include "common/base/error.h"
#include "common/operation.h"
#include "common/services/metrics.h"

/* For struct metrics, including those of the parts. */
extern const struct metric *const *const worker_metrics[];

/* A request has ended, with its duration; or was rejected as busy. Thread-safe. */
void worker_metrics_done(enum operation operation, enum rc rc, int64_t took_ns);
void worker_metrics_refused(void);

/* The current load: running, queued and streamed. */
struct worker_load {
	size_t running;
	size_t waiting;
	size_t streams;
};
void worker_metrics_load(const struct worker_load *load);

#endif
