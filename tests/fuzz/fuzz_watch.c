/*
 * The resume ids of clients, and the containers reported by workers: accepted or rejected, regardless of how they are
 * split.
 */
#include <stdlib.h>
#include <string.h>

#include "api-svc/accept.h"
#include "api-svc/watch_event.h"
#include "api-svc/watch_feed.h"
#include "tests/fuzz/fuzz.h"

static void check_id(const char *text)
{
	struct buf again cleanup_buf = buf_make(100);
	struct watch_id id;

	FUZZ_CHECK(!accept_names_events(text) || accept_allows_events(text));
	if (!watch_id_read(text, &id))
		return;
	watch_id_write(&id, &again);
	FUZZ_CHECK(strcmp(again.data, text) == 0);
}

/* A reader of the list: an unknown item must not be reported as deleted. */
static void read_all(struct change_cursor *cursor, const struct change_list *list)
{
	struct change_event event;
	bool any = true;

	while (any) {
		FUZZ_CHECK(change_cursor_next(cursor, list, &event, &any, NULL) == RC_OK);
		FUZZ_CHECK(!any || event.type == CHANGE_SYNCED || event.item);
		FUZZ_CHECK(!any || event.type == CHANGE_DELETED || !event.item || !event.item->gone);
	}
}

static enum rc feed_in_steps(const char *text, size_t len, size_t step, uint64_t *ret_now)
{
	struct watch_feed feed = watch_feed_make();
	struct change_list *list = NULL;
	struct change_cursor cursor;
	struct error err = { .rc = RC_OK };

	if (change_list_create(SIZE_MAX, &list, NULL))
		abort();
	cursor = change_cursor_make(list, NULL, NULL);
	for (size_t at = 0; at < len && !err.rc; at += step) {
		err.rc = watch_feed_add(&feed, text + at, len - at < step ? len - at : step, list, &err);
		FUZZ_CHECK(!err.rc || (err.rc == RC_INTERNAL && err.text[0]));
		read_all(&cursor, list);
	}
	*ret_now = change_list_now(list);
	change_cursor_clear(&cursor);
	watch_feed_clear(&feed);
	change_list_destroy(list);
	return err.rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	uint64_t whole;
	uint64_t cut;

	if (!text)
		return 0;
	check_id(text);
	FUZZ_CHECK(feed_in_steps((const char *)data, size, size + 1, &whole) ==
		   feed_in_steps((const char *)data, size, 7, &cut));
	FUZZ_CHECK(whole == cut);
	return 0;
}
