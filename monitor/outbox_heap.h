/*
 * A binary heap of outbox entries by due_ms; entries store their positions, so that they can be moved and removed.
 */
#ifndef MONITOR_OUTBOX_HEAP_H
#define MONITOR_OUTBOX_HEAP_H

#include "monitor/outbox.h"

struct outbox_heap {
	struct outbox_entry **items; /* items[0] is not used */
	size_t capacity;
	size_t count;
};

/* Reserve memory for `count` entries. Returns false if out of memory. */
bool outbox_heap_reserve(struct outbox_heap *heap, size_t count) must_check;

/* Insert or move the entry by its due_ms, or remove it if OUTBOX_NEVER. Memory must be reserved. */
void outbox_heap_place(struct outbox_heap *heap, struct outbox_entry *entry);

/* Remove the entry, if present. */
void outbox_heap_remove(struct outbox_heap *heap, struct outbox_entry *entry);

/* The first due entry; NULL: none. */
struct outbox_entry *outbox_heap_first(const struct outbox_heap *heap);

void outbox_heap_clear(struct outbox_heap *heap);

#endif
