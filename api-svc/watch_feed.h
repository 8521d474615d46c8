/*
 * What a worker tells of all containers (common/protocol.h, watch), line by line into a change_list. Pure.
 *
 * Until the first snapshot of a feed is complete nothing is told as gone: a worker may be new to all of it.
 */
#ifndef API_SVC_WATCH_FEED_H
#define API_SVC_WATCH_FEED_H

#include "common/base/buf.h"
#include "common/container/change_list.h"

struct watch_feed {
	struct buf line; /* what has come of one that is not complete */
	bool in_snapshot;
	bool synced; /* a snapshot was complete */
};

struct watch_feed watch_feed_make(void);
void watch_feed_clear(struct watch_feed *feed);

/*
 * Take in what has come. The facts of each item are its struct list_subject.
 *
 * Errors: RC_INTERNAL it is not what the protocol says; RC_BUSY, RC_NO_MEMORY as change_list_put(). The feed is of no
 * use afterwards.
 */
enum rc watch_feed_add(struct watch_feed *feed, const char *bytes, size_t len, struct change_list *list,
		       struct error *err) must_check;

#endif
