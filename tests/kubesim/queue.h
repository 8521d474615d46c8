/*
 * The controllers' list: objects to be processed, earliest first. Locked by its owner.
 */
#ifndef KUBESIM_QUEUE_H
#define KUBESIM_QUEUE_H

#include "tests/kubesim/object.h"

struct sim_due {
	int64_t due_ms;            /* monotonic */
	struct sim_object *object; /* a reference, to any version of the object */
};

/* A heap: no element is earlier than the one at (index - 1) / 2. */
struct sim_queue {
	struct sim_due *items;
	size_t count;
	size_t capacity;
};

/* Add the object. Returns false if out of memory. */
bool sim_queue_push(struct sim_queue *q, struct sim_object *object, int64_t due_ms);

/* Remove the earliest element; its reference is owned by the caller. Must not be empty. */
struct sim_due sim_queue_pop(struct sim_queue *q);

void sim_queue_clear(struct sim_queue *q);

#endif
