/*
 * The queue of requests: a bounded FIFO, with a start deadline per request. No locks; protected by the dispatcher.
 */
#ifndef KUBE_WORKER_OPERATION_JOB_QUEUE_H
#define KUBE_WORKER_OPERATION_JOB_QUEUE_H

#include "common/bus/bus.h"
#include "kube-worker/operation/request_check.h"

struct job {
	struct bus_message *msg;
	enum operation operation;
	int64_t received_ns;            /* clock_mono_ns() */
	int64_t begin_by_ns;            /* rejected after that; INT64_MAX: no limit */
	struct request_headers headers; /* texts owned by the message */
};

struct job_queue {
	struct job *jobs;
	size_t capacity;
	size_t head;
	size_t count;
};

/* Make an empty queue. Errors: RC_NO_MEMORY. */
enum rc job_queue_init(struct job_queue *queue, size_t capacity, struct error *err) must_check;

/* Free it, but not the remaining messages. */
void job_queue_clear(struct job_queue *queue);

/*
 * Add a job, unless the queue is full or the job would start too late.
 *
 * usual_ns  the usual duration of a job; threads: the number of threads. Used to reject a job early.
 */
bool job_queue_push(struct job_queue *queue, const struct job *job, int64_t usual_ns, size_t threads) must_check;

/* Take the first job. The queue must not be empty. */
struct job job_queue_pop(struct job_queue *queue);

/* Take jobs whose start deadline has expired, at most `max`; the others stay in order. Returns the number. */
size_t job_queue_take_late(struct job_queue *queue, int64_t now_ns, struct job *ret_late, size_t max);

/* The job at an index, 0..count-1; borrowed. */
const struct job *job_queue_at(const struct job_queue *queue, size_t index);

#endif
