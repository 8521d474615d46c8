/*
 * Requests that wait for a thread: a ring with a bound, first in, first out, each with a time by which it must begin.
 * No locks; the dispatcher's.
 */
#ifndef KUBE_WORKER_OPERATION_JOB_QUEUE_H
#define KUBE_WORKER_OPERATION_JOB_QUEUE_H

#include "common/bus/bus.h"
#include "kube-worker/operation/request_check.h"

struct job {
	struct bus_message *msg;
	enum operation operation;
	int64_t received_ns;            /* clock_mono_ns() */
	int64_t begin_by_ns;            /* later it is refused; INT64_MAX: it may wait */
	struct request_headers headers; /* their texts are the message's */
};

struct job_queue {
	struct job *jobs;
	size_t capacity;
	size_t head;
	size_t count;
};

/* Make an empty queue. Errors: RC_NO_MEMORY. */
enum rc job_queue_init(struct job_queue *queue, size_t capacity, struct error *err) must_check;

/* Free; the messages that are left in it are not its business. */
void job_queue_clear(struct job_queue *queue);

/*
 * Add a job, unless the queue is full or the job would begin too late.
 *
 * usual_ns  how long a job runs as a rule; threads: that take jobs. So it is refused early, not when its time is over.
 */
bool job_queue_push(struct job_queue *queue, const struct job *job, int64_t usual_ns, size_t threads) must_check;

/* Take the first job. The queue must not be empty. */
struct job job_queue_pop(struct job_queue *queue);

/* Take those whose time to begin is over, at most `max`; the others stay in order. Returns how many. */
size_t job_queue_take_late(struct job_queue *queue, int64_t now_ns, struct job *ret_late, size_t max);

/* The job at a place, 0..count-1; borrowed. */
const struct job *job_queue_at(const struct job_queue *queue, size_t index);

#endif
