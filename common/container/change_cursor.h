/*
 * How far one reader of a change_list has come: first all that is there, then each change, of those that its filter
 * shows. It knows what its reader has been told, a bit for each, so what leaves the filter is DELETED. A reader that
 * was too slow to hear of all that has gone gets all anew. No lock.
 *
 * 	BEGIN --all told--> SYNCED --> CHANGES --too much was forgotten--> BEGIN
 */
#ifndef COMMON_CONTAINER_CHANGE_CURSOR_H
#define COMMON_CONTAINER_CHANGE_CURSOR_H

#include "common/container/change_list.h"

enum change_type {
	CHANGE_SNAPSHOT, /* one of those that are there */
	CHANGE_SYNCED,   /* that was all */
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
	uint32_t slot;   /* of the snapshot: the next place */
	uint64_t number; /* of the last change that was told, or passed over */
	uint64_t *told;  /* a bit for each place: the reader knows what is in it. In the memory budget */
	uint32_t words;
};

/* A cursor at the begin: it tells all. Allocates nothing. */
struct change_cursor change_cursor_make(const struct change_list *list, change_filter shows, void *ctx);

/*
 * Go on after that number, as a reader with this filter that has been told all up to it. What it was told of things
 * that have changed since is not known: these are told as MODIFIED or DELETED when they were there.
 *
 * Errors: RC_EXPIRED the number is not known, or not any more: the cursor is unchanged; RC_BUSY, RC_NO_MEMORY.
 */
enum rc change_cursor_resume(struct change_cursor *cursor, const struct change_list *list, uint64_t number,
			     struct error *err) must_check;

void change_cursor_clear(struct change_cursor *cursor);

struct change_event {
	enum change_type type;
	const struct change_item *item; /* NULL: SYNCED; borrowed until the list's next change */
	uint64_t number; /* what the reader may resume from afterwards; 0: nothing, as within a snapshot */
};

/*
 * The next to tell; it counts as told. False: nothing until the list's next change.
 * Errors: RC_BUSY the memory budget is spent, RC_NO_MEMORY: nothing was told, ask again later.
 */
enum rc change_cursor_next(struct change_cursor *cursor, const struct change_list *list, struct change_event *ret_event,
			   bool *ret_any, struct error *err) must_check;

#endif
