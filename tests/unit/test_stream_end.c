#include <criterion/criterion.h>
#include <string.h>

#include "common/bus/stream_end.h"
#include "common/protocol.h"

#define WINDOW PROTOCOL_STREAM_WINDOW
#define NOTHING STREAM_FRAME_KIND_COUNT
#define STEPS_MAX 12

enum op {
	OP_STOP, /* zeroed steps end a case */
	OP_FRAME,
	OP_TAKE,
	OP_SEND,
	OP_FINISH,
	OP_CANCEL,
	OP_FAIL,
	OP_LOSE,
	OP_AT,   /* the time, and a tick */
	OP_TELLS /* the expected result of stream_end_next() */
};

struct step {
	enum op op;
	int kind;
	uint64_t offset; /* or a number of bytes, or of milliseconds */
	uint64_t credit;
	size_t len;
};

#define DATA(offset, len)                                   \
	{                                                   \
		OP_FRAME, STREAM_FRAME_DATA, offset, 0, len \
	}
#define CREDIT(offset, credit)                                   \
	{                                                        \
		OP_FRAME, STREAM_FRAME_CREDIT, offset, credit, 0 \
	}
#define END(offset)                                      \
	{                                                \
		OP_FRAME, STREAM_FRAME_END, offset, 0, 0 \
	}
#define CANCEL                                         \
	{                                              \
		OP_FRAME, STREAM_FRAME_CANCEL, 0, 0, 0 \
	}
#define ERROR                                         \
	{                                             \
		OP_FRAME, STREAM_FRAME_ERROR, 0, 0, 0 \
	}
#define TAKE_BYTES(count)               \
	{                               \
		OP_TAKE, 0, count, 0, 0 \
	}
#define SEND(count)                     \
	{                               \
		OP_SEND, 0, count, 0, 0 \
	}
#define FINISH                        \
	{                             \
		OP_FINISH, 0, 0, 0, 0 \
	}
#define AT(ms)                     \
	{                          \
		OP_AT, 0, ms, 0, 0 \
	}
#define TELLS(kind, offset, credit)               \
	{                                         \
		OP_TELLS, kind, offset, credit, 0 \
	}
#define TELLS_NOTHING TELLS(NOTHING, 0, 0)
#define BEGIN TELLS(STREAM_FRAME_CREDIT, 0, WINDOW)

struct end_case {
	const char *what;
	struct step steps[STEPS_MAX];
	enum stream_end_state state;
	enum rc rc; /* OVER */
	size_t waiting;
	size_t room;
	bool drained;
};

/* clang-format off */
static const struct end_case cases[] = {
	{ "it starts with a credit, once", { BEGIN, TELLS_NOTHING }, STREAM_OPEN, RC_OK, 0, 0, false },
	{ "data are buffered until taken", { BEGIN, DATA(0, 5), DATA(5, 7) }, STREAM_OPEN, RC_OK, 12, 0, false },
	{ "data without a credit", { DATA(0, 1) }, STREAM_OVER, RC_INTERNAL, 0, 0, true },
	{ "data up to the credit", { BEGIN, DATA(0, WINDOW) }, STREAM_OPEN, RC_OK, WINDOW, 0, false },
	{ "data beyond the credit", { BEGIN, DATA(0, WINDOW), DATA(WINDOW, 1), TELLS(STREAM_FRAME_ERROR, 0, WINDOW), TELLS_NOTHING },
	  STREAM_OVER, RC_INTERNAL, WINDOW, 0, false },
	{ "a frame above the credit", { BEGIN, DATA(0, WINDOW + 1) }, STREAM_OVER, RC_INTERNAL, 0, 0, true },
	{ "a gap", { BEGIN, DATA(0, 5), DATA(6, 1), TELLS(STREAM_FRAME_ERROR, 0, WINDOW) }, STREAM_OVER, RC_UNAVAILABLE, 5, 0, false },
	{ "a gap detected by a credit", { BEGIN, DATA(0, 5), CREDIT(6, 0) }, STREAM_OVER, RC_UNAVAILABLE, 5, 0, false },
	{ "a gap detected by the end", { BEGIN, DATA(0, 5), END(6) }, STREAM_OVER, RC_UNAVAILABLE, 5, 0, false },
	{ "duplicate data", { BEGIN, DATA(0, 5), DATA(5, 5), DATA(0, 5), DATA(5, 5) }, STREAM_OPEN, RC_OK, 10, 0, false },
	{ "an old credit", { BEGIN, DATA(0, 5), CREDIT(0, 10) }, STREAM_OPEN, RC_OK, 5, 10, false },
	{ "data that overlap", { BEGIN, DATA(0, 5), DATA(3, 5) }, STREAM_OVER, RC_INTERNAL, 5, 0, false },
	{ "data after the end", { BEGIN, DATA(0, 5), END(5), DATA(5, 1) }, STREAM_OVER, RC_INTERNAL, 5, 0, false },
	{ "an end before its data", { BEGIN, DATA(0, 5), END(4) }, STREAM_OVER, RC_INTERNAL, 5, 0, false },
	{ "a duplicate end", { BEGIN, DATA(0, 5), END(5), END(5) }, STREAM_OPEN, RC_OK, 5, 0, false },
	{ "duplicate data after the end", { BEGIN, DATA(0, 5), END(5), DATA(0, 5) }, STREAM_OPEN, RC_OK, 5, 0, false },
	{ "an empty frame of data", { BEGIN, DATA(0, 0) }, STREAM_OPEN, RC_OK, 0, 0, false },
	{ "more than half of the window is buffered", { BEGIN, DATA(0, WINDOW), TAKE_BYTES(WINDOW / 2 - 1), TELLS_NOTHING },
	  STREAM_OPEN, RC_OK, WINDOW / 2 + 1, 0, false },
	{ "half of the window was taken", { BEGIN, DATA(0, WINDOW), TAKE_BYTES(WINDOW / 2), TELLS(STREAM_FRAME_CREDIT, 0, WINDOW * 3 / 2), TELLS_NOTHING },
	  STREAM_OPEN, RC_OK, WINDOW / 2, 0, false },
	{ "no credit after the end", { BEGIN, DATA(0, WINDOW), END(WINDOW), TAKE_BYTES(WINDOW), TELLS_NOTHING }, STREAM_OPEN, RC_OK, 0, 0, true },
	{ "nothing is sent without a credit", { BEGIN, CREDIT(0, 0) }, STREAM_OPEN, RC_OK, 0, 0, false },
	{ "a credit allows sending", { BEGIN, CREDIT(0, 100), SEND(30) }, STREAM_OPEN, RC_OK, 0, 70, false },
	{ "a lower credit is ignored", { CREDIT(0, 100), CREDIT(0, 50) }, STREAM_OPEN, RC_OK, 0, 100, false },
	{ "a credit above the limit", { CREDIT(0, PROTOCOL_STREAM_CREDIT_MAX + 1) }, STREAM_OVER, RC_INTERNAL, 0, 0, true },
	{ "a credit in another frame", { BEGIN, { OP_FRAME, STREAM_FRAME_DATA, 0, 10, 1 } }, STREAM_OPEN, RC_OK, 1, 10, false },
	{ "data count as a heartbeat, and have a credit", { BEGIN, CREDIT(0, 100), AT(900), SEND(1), AT(1800), TELLS_NOTHING, AT(1900), TELLS(STREAM_FRAME_CREDIT, 1, WINDOW) },
	  STREAM_OPEN, RC_OK, 0, 99, false },
	{ "a heartbeat every second", { BEGIN, AT(999), TELLS_NOTHING, AT(1000), BEGIN, TELLS_NOTHING }, STREAM_OPEN, RC_OK, 0, 0, false },
	{ "the end is sent once, and then as a heartbeat", { FINISH, TELLS(STREAM_FRAME_END, 0, WINDOW), TELLS_NOTHING, AT(1000), TELLS(STREAM_FRAME_END, 0, WINDOW) },
	  STREAM_OPEN, RC_OK, 0, 0, false },
	{ "after its own end it sends nothing", { CREDIT(0, 100), SEND(9), FINISH }, STREAM_OPEN, RC_OK, 0, 0, false },
	{ "after its own end it receives", { BEGIN, FINISH, TELLS(STREAM_FRAME_END, 0, WINDOW), DATA(0, 3) }, STREAM_OPEN, RC_OK, 3, 0, false },
	{ "after its own end it grants", { FINISH, TELLS(STREAM_FRAME_END, 0, WINDOW), DATA(0, WINDOW), TAKE_BYTES(WINDOW), TELLS(STREAM_FRAME_CREDIT, 0, 2 * WINDOW) },
	  STREAM_OPEN, RC_OK, 0, 0, false },
	{ "after the peer's end it sends", { CREDIT(0, 100), END(0), SEND(60) }, STREAM_OPEN, RC_OK, 0, 40, true },
	{ "both sides ended, we last", { BEGIN, DATA(0, 3), END(3), FINISH, TELLS(STREAM_FRAME_END, 0, WINDOW), TELLS_NOTHING }, STREAM_OVER, RC_OK, 3, 0, false },
	{ "both sides ended, we first", { BEGIN, FINISH, TELLS(STREAM_FRAME_END, 0, WINDOW), DATA(0, 3), END(3), TELLS_NOTHING }, STREAM_OVER, RC_OK, 3, 0, false },
	{ "our end is not sent yet", { BEGIN, FINISH, END(0) }, STREAM_OPEN, RC_OK, 0, 0, true },
	{ "the peer cancels", { BEGIN, DATA(0, 3), CANCEL, TELLS_NOTHING }, STREAM_OVER, RC_CANCELLED, 3, 0, false },
	{ "the peer cancels while we have no credit", { CREDIT(0, 1), SEND(1), CANCEL }, STREAM_OVER, RC_CANCELLED, 0, 0, true },
	{ "the peer fails", { BEGIN, CREDIT(0, 9), ERROR, TELLS_NOTHING }, STREAM_OVER, RC_BUSY, 0, 0, true },
	{ "frames after a cancel are ignored", { BEGIN, CANCEL, DATA(0, 3), CREDIT(0, 9), END(3) }, STREAM_OVER, RC_CANCELLED, 0, 0, true },
	{ "we cancel", { BEGIN, { OP_CANCEL, 0, 0, 0, 0 }, TELLS(STREAM_FRAME_CANCEL, 0, WINDOW), TELLS_NOTHING }, STREAM_OVER, RC_CANCELLED, 0, 0, true },
	{ "we fail", { BEGIN, CREDIT(0, 9), SEND(9), { OP_FAIL, 0, 0, 0, 0 }, TELLS(STREAM_FRAME_ERROR, 9, WINDOW) }, STREAM_OVER, RC_NOT_FOUND, 0, 0, true },
	{ "the first error is kept", { { OP_FAIL, 0, 0, 0, 0 }, { OP_CANCEL, 0, 0, 0, 0 }, TELLS(STREAM_FRAME_ERROR, 0, WINDOW), TELLS_NOTHING }, STREAM_OVER, RC_NOT_FOUND, 0, 0, true },
	{ "the peer is gone", { BEGIN, { OP_LOSE, 0, 0, 0, 0 }, TELLS_NOTHING }, STREAM_OVER, RC_UNAVAILABLE, 0, 0, true },
	{ "not silent for long", { BEGIN, AT(2000), DATA(0, 1), AT(4499) }, STREAM_OPEN, RC_OK, 1, 0, false },
	{ "silence", { BEGIN, AT(2499), AT(2500), TELLS(STREAM_FRAME_ERROR, 0, WINDOW) }, STREAM_OVER, RC_UNAVAILABLE, 0, 0, true },
	{ "silence after the end of the peer", { BEGIN, END(0), AT(2500) }, STREAM_OVER, RC_UNAVAILABLE, 0, 0, true },
	{ "silence after a duplicate", { BEGIN, DATA(0, 1), AT(1000), DATA(0, 1), AT(3499) }, STREAM_OPEN, RC_OK, 1, 0, false },
};
/* clang-format on */

static void receive(struct stream_end *end, const struct step *step, int64_t now_ms)
{
	static char bytes[2 * WINDOW];
	struct stream_frame frame = {
		.kind = (enum stream_frame_kind)step->kind,
		.offset = step->offset,
		.credit = step->credit,
		.data = bytes,
		.len = step->len,
	};

	error_set(&frame.error, RC_BUSY, "set by the test");
	stream_end_receive(end, &frame, now_ms);
}

static void check_next(const struct end_case *c, size_t at, struct stream_end *end, int64_t now_ms)
{
	const struct step *step = &c->steps[at];
	bool expected = stream_end_has_next(end, now_ms);
	struct stream_frame frame = { .kind = NOTHING };

	cr_expect_eq(stream_end_next(end, now_ms, &frame), expected, "%s, step %zu", c->what, at);
	cr_expect_eq((int)frame.kind, step->kind, "%s, step %zu: kind %d", c->what, at, (int)frame.kind);
	cr_expect_eq(frame.offset, step->offset, "%s, step %zu: offset %d", c->what, at, (int)frame.offset);
	cr_expect_eq(frame.credit, step->credit, "%s, step %zu: credit %d", c->what, at, (int)frame.credit);
}

static void do_step(const struct end_case *c, size_t at, struct stream_end *end, int64_t *now_ms)
{
	const struct step *step = &c->steps[at];
	static char bytes[2 * WINDOW];
	struct error err;

	switch (step->op) {
	case OP_FRAME:
		receive(end, step, *now_ms);
		break;
	case OP_TAKE:
		cr_expect_eq(stream_end_take(end, bytes, step->offset), step->offset, "%s, step %zu", c->what, at);
		break;
	case OP_SEND:
		cr_assert_geq(stream_end_room(end), step->offset, "%s, step %zu", c->what, at);
		cr_expect_eq(stream_end_send(end, step->offset, *now_ms).offset, end->sent - step->offset);
		break;
	case OP_FINISH:
		stream_end_finish(end);
		break;
	case OP_CANCEL:
		stream_end_cancel(end);
		break;
	case OP_FAIL:
		error_set(&err, RC_NOT_FOUND, "gone");
		stream_end_fail(end, &err);
		break;
	case OP_LOSE:
		stream_end_lose(end, "gone");
		break;
	case OP_AT:
		*now_ms = (int64_t)step->offset;
		stream_end_tick(end, *now_ms);
		break;
	case OP_TELLS:
		check_next(c, at, end, *now_ms);
		break;
	case OP_STOP:
		break;
	}
}

Test(stream_end, follows_the_protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct end_case *c = &cases[i];
		struct stream_end end;
		int64_t now_ms = 0;

		stream_end_init(&end, now_ms);
		for (size_t at = 0; at < STEPS_MAX; at++)
			do_step(c, at, &end, &now_ms);
		cr_expect_eq(end.state, c->state, "%s: state %d, %s", c->what, (int)end.state, end.fault.text);
		cr_expect_eq(end.fault.rc, c->rc, "%s: %s", c->what, end.fault.text);
		cr_expect_eq(stream_end_waiting(&end), c->waiting, "%s: %zu wait", c->what, stream_end_waiting(&end));
		cr_expect_eq(stream_end_room(&end), c->room, "%s: room for %zu", c->what, stream_end_room(&end));
		cr_expect_eq(stream_end_is_drained(&end), c->drained, "%s", c->what);
		stream_end_clear(&end);
	}
}

Test(stream_end, nothing_is_allocated_without_buffered_data)
{
	struct stream_end end;
	struct step data = DATA(0, 600);
	struct stream_frame frame;
	char bytes[600];

	stream_end_init(&end, 0);
	cr_expect(stream_end_next(&end, 0, &frame));
	receive(&end, &data, 0);
	cr_expect_eq(stream_end_take(&end, bytes, sizeof(bytes)), 600);
	cr_expect_eq(end.held.capacity, 0);
	stream_end_clear(&end);
}

Test(stream_end, bytes_are_delivered_in_order)
{
	struct stream_end end;
	struct stream_frame frame;
	uint8_t byte = 0;
	uint8_t seen = 0;
	uint64_t total = 0;

	stream_end_init(&end, 0);
	for (int round = 1; round < 3000; round++) {
		char bytes[997];
		size_t len = (size_t)round * 7 % sizeof(bytes) + 1;
		size_t got;

		(void)stream_end_next(&end, 0, &frame);
		if (total + len > end.granted)
			len = (size_t)(end.granted - total);
		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)byte++;
		frame = (struct stream_frame){ .kind = STREAM_FRAME_DATA, .offset = total, .data = bytes, .len = len };
		stream_end_receive(&end, &frame, 0);
		total += len;
		got = stream_end_take(&end, bytes, (size_t)round * 5 % sizeof(bytes));
		for (size_t i = 0; i < got; i++)
			cr_assert_eq((uint8_t)bytes[i], seen++);
	}
	cr_expect_eq(end.state, STREAM_OPEN, "%s", end.fault.text);
	cr_expect_eq((uint64_t)stream_end_waiting(&end), total - (end.received - stream_end_waiting(&end)));
	stream_end_clear(&end);
}
