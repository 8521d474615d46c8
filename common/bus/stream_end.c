#include "common/bus/stream_end.h"

#include <string.h>

#include "common/protocol.h"

void stream_end_init(struct stream_end *end, int64_t now_ms)
{
	*end = (struct stream_end){
		.last_word = STREAM_FRAME_KIND_COUNT,
		.held = buf_make(PROTOCOL_STREAM_WINDOW),
		.heard_ms = now_ms,
		.told_ms = INT64_MIN,
	};
}

size_t stream_end_waiting(const struct stream_end *end)
{
	return end->held.len - end->held_at;
}

static void drop_held(struct stream_end *end)
{
	buf_clear(&end->held);
	end->held_at = 0;
}

void stream_end_clear(struct stream_end *end)
{
	drop_held(end);
}

/* ---- the end ---- */

static void set_over(struct stream_end *end, const struct error *why, enum stream_frame_kind last_word)
{
	if (end->state == STREAM_OVER)
		return;
	end->state = STREAM_OVER;
	end->fault = *why;
	end->last_word = last_word;
}

void stream_end_fail(struct stream_end *end, const struct error *why)
{
	set_over(end, why, STREAM_FRAME_ERROR);
}

static void fail(struct stream_end *end, enum rc rc, const char *why)
{
	struct error err;

	error_set(&err, rc, "%s", why);
	stream_end_fail(end, &err);
}

void stream_end_cancel(struct stream_end *end)
{
	struct error err;

	error_set(&err, RC_CANCELLED, "the stream was cancelled");
	set_over(end, &err, STREAM_FRAME_CANCEL);
}

void stream_end_lose(struct stream_end *end, const char *why)
{
	struct error err;

	error_set(&err, RC_UNAVAILABLE, "%s", why);
	set_over(end, &err, STREAM_FRAME_KIND_COUNT);
}

void stream_end_tick(struct stream_end *end, int64_t now_ms)
{
	if (now_ms - end->heard_ms >= PROTOCOL_STREAM_SILENCE_MS)
		fail(end, RC_UNAVAILABLE, "timeout: the peer of the stream is silent");
}

static void look_for_end(struct stream_end *end)
{
	const struct error good = { .rc = RC_OK };

	if (end->end_told && end->peer_ended)
		set_over(end, &good, STREAM_FRAME_KIND_COUNT);
}

/* ---- receiving ---- */

/* Discard the bytes that have been taken. */
static void keep(struct stream_end *end, const char *data, size_t len)
{
	buf_consume(&end->held, end->held_at);
	end->held_at = 0;
	buf_add(&end->held, data, len);
	if (end->held.failed) { /* the buffer is empty then */
		buf_clear(&end->held);
		fail(end, RC_NO_MEMORY, "out of memory");
		return;
	}
	end->received += len;
}

static void receive_data(struct stream_end *end, const struct stream_frame *frame)
{
	uint64_t data_end = frame->offset + frame->len;

	if (data_end <= end->received)
		return; /* duplicate */
	if (frame->offset < end->received)
		fail(end, RC_INTERNAL, "overlapping data in the stream");
	else if (end->peer_ended)
		fail(end, RC_INTERNAL, "data after the end of the stream");
	else if (data_end > end->granted)
		fail(end, RC_INTERNAL, "stream data exceeds the credit");
	else
		keep(end, frame->data, frame->len);
}

static void receive_end(struct stream_end *end, const struct stream_frame *frame)
{
	if (frame->offset < end->received) {
		fail(end, RC_INTERNAL, "end of the stream before its data");
		return;
	}
	end->peer_ended = true;
	look_for_end(end);
}

static void receive_cancel(struct stream_end *end, const struct stream_frame *frame unused)
{
	struct error err;

	error_set(&err, RC_CANCELLED, "the peer has cancelled the stream");
	set_over(end, &err, STREAM_FRAME_KIND_COUNT);
}

static void receive_error(struct stream_end *end, const struct stream_frame *frame)
{
	set_over(end, &frame->error, STREAM_FRAME_KIND_COUNT);
}

/* Every frame has a credit. */
static void receive_credit(struct stream_end *end unused, const struct stream_frame *frame unused)
{
}

static void (*const receivers[STREAM_FRAME_KIND_COUNT])(struct stream_end *end, const struct stream_frame *frame) = {
	[STREAM_FRAME_DATA] = receive_data,   [STREAM_FRAME_CREDIT] = receive_credit,
	[STREAM_FRAME_END] = receive_end,     [STREAM_FRAME_CANCEL] = receive_cancel,
	[STREAM_FRAME_ERROR] = receive_error,
};

void stream_end_receive(struct stream_end *end, const struct stream_frame *frame, int64_t now_ms)
{
	if (end->state == STREAM_OVER)
		return;
	end->heard_ms = now_ms;
	if (frame->offset > end->received && !stream_frame_is_last(frame)) {
		fail(end, RC_UNAVAILABLE, "stream data was lost");
		return;
	}
	if (frame->credit > end->sent + PROTOCOL_STREAM_CREDIT_MAX) {
		fail(end, RC_INTERNAL, "the credit of the stream is too large");
		return;
	}
	if (frame->credit > end->may_send)
		end->may_send = frame->credit;
	receivers[frame->kind](end, frame);
}

size_t stream_end_take(struct stream_end *end, void *to, size_t max)
{
	size_t waiting = stream_end_waiting(end);
	size_t got = waiting < max ? waiting : max;

	memcpy(to, end->held.data + end->held_at, got);
	end->held_at += got;
	if (got == waiting)
		drop_held(end);
	return got;
}

bool stream_end_is_drained(const struct stream_end *end)
{
	return stream_end_waiting(end) == 0 && (end->peer_ended || end->state == STREAM_OVER);
}

/* ---- sending ---- */

size_t stream_end_room(const struct stream_end *end)
{
	if (end->state == STREAM_OVER || end->finished || end->may_send <= end->sent)
		return 0;
	return (size_t)(end->may_send - end->sent);
}

void stream_end_finish(struct stream_end *end)
{
	end->finished = true;
}

/* The credit to grant to the peer. */
static uint64_t credit_of(const struct stream_end *end)
{
	return end->received - stream_end_waiting(end) + PROTOCOL_STREAM_WINDOW;
}

/* STREAM_FRAME_KIND_COUNT: none. */
static enum stream_frame_kind choose(const struct stream_end *end, int64_t now_ms)
{
	bool beat = end->told_ms == INT64_MIN || now_ms - end->told_ms >= PROTOCOL_STREAM_BEAT_MS;
	bool renew = !end->peer_ended && credit_of(end) - end->granted >= PROTOCOL_STREAM_WINDOW / 2;

	if (end->state == STREAM_OVER)
		return end->last_word;
	if (end->finished && (beat || !end->end_told))
		return STREAM_FRAME_END;
	return beat || renew ? STREAM_FRAME_CREDIT : STREAM_FRAME_KIND_COUNT;
}

struct stream_frame stream_end_send(struct stream_end *end, size_t len, int64_t now_ms)
{
	uint64_t offset = end->sent;

	end->sent += len;
	end->told_ms = now_ms;
	end->granted = credit_of(end);
	return (struct stream_frame){ .kind = STREAM_FRAME_DATA, .offset = offset, .credit = end->granted, .len = len };
}

bool stream_end_has_next(const struct stream_end *end, int64_t now_ms)
{
	return choose(end, now_ms) != STREAM_FRAME_KIND_COUNT;
}

bool stream_end_next(struct stream_end *end, int64_t now_ms, struct stream_frame *ret_frame)
{
	enum stream_frame_kind kind = choose(end, now_ms);

	if (kind == STREAM_FRAME_KIND_COUNT)
		return false;
	end->granted = credit_of(end);
	end->told_ms = now_ms;
	*ret_frame = (struct stream_frame){ .kind = kind, .offset = end->sent, .credit = end->granted };
	if (end->state == STREAM_OVER) {
		ret_frame->error = end->fault;
		end->last_word = STREAM_FRAME_KIND_COUNT;
	} else if (kind == STREAM_FRAME_END) {
		end->end_told = true;
		look_for_end(end);
	}
	return true;
}
