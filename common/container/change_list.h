/*
 * What there is, each thing as a text under its id, and in which order it has changed last: state, not history. Readers
 * (change_cursor.h) come at their own pace and hold nothing of it. No lock, no clock.
 *
 * Changes have numbers, from 1. What has gone is remembered with its last text, at most the CHANGE_GONE_MAX that have
 * gone last: who knows no number from change_list_floor() on cannot be told what has gone meanwhile.
 */
#ifndef COMMON_CONTAINER_CHANGE_LIST_H
#define COMMON_CONTAINER_CHANGE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/hash_table.h"

#define CHANGE_GONE_MAX 10000

struct change_list;

struct change_item {
	struct hash_link by_id;
	char *id;
	char *text; /* the newest; of one that has gone the last */
	size_t len;
	void *facts;      /* what its owner keeps with the text; one block, or NULL */
	uint32_t slot;    /* its place, for as long as it is remembered */
	uint32_t told;    /* the snapshot that has named it last */
	uint64_t added;   /* the change with which it came */
	uint64_t changed; /* the last one */
	bool gone;
	struct change_item *older, *newer; /* gone: in the order of their going */
};

/*
 * Make an empty list of at most so many bytes, which are counted into the memory budget as well. What has gone is
 * forgotten earlier when there is no room.
 * ret_list: owned by the caller. Errors: RC_NO_MEMORY.
 */
enum rc change_list_create(size_t max, struct change_list **ret_list, struct error *err) must_check;

/* Free it, with all that it holds. NULL is allowed. */
void change_list_destroy(struct change_list *list);

/*
 * Something is as `text` says; a text that is the same is no change.
 *
 * id     copied.
 * text   `len` bytes, copied.
 * facts  of the text, taken over on RC_OK (free()); may be NULL.
 *
 * Errors: RC_BUSY there is no room; RC_NO_MEMORY. Nothing is changed then, but that more is forgotten.
 */
enum rc change_list_put(struct change_list *list, const char *id, const char *text, size_t len, void *facts,
			struct error *err) must_check;

/* It has gone, if it was there. */
void change_list_remove(struct change_list *list, const char *id);

/* All that is there is about to be put; at the end what was not has gone. What is put again is no change by that. */
void change_list_begin_snapshot(struct change_list *list);
void change_list_end_snapshot(struct change_list *list);

/* The number of the last change; 0: there was none. */
uint64_t change_list_now(const struct change_list *list);

/* Since this number all that has gone is remembered. */
uint64_t change_list_floor(const struct change_list *list);

/* Places: 0 to this number. They are used again when what had one is forgotten. */
uint32_t change_list_slots(const struct change_list *list);

/* What is in a place, also when it has gone; NULL: nothing. Borrowed until the next change. */
const struct change_item *change_list_at(const struct change_list *list, uint32_t slot);

/* Of those that have changed last after that number, the first; NULL: none has. Borrowed until the next change. */
const struct change_item *change_list_after(const struct change_list *list, uint64_t number);

#endif
