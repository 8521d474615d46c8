#include "kube-worker/operation/job_queue.h"

#include <stdlib.h>

#define DOUBT 2 /* tolerance of the estimated wait, so that a job that could start in time is not rejected */

enum rc job_queue_init(struct job_queue *queue, size_t capacity, struct error *err)
{
	*queue = (struct job_queue){ .jobs = calloc(capacity, sizeof(*queue->jobs)), .capacity = capacity };
	return queue->jobs ? RC_OK : error_no_memory(err);
}

void job_queue_clear(struct job_queue *queue)
{
	free(queue->jobs);
	*queue = (struct job_queue){ 0 };
}

static struct job *place(const struct job_queue *queue, size_t index)
{
	return &queue->jobs[(queue->head + index) % queue->capacity];
}

bool job_queue_push(struct job_queue *queue, const struct job *job, int64_t usual_ns, size_t threads)
{
	int64_t wait_ns = (int64_t)(queue->count + 1) * usual_ns / (int64_t)threads;
	bool hopeless = job->received_ns + wait_ns / DOUBT > job->begin_by_ns;

	if (queue->count == queue->capacity || hopeless)
		return false;
	*place(queue, queue->count++) = *job;
	return true;
}

struct job job_queue_pop(struct job_queue *queue)
{
	struct job job = *place(queue, 0);

	queue->head = (queue->head + 1) % queue->capacity;
	queue->count--;
	return job;
}

size_t job_queue_take_late(struct job_queue *queue, int64_t now_ns, struct job *ret_late, size_t max)
{
	size_t kept = 0;
	size_t late = 0;

	for (size_t i = 0; i < queue->count; i++) {
		struct job job = *place(queue, i);

		if (now_ns > job.begin_by_ns && late < max)
			ret_late[late++] = job;
		else
			*place(queue, kept++) = job;
	}
	queue->count = kept;
	return late;
}

const struct job *job_queue_at(const struct job_queue *queue, size_t index)
{
	return place(queue, index);
}
