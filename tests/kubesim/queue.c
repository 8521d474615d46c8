#include "tests/kubesim/queue.h"

#include <stdlib.h>

#define QUEUE_FIRST 256 /* nodes */

static void set(struct sim_queue *q, size_t index, struct sim_queue_node *node)
{
	q->nodes[index] = node;
	node->place = index + 1;
}

/* Move the node at `index` up until its parent is not later. */
static void rise(struct sim_queue *q, size_t index)
{
	struct sim_queue_node *node = q->nodes[index];

	while (index > 0 && q->nodes[(index - 1) / 2]->due_ms > node->due_ms) {
		set(q, index, q->nodes[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	set(q, index, node);
}

/* Move the node at `index` down until no child is earlier. */
static void sink(struct sim_queue *q, size_t index)
{
	struct sim_queue_node *node = q->nodes[index];

	for (size_t child = index * 2 + 1; child < q->count; child = index * 2 + 1) {
		if (child + 1 < q->count && q->nodes[child + 1]->due_ms < q->nodes[child]->due_ms)
			child++;
		if (q->nodes[child]->due_ms >= node->due_ms)
			break;
		set(q, index, q->nodes[child]);
		index = child;
	}
	set(q, index, node);
}

bool sim_queue_add(struct sim_queue *q, struct sim_queue_node *node, int64_t due_ms)
{
	if (node->place && node->due_ms <= due_ms)
		return true;
	node->due_ms = due_ms;
	if (node->place) {
		rise(q, node->place - 1);
		return true;
	}
	if (q->count == q->capacity) {
		size_t capacity = q->capacity ? q->capacity * 2 : QUEUE_FIRST;
		struct sim_queue_node **grown = realloc(q->nodes, capacity * sizeof(struct sim_queue_node *));

		if (!grown)
			return false;
		q->nodes = grown;
		q->capacity = capacity;
	}
	set(q, q->count++, node);
	rise(q, node->place - 1);
	return true;
}

void sim_queue_remove(struct sim_queue *q, struct sim_queue_node *node)
{
	size_t index;

	if (!node->place)
		return;
	index = node->place - 1;
	node->place = 0;
	q->count--;
	if (index == q->count)
		return;
	set(q, index, q->nodes[q->count]);
	rise(q, index);
	sink(q, q->nodes[index]->place - 1);
}

struct sim_queue_node *sim_queue_first(const struct sim_queue *q)
{
	return q->count ? q->nodes[0] : NULL;
}

void sim_queue_clear(struct sim_queue *q)
{
	free(q->nodes);
	*q = (struct sim_queue){ 0 };
}
