/*
 * The roots that a repair tracks from one walk over the cache to the next: each is due after some time, and forgotten
 * when a walk no longer finds it.
 *
 *	repair_list_begin(list);
 *	kube_cache_visit_all(cache, visitor, ...);  (calls repair_list_note() for each root concerned)
 *	repair_list_end(list);
 *	while ((item = repair_list_next(list, item)))
 *		(if due: repair it)
 *
 * Threads: one at a time.
 */
#ifndef KUBE_WORKER_REPAIR_REPAIR_LIST_H
#define KUBE_WORKER_REPAIR_REPAIR_LIST_H

#include "common/base/hash_table.h"
#include "common/container/fact.h"
#include "common/protocol.h"

/* The first member of a repair's own item. */
struct repair_item {
	struct hash_link by_uid;
	struct kube_uid uid; /* of the root */
	char id[PROTOCOL_ID_MAX + 1];
	int64_t due_ms; /* monotonic */
	bool seen;      /* in the current walk */
};

struct repair_list {
	struct hash_table by_uid;
	size_t item_size;
	size_t max; /* more roots wait until others are forgotten */
};

/* item_size: bytes of the repair's own item. Returns false if out of memory. */
bool repair_list_init(struct repair_list *list, size_t item_size, size_t max) must_check;

/* Free its items. A zeroed struct is allowed. */
void repair_list_clear(struct repair_list *list);

/* A walk begins, or has ended: roots that it did not note are forgotten. */
void repair_list_begin(struct repair_list *list);
void repair_list_end(struct repair_list *list);

/*
 * Note a root; borrowed. A new item is zeroed after its first member, and due in `patience_ms`. NULL: the list is full,
 * or out of memory.
 */
struct repair_item *repair_list_note(struct repair_list *list, const struct fact *root, int64_t patience_ms);

/* Iterate, unordered: item NULL: the first. NULL: end. */
struct repair_item *repair_list_next(const struct repair_list *list, const struct repair_item *item);

#endif
