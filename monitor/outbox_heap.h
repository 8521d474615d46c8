/*
 * A binary heap of outbox entries by due_ms; each entry knows its place, so that it can move and leave.
 */
#ifndef MONITOR_OUTBOX_HEAP_H
#define MONITOR_OUTBOX_HEAP_H

#include "monitor/outbox.h"

struct outbox_heap {
	struct outbox_entry **items; /* items[0] is not used */
	size_t capacity;
	size_t count;
};

/* Make room for `count` entries. False: no memory. */
bool outbox_heap_reserve(struct outbox_heap *heap, size_t count) must_check;

/* Put the entry where its due_ms belongs: in, to another place, or out when it is OUTBOX_NEVER. Room was reserved. */
void outbox_heap_place(struct outbox_heap *heap, struct outbox_entry *entry);

/* Take the entry out, if it is in. */
void outbox_heap_remove(struct outbox_heap *heap, struct outbox_entry *entry);

/* The entry that is due first; NULL: none. */
struct outbox_entry *outbox_heap_first(const struct outbox_heap *heap);

void outbox_heap_clear(struct outbox_heap *heap);

#endif
