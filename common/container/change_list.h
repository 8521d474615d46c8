/*
 * A set of items, each a text with an id, in the order of their last change: state, not history. Readers
 * (change_cursor.h) read at their own pace, without references to items. No lock, no clock.
 *
 * Changes have numbers, from 1. The last CHANGE_GONE_MAX deleted items are kept with their last text: a reader with a
 * number below change_list_floor() has missed deletions.
 */
#ifndef COMMON_CONTAINER_CHANGE_LIST_H
#define COMMON_CONTAINER_CHANGE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/hash_table.h"

#define CHANGE_GONE_MAX 2000

struct change_list;

struct change_item {
	struct hash_link by_id;
	char *id;
	char *text; /* the current or, if deleted, the last one */
	size_t len;
	void *facts;      /* data of the owner; one block, or NULL */
	uint32_t slot;    /* its slot, while it is kept */
	uint32_t told;    /* the last snapshot that contained it */
	uint64_t added;   /* the change that added it */
	uint64_t changed; /* the last one */
	bool gone;
	struct change_item *older, *newer; /* deleted: in the order of deletion */
};

/*
 * Make an empty list of at most `max` bytes, which are also reserved in the memory budget. Deleted items are dropped
 * earlier if there is no room.
 * ret_list: owned by the caller. Errors: RC_NO_MEMORY.
 */
enum rc change_list_create(size_t max, struct change_list **ret_list, struct error *err) must_check;

/* Free it with its items. NULL is allowed. */
void change_list_destroy(struct change_list *list);

/*
 * Add or update an item; an equal text is no change.
 *
 * id     copied.
 * text   `len` bytes, copied.
 * facts  of the text, taken over on RC_OK (free()); may be NULL.
 *
 * Errors: RC_BUSY no room; RC_NO_MEMORY. Nothing is changed then, except that deleted items may be dropped.
 */
enum rc change_list_put(struct change_list *list, const char *id, const char *text, size_t len, void *facts,
			struct error *err) must_check;

/* Delete an item, if it exists. */
void change_list_remove(struct change_list *list, const char *id);

/* Begin a snapshot: all existing items are put, and at the end all others are deleted. Equal texts are no changes. */
void change_list_begin_snapshot(struct change_list *list);
void change_list_end_snapshot(struct change_list *list);

/* The number of the last change; 0: none. */
uint64_t change_list_now(const struct change_list *list);

/* All deletions after this number are known. */
uint64_t change_list_floor(const struct change_list *list);

/* The number of slots. They are reused when their items are dropped. */
uint32_t change_list_slots(const struct change_list *list);

/* The item of a slot, possibly deleted; NULL: none. Borrowed until the next change. */
const struct change_item *change_list_at(const struct change_list *list, uint32_t slot);

/* The first item whose last change is after that number; NULL: none. Borrowed until the next change. */
const struct change_item *change_list_after(const struct change_list *list, uint64_t number);

#endif
