/*
 * One end of a stream (common/protocol.h, STREAMS), as a state machine: what may be sent, what was received, when it is
 * over. Used by both processes. No threads, NATS or clock; stream_hub.h adds those.
 *
 *	OPEN --END sent, and END received--> OVER (RC_OK)
 *	  |--failure, CANCEL, timeout, protocol violation, or an error of the peer--> OVER (an error)
 *
 * Data received before it was over can still be taken.
 */
#ifndef COMMON_BUS_STREAM_END_H
#define COMMON_BUS_STREAM_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/bus/stream_frame.h"

enum stream_end_state {
	STREAM_OPEN,
	STREAM_OVER,
};

struct stream_end {
	enum stream_end_state state;
	struct error fault; /* OVER: the reason; RC_OK: both directions have ended */
	/* The last frame to send when OVER; STREAM_FRAME_KIND_COUNT: none. */
	enum stream_frame_kind last_word;

	uint64_t sent;     /* bytes */
	uint64_t may_send; /* the highest credit received */
	bool finished;     /* END was requested */
	bool end_told;

	uint64_t received; /* bytes */
	uint64_t granted;  /* the credit last sent */
	bool peer_ended;
	struct buf held; /* received and not taken; allocated only while not empty */
	size_t held_at;  /* offset of the remaining bytes */

	int64_t heard_ms; /* last frame received, monotonic */
	int64_t told_ms;  /* last frame sent; INT64_MIN: none yet */
};

/* Initialise. now_ms: monotonic, as all times here. Allocates nothing. */
void stream_end_init(struct stream_end *end, int64_t now_ms);

/* Free what it holds. */
void stream_end_clear(struct stream_end *end);

/* Process a received frame; a protocol violation ends the stream. No effect if it is over. */
void stream_end_receive(struct stream_end *end, const struct stream_frame *frame, int64_t now_ms);

/* End it: with an error for the peer, by cancelling, or because the peer no longer exists. */
void stream_end_fail(struct stream_end *end, const struct error *why);
void stream_end_cancel(struct stream_end *end);
void stream_end_lose(struct stream_end *end, const char *why);

/* Check the timeout: ends it if the peer was silent for too long. */
void stream_end_tick(struct stream_end *end, int64_t now_ms);

/* The number of bytes that may be sent now. */
size_t stream_end_room(const struct stream_end *end);

/* The frame for `len` bytes, at most stream_end_room(); they count as sent. The caller sets its data. */
struct stream_frame stream_end_send(struct stream_end *end, size_t len, int64_t now_ms);

/* No more data will be sent: END is due. */
void stream_end_finish(struct stream_end *end);

/* Take up to `max` received bytes. Returns the number. */
size_t stream_end_take(struct stream_end *end, void *to, size_t max);

/* The number of bytes that can be taken. */
size_t stream_end_waiting(const struct stream_end *end);

/* Whether no more data can follow. */
bool stream_end_is_drained(const struct stream_end *end);

/* Whether stream_end_next() has a frame to send. */
bool stream_end_has_next(const struct stream_end *end, int64_t now_ms);

/*
 * The control frame that is due, if any: END, CREDIT, or the last frame. It counts as sent. The caller sends pending
 * data first.
 */
bool stream_end_next(struct stream_end *end, int64_t now_ms, struct stream_frame *ret_frame);

#endif
