/*
 * The events of `GET /containers:watch` (text/event-stream, WHATWG HTML section 9.2), and the ids to resume: list,
 * change and filter. Pure.
 */
#ifndef API_SVC_WATCH_EVENT_H
#define API_SVC_WATCH_EVENT_H

#include "common/base/buf.h"
#include "common/container/change_cursor.h"

struct watch_id {
	uint64_t list; /* a random number of each list */
	uint64_t number;
	uint32_t filter; /* a hash of the filter's text */
};

/* Parse a Last-Event-ID. Returns false unless in the form of watch_id_write(). */
bool watch_id_read(const char *text, struct watch_id *ret_id);

/* Append it. */
void watch_id_write(const struct watch_id *id, struct buf *out);

/* Append an event. id: of the list and the filter; the number is that of the event. */
void watch_event_write(const struct change_event *event, const struct watch_id *id, struct buf *out);

/* Append a comment, with the current id to resume; without one while its number is 0. */
void watch_comment_write(const struct watch_id *id, struct buf *out);

#endif
