#include "common/container/change_cursor.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory_budget.h"

#define BITS 64u

static void begin(struct change_cursor *cursor, const struct change_list *list)
{
	cursor->in_snapshot = true;
	cursor->slot = 0;
	cursor->number = change_list_now(list);
	if (cursor->told)
		memset(cursor->told, 0, cursor->words * sizeof(*cursor->told));
}

struct change_cursor change_cursor_make(const struct change_list *list, change_filter shows, void *ctx)
{
	struct change_cursor cursor = { .shows = shows, .ctx = ctx };

	begin(&cursor, list);
	return cursor;
}

void change_cursor_clear(struct change_cursor *cursor)
{
	memory_budget_give(cursor->words * sizeof(*cursor->told));
	free(cursor->told);
	cursor->told = NULL;
	cursor->words = 0;
}

/* ---- state of the reader ----------------------------------------------------------------------------------------- */

/* Reserve bits for all slots, and spare ones. */
static enum rc make_room(struct change_cursor *cursor, const struct change_list *list, struct error *err)
{
	uint32_t needed = (change_list_slots(list) + BITS - 1) / BITS;
	uint32_t words = needed + needed / 4 + 1;
	size_t more = (words - cursor->words) * sizeof(*cursor->told);
	uint64_t *told;

	if (needed <= cursor->words)
		return RC_OK;
	if (!memory_budget_take(more))
		return error_set(err, RC_BUSY, "too many bytes of requests and responses in flight");
	told = reallocarray(cursor->told, words, sizeof(*told));
	if (!told) {
		memory_budget_give(more);
		return error_no_memory(err);
	}
	memset(told + cursor->words, 0, more);
	cursor->told = told;
	cursor->words = words;
	return RC_OK;
}

static bool knows(const struct change_cursor *cursor, uint32_t slot)
{
	return cursor->told[slot / BITS] >> slot % BITS & 1;
}

static void set_known(struct change_cursor *cursor, uint32_t slot, bool known)
{
	uint64_t bit = UINT64_C(1) << slot % BITS;

	if (known)
		cursor->told[slot / BITS] |= bit;
	else
		cursor->told[slot / BITS] &= ~bit;
}

static bool shows(const struct change_cursor *cursor, const struct change_item *item)
{
	return !item->gone && (!cursor->shows || cursor->shows(cursor->ctx, item));
}

static bool was_told(const struct change_cursor *cursor, const struct change_item *item, uint64_t number)
{
	return item->changed > number ? item->added <= number : shows(cursor, item);
}

enum rc change_cursor_resume(struct change_cursor *cursor, const struct change_list *list, uint64_t number,
			     struct error *err)
{
	enum rc rc;

	if (number < change_list_floor(list) || number > change_list_now(list))
		return error_set(err, RC_EXPIRED, "the changes since then are unknown");
	rc = make_room(cursor, list, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < change_list_slots(list); i++) {
		const struct change_item *item = change_list_at(list, i);

		set_known(cursor, i, item && was_told(cursor, item, number));
	}
	cursor->in_snapshot = false;
	cursor->number = number;
	return RC_OK;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static struct change_event next_of_snapshot(struct change_cursor *cursor, const struct change_list *list)
{
	while (cursor->slot < change_list_slots(list)) {
		const struct change_item *item = change_list_at(list, cursor->slot++);

		if (!item || !shows(cursor, item))
			continue;
		set_known(cursor, item->slot, true);
		return (struct change_event){ CHANGE_SNAPSHOT, item, 0 };
	}
	cursor->in_snapshot = false;
	return (struct change_event){ CHANGE_SYNCED, NULL, cursor->number };
}

/* Returns false if there is nothing to report. */
static bool judge(struct change_cursor *cursor, const struct change_item *item, struct change_event *ret_event)
{
	bool known = knows(cursor, item->slot);
	bool shown = shows(cursor, item);

	cursor->number = item->changed;
	set_known(cursor, item->slot, shown);
	if (!known && !shown)
		return false;
	*ret_event = (struct change_event){ !shown  ? CHANGE_DELETED
					    : known ? CHANGE_MODIFIED
						    : CHANGE_ADDED,
					    item, item->changed };
	return true;
}

enum rc change_cursor_next(struct change_cursor *cursor, const struct change_list *list, struct change_event *ret_event,
			   bool *ret_any, struct error *err)
{
	const struct change_item *item;
	enum rc rc = make_room(cursor, list, err);

	if (rc)
		return rc;
	if (cursor->number < change_list_floor(list))
		begin(cursor, list);
	*ret_any = true;
	if (cursor->in_snapshot) {
		*ret_event = next_of_snapshot(cursor, list);
		return RC_OK;
	}
	while ((item = change_list_after(list, cursor->number)) != NULL)
		if (judge(cursor, item, ret_event))
			return RC_OK;
	*ret_any = false;
	return RC_OK;
}
