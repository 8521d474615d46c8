/*
 * One end of a stream (common/protocol.h, STREAMS), as a state machine: what may be sent, what has come, when it is
 * over. Both processes have the same. No threads, no NATS, no clock of its own; stream_hub.h puts those around it.
 *
 *	OPEN --END told, and the peer's heard--> OVER (RC_OK)
 *	  |--fail, cancel, silence, a broken rule, or the peer's word--> OVER (an error)
 *
 * What had come before it was over can still be taken.
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
	struct error fault; /* OVER: why; RC_OK: both directions have ended */
	/* What is still to be told when it is OVER; STREAM_FRAME_KIND_COUNT: nothing. */
	enum stream_frame_kind last_word;

	uint64_t sent;     /* bytes */
	uint64_t may_send; /* the highest credit that was heard */
	bool finished;     /* no more is sent */
	bool end_told;

	uint64_t received; /* bytes */
	uint64_t granted;  /* the credit that was told last */
	bool peer_ended;
	struct buf held; /* received and not taken; memory only while there is something */
	size_t held_at;  /* where in it the rest begins */

	int64_t heard_ms; /* the peer, monotonic */
	int64_t told_ms;  /* it, INT64_MIN: nothing yet */
};

/* Begin. now_ms: monotonic, as all times here. Allocates nothing. */
void stream_end_init(struct stream_end *end, int64_t now_ms);

/* Free what it holds. */
void stream_end_clear(struct stream_end *end);

/* A frame has come; when its sender breaks a rule, the stream is over. Does nothing when it is. */
void stream_end_receive(struct stream_end *end, const struct stream_frame *frame, int64_t now_ms);

/* It is over: with an error that the peer is told, without wanting more, or with a peer that is gone. */
void stream_end_fail(struct stream_end *end, const struct error *why);
void stream_end_cancel(struct stream_end *end);
void stream_end_lose(struct stream_end *end, const char *why);

/* Time has passed: it is over when the peer was silent for too long. */
void stream_end_tick(struct stream_end *end, int64_t now_ms);

/* Bytes that may be sent now. */
size_t stream_end_room(const struct stream_end *end);

/* The frame for `len` bytes, no more than there is room for, which count as sent; its data are the caller's to set. */
struct stream_frame stream_end_send(struct stream_end *end, size_t len, int64_t now_ms);

/* No more is sent: END is to be told. */
void stream_end_finish(struct stream_end *end);

/* Take up to `max` bytes that have come. Returns how many. */
size_t stream_end_take(struct stream_end *end, void *to, size_t max);

/* How many could be taken. */
size_t stream_end_waiting(const struct stream_end *end);

/* Whether no more data can follow. */
bool stream_end_is_drained(const struct stream_end *end);

/* Whether stream_end_next() has a frame to send. */
bool stream_end_has_next(const struct stream_end *end, int64_t now_ms);

/*
 * What has to be told the peer now, if anything: END, CREDIT, or the last word. It counts as told.
 * Data are the caller's to send, before this.
 */
bool stream_end_next(struct stream_end *end, int64_t now_ms, struct stream_frame *ret_frame);

#endif
