/*
 * One frame of a stream between two processes (common/protocol.h, STREAMS): parsing. Pure.
 */
#ifndef COMMON_BUS_STREAM_FRAME_H
#define COMMON_BUS_STREAM_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define STREAM_ERROR_BODY_MAX 2048 /* bytes of the body of an error */

enum stream_frame_kind {
	STREAM_FRAME_DATA,
	STREAM_FRAME_CREDIT,
	STREAM_FRAME_END,
	STREAM_FRAME_CANCEL,
	STREAM_FRAME_ERROR,
	STREAM_FRAME_KIND_COUNT
};

/* The raw texts; NULL: absent. */
struct stream_frame_texts {
	const char *status;
	const char *offset;
	const char *credit;
	const char *data; /* NULL: none */
	size_t len;
};

struct stream_frame {
	enum stream_frame_kind kind;
	uint64_t offset;  /* bytes sent before it */
	uint64_t credit;  /* total bytes that the receiver may send */
	const char *data; /* DATA; borrowed */
	size_t len;
	struct error error; /* ERROR: the reason */
};

/*
 * Read a frame.
 *
 * ret_frame its data refer to the texts.
 * Errors: RC_INTERNAL malformed; RC_NO_MEMORY.
 */
enum rc stream_frame_read(const struct stream_frame_texts *texts, struct stream_frame *ret_frame, struct error *err)
	must_check;

/* Whether it ends the stream. */
bool stream_frame_is_last(const struct stream_frame *frame);

/* The status of a frame on the wire; `rc`: of an error, else RC_OK. */
const char *stream_frame_status(enum stream_frame_kind kind, enum rc rc);

#endif
