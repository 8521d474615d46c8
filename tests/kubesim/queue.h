/*
 * A priority queue of nodes that lie inside other structs, ordered by time. Its owner does the locking.
 */
#ifndef KUBESIM_QUEUE_H
#define KUBESIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_queue_node {
	int64_t due_ms; /* monotonic */
	size_t place;   /* 0: not in the queue; else its index + 1 */
};

struct sim_queue {
	struct sim_queue_node **nodes;
	size_t count;
	size_t capacity;
};

/* Put the node in, or move it forward; an earlier time that it has already stays. False when memory is short. */
bool sim_queue_add(struct sim_queue *q, struct sim_queue_node *node, int64_t due_ms);

/* Take the node out if it is in. */
void sim_queue_remove(struct sim_queue *q, struct sim_queue_node *node);

/* The earliest node, still in the queue; NULL when it is empty. */
struct sim_queue_node *sim_queue_first(const struct sim_queue *q);

void sim_queue_clear(struct sim_queue *q);

#endif
