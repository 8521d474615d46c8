#include <criterion/criterion.h>
#include <string.h>

#include "common/bus/stream_frame.h"

#define NOTHING STREAM_FRAME_KIND_COUNT /* malformed */

static const struct frame_case {
	const char *status, *offset, *credit, *body;
	enum stream_frame_kind kind;
	uint64_t offset_read, credit_read;
	enum rc rc; /* of its error */
	const char *text;
	int retry_after_s;
} cases[] = {
	{ "DATA", "0", "65536", "x", STREAM_FRAME_DATA, 0, 65536, RC_OK, "", 0 },
	{ "CREDIT", "9223372036854775807", "1", "", STREAM_FRAME_CREDIT, INT64_MAX, 1, RC_OK, "", 0 },
	{ "END", "3", "0", "", STREAM_FRAME_END, 3, 0, RC_OK, "", 0 },
	{ "CANCEL", "0", "0", "", STREAM_FRAME_CANCEL, 0, 0, RC_OK, "", 0 },
	{ "BUSY", "0", "0", "{\"detail\":\"full\",\"retry_after_s\":7}", STREAM_FRAME_ERROR, 0, 0, RC_BUSY, "full", 7 },
	{ "BUSY", "0", "0", "{\"retry_after_s\":1e9}", STREAM_FRAME_ERROR, 0, 0, RC_BUSY, "the peer sent no reason",
	  3600 },
	{ "NEWER", "0", "0", "", STREAM_FRAME_ERROR, 0, 0, RC_INTERNAL, "the peer sent no reason", 0 },
	{ "BUSY", "0", "0", "{", NOTHING, 0, 0, RC_OK, "", 0 },
	{ "OK", "0", "0", "", NOTHING, 0, 0, RC_OK, "", 0 },
	{ NULL, "0", "0", "", NOTHING, 0, 0, RC_OK, "", 0 },
	{ "DATA", NULL, "0", "x", NOTHING, 0, 0, RC_OK, "", 0 },
	{ "DATA", "0", NULL, "x", NOTHING, 0, 0, RC_OK, "", 0 },
	{ "DATA", "-1", "0", "x", NOTHING, 0, 0, RC_OK, "", 0 },
	{ "DATA", "0", "9223372036854775808", "x", NOTHING, 0, 0, RC_OK, "", 0 },
	{ "DATA", "0x1", "0", "x", NOTHING, 0, 0, RC_OK, "", 0 },
	{ "DATA", "", "0", "x", NOTHING, 0, 0, RC_OK, "", 0 },
};

Test(stream_frame, frames_are_parsed_or_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct frame_case *c = &cases[i];
		struct stream_frame_texts texts = { c->status, c->offset, c->credit, c->body, strlen(c->body) };
		struct stream_frame frame = { .kind = NOTHING };
		struct error err = { .rc = RC_OK };

		cr_expect_eq(stream_frame_read(&texts, &frame, &err), c->kind == NOTHING ? RC_INTERNAL : RC_OK,
			     "%zu: %s", i, err.text);
		cr_expect_eq(frame.kind, c->kind, "%zu", i);
		cr_expect_eq(frame.offset, c->offset_read, "%zu", i);
		cr_expect_eq(frame.credit, c->credit_read, "%zu", i);
		cr_expect_eq(frame.error.rc, c->rc, "%zu", i);
		cr_expect_str_eq(frame.error.text, c->text, "%zu", i);
		cr_expect_eq(frame.error.retry_after_s, c->retry_after_s, "%zu", i);
		if (c->kind != NOTHING && c->kind != STREAM_FRAME_ERROR)
			cr_expect_str_eq(stream_frame_status(c->kind, RC_OK), c->status);
	}
	cr_expect_str_eq(stream_frame_status(STREAM_FRAME_ERROR, RC_BUSY), "BUSY");
}
