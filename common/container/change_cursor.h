/*
 * The position of one reader of a change_list: first a snapshot, then each change, of the items that match its filter.
 * It has a bit per item that was reported, so an item that no longer matches is DELETED. A reader that missed deletions
 * gets a new snapshot. No lock.
 *
 * 	BEGIN --all reported--> SYNCED --> CHANGES --deletions missed--> BEGIN
 */
#ifndef COMMON_CONTAINER_CHANGE_CURSOR_H
#define COMMON_CONTAINER_CHANGE_CURSOR_H

#include "common/container/change_list.h"

enum change_type {
	CHANGE_SNAPSHOT, /* an existing item */
	CHANGE_SYNCED,   /* end of the snapshot */
	CHANGE_ADDED,
	CHANGE_MODIFIED,
	CHANGE_DELETED,
};

/* Whether it matches the filter. */
typedef bool (*change_filter)(void *ctx, const struct change_item *item);

struct change_cursor {
	change_filter shows; /* NULL: all */
	void *ctx;
	bool in_snapshot;
	uint32_t slot;   /* of the snapshot: the next slot */
	uint64_t number; /* of the last change that was reported, or skipped */
	uint64_t *told;  /* a bit per slot: its item was reported. In the memory budget */
	uint32_t words;
};

/* A cursor that starts with a snapshot. Allocates nothing. */
struct change_cursor change_cursor_make(const struct change_list *list, change_filter shows, void *ctx);

/*
 * Resume after that number, for a reader with the same filter. It is unknown which changed items it has seen: those
 * that existed are reported as MODIFIED or DELETED.
 *
 * Errors: RC_EXPIRED the number is unknown or expired: the cursor is unchanged; RC_BUSY, RC_NO_MEMORY.
 */
enum rc change_cursor_resume(struct change_cursor *cursor, const struct change_list *list, uint64_t number,
			     struct error *err) must_check;

void change_cursor_clear(struct change_cursor *cursor);

struct change_event {
	enum change_type type;
	const struct change_item *item; /* NULL: SYNCED; borrowed until the list's next change */
	uint64_t number;                /* to resume after this event; 0: not possible, as within a snapshot */
};

/*
 * The next event; it counts as reported. Returns false if there is none until the list's next change. Errors: RC_BUSY
 * the memory budget is used up, RC_NO_MEMORY: nothing was reported, retry later.
 */
enum rc change_cursor_next(struct change_cursor *cursor, const struct change_list *list, struct change_event *ret_event,
			   bool *ret_any, struct error *err) must_check;

#endif
