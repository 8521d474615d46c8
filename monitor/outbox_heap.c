#include "monitor/outbox_heap.h"

#include <stdlib.h>

bool outbox_heap_reserve(struct outbox_heap *heap, size_t count)
{
	size_t capacity = heap->capacity ? heap->capacity * 2 : 64;
	struct outbox_entry **items;

	if (count < heap->capacity)
		return true;
	items = realloc(heap->items, capacity * sizeof(struct outbox_entry *));
	if (!items)
		return false;
	heap->items = items;
	heap->capacity = capacity;
	return true;
}

static void set_item(struct outbox_heap *heap, size_t at, struct outbox_entry *entry)
{
	heap->items[at] = entry;
	entry->heap_at = (uint32_t)at;
}

static void rise(struct outbox_heap *heap, struct outbox_entry *entry)
{
	size_t at = entry->heap_at;

	while (at > 1 && heap->items[at / 2]->due_ms > entry->due_ms) {
		set_item(heap, at, heap->items[at / 2]);
		at /= 2;
	}
	set_item(heap, at, entry);
}

static void sink(struct outbox_heap *heap, struct outbox_entry *entry)
{
	size_t at = entry->heap_at;

	for (;;) {
		size_t child = at * 2;

		if (child < heap->count && heap->items[child + 1]->due_ms < heap->items[child]->due_ms)
			child++;
		if (child > heap->count || heap->items[child]->due_ms >= entry->due_ms)
			break;
		set_item(heap, at, heap->items[child]);
		at = child;
	}
	set_item(heap, at, entry);
}

void outbox_heap_remove(struct outbox_heap *heap, struct outbox_entry *entry)
{
	struct outbox_entry *last;

	if (!entry->heap_at)
		return;
	last = heap->items[heap->count--];
	if (last != entry) {
		set_item(heap, entry->heap_at, last);
		rise(heap, last);
		sink(heap, last);
	}
	entry->heap_at = 0;
}

void outbox_heap_place(struct outbox_heap *heap, struct outbox_entry *entry)
{
	if (entry->due_ms == OUTBOX_NEVER) {
		outbox_heap_remove(heap, entry);
		return;
	}
	if (!entry->heap_at)
		set_item(heap, ++heap->count, entry);
	rise(heap, entry);
	sink(heap, entry);
}

struct outbox_entry *outbox_heap_first(const struct outbox_heap *heap)
{
	return heap->count ? heap->items[1] : NULL;
}

void outbox_heap_clear(struct outbox_heap *heap)
{
	free(heap->items);
	*heap = (struct outbox_heap){ 0 };
}
