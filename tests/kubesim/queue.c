#include "tests/kubesim/queue.h"

#include <stdlib.h>

#define QUEUE_FIRST 256 /* elements */

static bool reserve(struct sim_queue *q)
{
	size_t capacity = q->capacity ? q->capacity * 2 : QUEUE_FIRST;
	struct sim_due *grown;

	if (q->count < q->capacity)
		return true;
	grown = realloc(q->items, capacity * sizeof(*grown));
	if (!grown)
		return false;
	q->items = grown;
	q->capacity = capacity;
	return true;
}

bool sim_queue_push(struct sim_queue *q, struct sim_object *object, int64_t due_ms)
{
	size_t at;

	if (!reserve(q))
		return false;
	for (at = q->count++; at > 0 && q->items[(at - 1) / 2].due_ms > due_ms; at = (at - 1) / 2)
		q->items[at] = q->items[(at - 1) / 2];
	q->items[at] = (struct sim_due){ .due_ms = due_ms, .object = sim_object_ref(object) };
	return true;
}

struct sim_due sim_queue_pop(struct sim_queue *q)
{
	struct sim_due first = q->items[0];
	struct sim_due last = q->items[--q->count];
	size_t at = 0;

	for (size_t child = 1; child < q->count; child = at * 2 + 1) {
		if (child + 1 < q->count && q->items[child + 1].due_ms < q->items[child].due_ms)
			child++;
		if (q->items[child].due_ms >= last.due_ms)
			break;
		q->items[at] = q->items[child];
		at = child;
	}
	q->items[at] = last;
	return first;
}

void sim_queue_clear(struct sim_queue *q)
{
	for (size_t i = 0; i < q->count; i++)
		sim_object_unref(q->items[i].object);
	free(q->items);
	*q = (struct sim_queue){ 0 };
}
