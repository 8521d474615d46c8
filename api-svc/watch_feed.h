/*
 * Parses the watch stream of a worker (common/protocol.h, watch) into a change_list, line by line. Pure.
 *
 * Before the first snapshot of a feed is complete no container is deleted, because a worker may have just started.
 */
#ifndef API_SVC_WATCH_FEED_H
#define API_SVC_WATCH_FEED_H

#include "common/base/buf.h"
#include "common/container/change_list.h"

struct watch_feed {
	struct buf line; /* the incomplete line */
	bool in_snapshot;
	bool synced; /* a snapshot was complete */
};

struct watch_feed watch_feed_make(void);
void watch_feed_clear(struct watch_feed *feed);

/*
 * Process received bytes. The facts of each item are its struct list_subject.
 *
 * Errors: RC_INTERNAL protocol violation; RC_BUSY, RC_NO_MEMORY as change_list_put(). The feed is unusable afterwards.
 */
enum rc watch_feed_add(struct watch_feed *feed, const char *bytes, size_t len, struct change_list *list,
		       struct error *err) must_check;

#endif
