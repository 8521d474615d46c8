#include "common/exec_channel.h"

struct exec_reader exec_reader_make(exec_take *take, void *ctx)
{
	return (struct exec_reader){ .take = take, .ctx = ctx, .channel = -1, .held = buf_make(EXEC_CONTROL_MAX) };
}

void exec_reader_clear(struct exec_reader *reader)
{
	buf_clear(&reader->held);
}

/* Data of the current channel. */
static enum rc take_data(struct exec_reader *r, const char *data, size_t len, bool ends, struct error *err)
{
	enum rc rc;

	if (r->channel <= EXEC_STDERR) {
		if (len)
			r->take(r->ctx, (unsigned)r->channel, data, len);
		return RC_OK;
	}
	buf_add(&r->held, data, len);
	rc = buf_check(&r->held, err);
	if (!rc && ends)
		r->take(r->ctx, (unsigned)r->channel, r->held.data, r->held.len);
	if (rc || ends)
		buf_clear(&r->held);
	return rc;
}

enum rc exec_reader_message(struct exec_reader *r, const char *bytes, size_t len, bool begins, bool ends,
			    struct error *err)
{
	enum rc rc = RC_OK;

	if (begins)
		r->channel = -1;
	if (r->channel < 0 && len) {
		r->channel = (unsigned char)*bytes++;
		len--;
	}
	if (r->channel >= 0)
		rc = take_data(r, bytes, len, ends, err);
	return rc == RC_TOO_LARGE ? error_set(err, rc, "a message of channel %d has more than %u bytes", r->channel,
					      EXEC_CONTROL_MAX)
				  : rc;
}

/* The frame header is complete. */
static enum rc begin_frame(struct exec_reader *r, struct error *err)
{
	size_t len = (size_t)r->head[1] << 16 | (size_t)r->head[2] << 8 | r->head[3];

	r->channel = r->head[0];
	r->left = len;
	if (len > (r->channel <= EXEC_STDERR ? EXEC_FRAME_DATA_MAX : EXEC_CONTROL_MAX))
		return error_set(err, RC_INTERNAL, "a frame of channel %d has %zu bytes", r->channel, len);
	return len ? RC_OK : take_data(r, "", 0, true, err);
}

enum rc exec_reader_frames(struct exec_reader *r, const char *bytes, size_t len, struct error *err)
{
	enum rc rc = RC_OK;

	while (len && !rc) {
		size_t count = 1;

		if (r->left) {
			count = len < r->left ? len : r->left;
			r->left -= count;
			rc = take_data(r, bytes, count, r->left == 0, err);
		} else {
			r->head[r->head_len++] = (unsigned char)*bytes;
			if (r->head_len == EXEC_FRAME_HEAD) {
				r->head_len = 0;
				rc = begin_frame(r, err);
			}
		}
		bytes += count;
		len -= count;
	}
	return rc;
}

void exec_frame_add(struct buf *out, unsigned channel, const char *data, size_t len)
{
	do {
		size_t count = len < EXEC_FRAME_DATA_MAX ? len : EXEC_FRAME_DATA_MAX;
		const unsigned char head[EXEC_FRAME_HEAD] = { (unsigned char)channel, (unsigned char)(count >> 16),
							      (unsigned char)(count >> 8), (unsigned char)count };

		buf_add(out, head, sizeof(head));
		buf_add(out, data, count);
		data += count;
		len -= count;
	} while (len);
}
