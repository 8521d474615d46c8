#include "common/bus/stream_frame.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/protocol.h"
#include "common/services/json.h"

#define RETRY_AFTER_MAX_S 3600

static const char *const statuses[STREAM_FRAME_KIND_COUNT] = {
	[STREAM_FRAME_DATA] = "DATA",
	[STREAM_FRAME_CREDIT] = "CREDIT",
	[STREAM_FRAME_END] = "END",
	[STREAM_FRAME_CANCEL] = "CANCEL",
};

bool stream_frame_is_last(const struct stream_frame *frame)
{
	return frame->kind == STREAM_FRAME_CANCEL || frame->kind == STREAM_FRAME_ERROR;
}

const char *stream_frame_status(enum stream_frame_kind kind, enum rc rc)
{
	return kind == STREAM_FRAME_ERROR ? rc_name(rc) : statuses[kind];
}

/* STREAM_FRAME_ERROR for all other statuses. */
static enum stream_frame_kind read_kind(const char *status)
{
	int kind = 0;

	while (kind < STREAM_FRAME_ERROR && strcmp(statuses[kind], status) != 0)
		kind++;
	return (enum stream_frame_kind)kind;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
	int64_t number;

	if (!text || !str_parse_int64(text, &number) || number < 0)
		return false;
	*ret_number = (uint64_t)number;
	return true;
}

static enum rc read_error(const struct stream_frame_texts *texts, struct error *ret_error, struct error *err)
{
	cleanup_json cJSON *tree = NULL;
	enum rc rc = rc_from_name(texts->status);
	int64_t retry_after_s;
	const char *detail;

	if (rc == RC_OK || texts->len > STREAM_ERROR_BODY_MAX)
		return error_set(err, RC_INTERNAL, "a stream frame has an unknown status");
	if (texts->len > 0 && json_parse(texts->data, texts->len, &tree, NULL))
		return error_set(err, RC_INTERNAL, "a stream frame has an invalid error");
	detail = json_string_at(tree, "detail");
	error_set(ret_error, rc, "%s", detail ? detail : "the peer sent no reason");
	retry_after_s = json_int_at(tree, "retry_after_s", 0);
	if (retry_after_s > 0)
		ret_error->retry_after_s = (int)(retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S);
	return RC_OK;
}

enum rc stream_frame_read(const struct stream_frame_texts *texts, struct stream_frame *ret_frame, struct error *err)
{
	struct stream_frame frame = { .kind = STREAM_FRAME_ERROR };
	enum rc rc = RC_OK;

	if (!texts->status)
		return error_set(err, RC_INTERNAL, "a frame of a stream without " PROTOCOL_HEADER_STATUS);
	frame.kind = read_kind(texts->status);
	if (!read_number(texts->offset, &frame.offset) || !read_number(texts->credit, &frame.credit))
		return error_set(err, RC_INTERNAL,
				 "a frame of a stream whose " PROTOCOL_HEADER_OFFSET " or " PROTOCOL_HEADER_CREDIT
				 " is no number");
	if (frame.kind == STREAM_FRAME_DATA) {
		frame.data = texts->data;
		frame.len = texts->len;
	} else if (frame.kind == STREAM_FRAME_ERROR) {
		rc = read_error(texts, &frame.error, err);
	}
	if (!rc)
		*ret_frame = frame;
	return rc;
}
