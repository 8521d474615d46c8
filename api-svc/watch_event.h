/*
 * The events of `GET /containers:watch` as a client gets them (text/event-stream, WHATWG HTML section 9.2), and the ids
 * by which it resumes: which list, which change of it, which filter. Pure.
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

/* Read a Last-Event-ID. False: it is none that watch_id_write() has written. */
bool watch_id_read(const char *text, struct watch_id *ret_id);

/* Append it. */
void watch_id_write(const struct watch_id *id, struct buf *out);

/* Append an event. id: of the list and the filter; its number is the event's. */
void watch_event_write(const struct change_event *event, const struct watch_id *id, struct buf *out);

/* Append a comment, with the id from which to resume by now; without one while its number is 0. */
void watch_comment_write(const struct watch_id *id, struct buf *out);

#endif
