/*
 * The frames that an end of a stream receives over NATS, each "status|offset|credit|data" and a NUL, while its user
 * takes and sends as selected by the first byte. Accepted data stays within the window and is output unchanged, and
 * frames after the end have no effect.
 */
#include <string.h>

#include "common/base/strutil.h"
#include "common/bus/stream_end.h"
#include "common/protocol.h"
#include "tests/fuzz/fuzz.h"

#define FRAMES_MAX 256

static const char *field(char **rest)
{
	return *rest ? strsep(rest, "|") : NULL;
}

static void check_end(const struct stream_end *end)
{
	FUZZ_CHECK(stream_end_waiting(end) <= PROTOCOL_STREAM_WINDOW);
	FUZZ_CHECK(stream_end_room(end) <= PROTOCOL_STREAM_CREDIT_MAX);
	FUZZ_CHECK(end->received <= end->granted && end->sent <= end->may_send);
	FUZZ_CHECK(end->state == STREAM_OPEN || stream_end_room(end) == 0);
	FUZZ_CHECK(stream_end_waiting(end) > 0 || end->held.capacity == 0);
}

/* Accepted bytes are those of the frame. */
static void receive(struct stream_end *end, const struct stream_frame *frame)
{
	uint64_t before = end->received;
	bool was_over = end->state == STREAM_OVER;

	stream_end_receive(end, frame, 0);
	FUZZ_CHECK(!was_over || end->received == before);
	if (end->received == before)
		return;
	FUZZ_CHECK(frame->offset == before && end->received - before == frame->len);
	FUZZ_CHECK(memcmp(end->held.data + end->held.len - frame->len, frame->data, frame->len) == 0);
}

static void use(struct stream_end *end, uint8_t how)
{
	struct stream_frame told;
	char bytes[64];

	if (how & 1)
		(void)stream_end_take(end, bytes, how % sizeof(bytes));
	if ((how & 2) && stream_end_room(end) > 0)
		(void)stream_end_send(end, 1, 0);
	if ((how & 4) && stream_end_next(end, how & 8 ? PROTOCOL_STREAM_BEAT_MS : 0, &told))
		FUZZ_CHECK(told.offset == end->sent);
	if ((how & 0xF0) == 0xF0)
		stream_end_finish(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_end end;
	struct stream_frame frame;
	size_t at = 1;

	stream_end_init(&end, 0);
	(void)stream_end_next(&end, 0, &frame);
	for (int i = 0; i < FRAMES_MAX && at < size; i++) {
		size_t len = strnlen((const char *)data + at, size - at);
		cleanup_free char *text = strndup((const char *)data + at, len);
		char *rest = text;
		struct stream_frame_texts texts = { .status = field(&rest),
						    .offset = field(&rest),
						    .credit = field(&rest) };
		struct error err = { .rc = RC_OK };

		texts.data = rest;
		texts.len = rest ? strlen(rest) : 0;
		at += len + 1;
		if (stream_frame_read(&texts, &frame, &err)) {
			FUZZ_CHECK(err.rc == RC_INTERNAL && err.text[0]);
			continue;
		}
		FUZZ_CHECK(frame.kind < STREAM_FRAME_KIND_COUNT &&
			   (frame.kind == STREAM_FRAME_ERROR) == (frame.error.rc != RC_OK));
		receive(&end, &frame);
		check_end(&end);
		use(&end, (uint8_t)(data[0] + i));
		check_end(&end);
	}
	stream_end_clear(&end);
	return 0;
}
