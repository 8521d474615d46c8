#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory_budget.h"
#include "common/container/change_cursor.h"

static struct change_list *new_list(void)
{
	struct change_list *list = NULL;

	cr_assert_eq(change_list_create(SIZE_MAX, &list, NULL), RC_OK);
	return list;
}

static void put(struct change_list *list, const char *id, const char *text)
{
	cr_assert_eq(change_list_put(list, id, text, strlen(text), NULL, NULL), RC_OK);
}

/* Current output of the cursor: "+id=text" added, "~" modified, "-" deleted, "." of the snapshot, "|" synced. */
static const char *told(struct change_cursor *cursor, const struct change_list *list)
{
	static const char marks[] = {
		[CHANGE_SNAPSHOT] = '.', [CHANGE_SYNCED] = '|',  [CHANGE_ADDED] = '+',
		[CHANGE_MODIFIED] = '~', [CHANGE_DELETED] = '-',
	};
	static char text[1024];
	size_t len = 0;
	struct change_event event;
	bool any = true;

	text[0] = '\0';
	while (any && len < sizeof(text) - 100) {
		cr_assert_eq(change_cursor_next(cursor, list, &event, &any, NULL), RC_OK);
		if (any)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%c%s%s%s ", marks[event.type],
						event.item ? event.item->id : "", event.item ? "=" : "",
						event.item ? event.item->text : "");
	}
	return text;
}

Test(change_cursor, sends_the_snapshot_and_then_each_change)
{
	struct change_list *list = new_list();
	struct change_cursor cursor;

	put(list, "a", "1");
	put(list, "b", "1");
	cursor = change_cursor_make(list, NULL, NULL);
	cr_expect_str_eq(told(&cursor, list), ".a=1 .b=1 | ");
	cr_expect_str_eq(told(&cursor, list), "");
	put(list, "c", "1");
	put(list, "a", "2");
	change_list_remove(list, "b");
	change_list_remove(list, "never");
	cr_expect_str_eq(told(&cursor, list), "+c=1 ~a=2 -b=1 ");
	put(list, "a", "2");
	cr_expect_str_eq(told(&cursor, list), "", "an identical value is not a change");
	put(list, "b", "1");
	cr_expect_str_eq(told(&cursor, list), "+b=1 ");
	change_cursor_clear(&cursor);
	change_list_destroy(list);
}

Test(change_cursor, a_slow_reader_gets_the_latest_value_of_each_item)
{
	struct change_list *list = new_list();
	struct change_cursor cursor = change_cursor_make(list, NULL, NULL);
	char text[16];

	cr_expect_str_eq(told(&cursor, list), "| ");
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		put(list, i % 2 ? "odd" : "even", text);
		put(list, "brief", "1");
		change_list_remove(list, "brief");
	}
	cr_expect_str_eq(told(&cursor, list), "+even=998 +odd=999 ",
			 "items created and deleted in between are skipped");
	change_cursor_clear(&cursor);
	change_list_destroy(list);
}

Test(change_cursor, changes_during_the_snapshot_follow_it)
{
	struct change_list *list = new_list();
	struct change_cursor cursor;
	struct change_event event;
	bool any;

	put(list, "a", "1");
	put(list, "b", "1");
	put(list, "c", "1");
	cursor = change_cursor_make(list, NULL, NULL);
	cr_assert_eq(change_cursor_next(&cursor, list, &event, &any, NULL), RC_OK);
	cr_expect_str_eq(event.item->id, "a");
	change_list_remove(list, "a");
	change_list_remove(list, "b");
	put(list, "c", "2");
	put(list, "d", "1");
	cr_expect_str_eq(told(&cursor, list), ".c=2 .d=1 | -a=1 ~c=2 ~d=1 ",
			 "b was never sent, so there is no deletion");
	change_cursor_clear(&cursor);
	change_list_destroy(list);
}

static bool starts_with(void *ctx, const struct change_item *item)
{
	return item->text[0] == *(const char *)ctx;
}

Test(change_cursor, an_item_that_no_longer_matches_is_deleted)
{
	char shown = 'x';
	struct change_list *list = new_list();
	struct change_cursor cursor;

	put(list, "a", "x1");
	put(list, "b", "y1");
	cursor = change_cursor_make(list, starts_with, &shown);
	cr_expect_str_eq(told(&cursor, list), ".a=x1 | ");
	put(list, "a", "y2");
	put(list, "b", "x2");
	cr_expect_str_eq(told(&cursor, list), "-a=y2 +b=x2 ");
	put(list, "b", "x3");
	put(list, "a", "y3");
	cr_expect_str_eq(told(&cursor, list), "~b=x3 ");
	change_list_remove(list, "a");
	change_list_remove(list, "b");
	cr_expect_str_eq(told(&cursor, list), "-b=x3 ");
	change_cursor_clear(&cursor);
	change_list_destroy(list);
}

Test(change_cursor, resumes_after_a_revision)
{
	char shown = 'x';
	struct change_list *list = new_list();
	struct change_cursor cursor = change_cursor_make(list, NULL, NULL);
	struct error err;
	uint64_t number;

	put(list, "stays", "x1");
	put(list, "goes", "x1");
	put(list, "changes", "x1");
	put(list, "leaves", "x1");
	put(list, "gone", "x1");
	change_list_remove(list, "gone");
	number = change_list_now(list);
	put(list, "changes", "x2");
	change_list_remove(list, "goes");
	put(list, "comes", "x1");
	put(list, "leaves", "y1");
	cr_assert_eq(change_cursor_resume(&cursor, list, number, &err), RC_OK);
	cr_expect_str_eq(told(&cursor, list), "~changes=x2 -goes=x1 +comes=x1 ~leaves=y1 ");
	cr_assert_eq(change_cursor_resume(&cursor, list, change_list_now(list), &err), RC_OK);
	cr_expect_str_eq(told(&cursor, list), "");
	cr_expect_eq(change_cursor_resume(&cursor, list, change_list_now(list) + 1, &err), RC_EXPIRED);
	change_cursor_clear(&cursor);
	cursor = change_cursor_make(list, starts_with, &shown);
	cr_assert_eq(change_cursor_resume(&cursor, list, number, &err), RC_OK);
	cr_expect_str_eq(told(&cursor, list), "~changes=x2 -goes=x1 +comes=x1 -leaves=y1 ");
	change_cursor_clear(&cursor);
	change_list_destroy(list);
}

Test(change_list, the_oldest_deletions_are_dropped)
{
	struct change_list *list = new_list();
	struct change_cursor quick = change_cursor_make(list, NULL, NULL);
	struct change_cursor slow;
	struct error err;
	char id[16];

	put(list, "stays", "1");
	cr_expect_str_eq(told(&quick, list), ".stays=1 | ~stays=1 ");
	slow = change_cursor_make(list, NULL, NULL);
	cr_expect_str_eq(told(&slow, list), ".stays=1 | ");
	for (int i = 0; i <= CHANGE_GONE_MAX; i++) {
		snprintf(id, sizeof(id), "g%d", i);
		put(list, id, "1");
		cr_assert_str_neq(told(&quick, list), "");
		change_list_remove(list, id);
		cr_assert(strchr(told(&quick, list), '-'));
	}
	cr_expect_eq(change_list_slots(list), CHANGE_GONE_MAX + 2);
	cr_expect_eq(change_list_floor(list), 3, "the deletion of g0");
	cr_expect_eq(change_cursor_resume(&quick, list, 2, &err), RC_EXPIRED);
	cr_expect_str_eq(told(&quick, list), "");
	cr_expect_str_eq(told(&slow, list), ".stays=1 | ", "restarts with a snapshot");
	put(list, "again", "1");
	cr_expect_str_eq(told(&slow, list), "+again=1 ", "in a reused slot");
	cr_expect_str_eq(told(&quick, list), "+again=1 ");
	change_cursor_clear(&quick);
	change_cursor_clear(&slow);
	change_list_destroy(list);
}

Test(change_list, items_missing_from_a_new_snapshot_are_deleted)
{
	struct change_list *list = new_list();
	struct change_cursor cursor;

	put(list, "a", "1");
	put(list, "b", "1");
	put(list, "c", "1");
	cursor = change_cursor_make(list, NULL, NULL);
	cr_expect_str_eq(told(&cursor, list), ".a=1 .b=1 .c=1 | ");
	change_list_begin_snapshot(list);
	put(list, "a", "1");
	put(list, "b", "2");
	put(list, "d", "1");
	cr_expect_str_eq(told(&cursor, list), "~b=2 +d=1 ", "nothing is deleted before the end of the snapshot");
	change_list_end_snapshot(list);
	cr_expect_str_eq(told(&cursor, list), "-c=1 ");
	change_cursor_clear(&cursor);
	change_list_destroy(list);
}

Test(change_list, the_memory_budget_limits_it)
{
	struct change_list *list = new_list();
	struct change_cursor cursor = change_cursor_make(list, NULL, NULL);
	char text[1000] = { 0 };
	char id[16];
	struct error err = { .rc = RC_OK };
	int count = 0;

	memory_budget_set(100000);
	memset(text, 'x', sizeof(text) - 1);
	while (!err.rc && count < 1000) {
		snprintf(id, sizeof(id), "i%d", count++);
		err.rc = change_list_put(list, id, text, strlen(text), NULL, &err);
	}
	cr_expect_eq(err.rc, RC_BUSY);
	cr_expect(count > 80 && count < 100, "%d", count);
	cr_expect(strstr(err.text, "memory"), "%s", err.text);
	cr_expect_eq(change_list_slots(list), (uint32_t)count - 1);
	cr_expect_eq(change_list_put(list, "i0", text, 1, NULL, &err), RC_OK, "a smaller value");
	change_list_remove(list, "i1");
	cr_expect_eq(change_list_floor(list), 0);
	cr_expect_eq(change_list_put(list, "new", text, strlen(text), NULL, &err), RC_OK, "replaces a deleted item");
	cr_expect_eq(change_list_floor(list), change_list_now(list) - 1);
	change_cursor_clear(&cursor);
	change_list_destroy(list);
	cr_expect(memory_budget_take(100000), "all memory was returned");
}

Test(change_list, its_size_limit_in_bytes_is_enforced)
{
	struct change_list *list = NULL;
	struct error err;
	char text[1000] = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	cr_assert_eq(change_list_create(3000, &list, NULL), RC_OK);
	put(list, "a", text);
	put(list, "b", text);
	cr_expect_eq(change_list_put(list, "c", text, strlen(text), NULL, &err), RC_BUSY);
	change_list_remove(list, "a");
	put(list, "a", text);
	change_list_remove(list, "b");
	put(list, "c", text);
	cr_expect_eq(change_list_put(list, "b", text, strlen(text), NULL, &err), RC_BUSY);
	put(list, "c", "1");
	put(list, "b", text);
	change_list_destroy(list);
}

/* Compared with a model that keeps everything: after reading, a reader has the current state. */
Test(change_list, readers_converge_in_any_order_of_changes_and_reads)
{
	enum { ITEMS = 12, READERS = 4 };
	char now[ITEMS] = { 0 };
	char known[READERS][ITEMS] = { { 0 } };
	struct change_cursor cursors[READERS];
	struct change_list *list = new_list();
	unsigned seed = 1;

	for (int r = 0; r < READERS; r++)
		cursors[r] = change_cursor_make(list, NULL, NULL);
	for (int step = 0; step < 20000; step++) {
		int item = rand_r(&seed) % ITEMS;
		int r = rand_r(&seed) % READERS;
		char id[8];
		struct change_event event;
		bool any;

		snprintf(id, sizeof(id), "%c", 'A' + item);
		now[item] = (char)(rand_r(&seed) % 3 ? 'a' + rand_r(&seed) % 20 : 0);
		if (now[item])
			cr_assert_eq(change_list_put(list, id, &now[item], 1, NULL, NULL), RC_OK);
		else
			change_list_remove(list, id);
		for (int i = rand_r(&seed) % 5; i > 0; i--) {
			cr_assert_eq(change_cursor_next(&cursors[r], list, &event, &any, NULL), RC_OK);
			if (!any || !event.item)
				continue;
			cr_assert_eq(event.type == CHANGE_ADDED || event.type == CHANGE_SNAPSHOT,
				     known[r][event.item->id[0] - 'A'] == 0);
			known[r][event.item->id[0] - 'A'] = event.type == CHANGE_DELETED ? 0 : event.item->text[0];
		}
	}
	for (int r = 0; r < READERS; r++) {
		struct change_event event;
		bool any = true;

		while (any) {
			cr_assert_eq(change_cursor_next(&cursors[r], list, &event, &any, NULL), RC_OK);
			if (any && event.item)
				known[r][event.item->id[0] - 'A'] = event.type == CHANGE_DELETED ? 0
												 : event.item->text[0];
		}
		cr_expect_arr_eq(known[r], now, ITEMS, "reader %d", r);
		change_cursor_clear(&cursors[r]);
	}
	change_list_destroy(list);
}
