/*
 * The body of a response: the result does not depend on how it is split, and nothing beyond the input is read.
 */
#include <string.h>

#include "common/base/buf.h"
#include "common/http/http_body.h"
#include "common/http/http_head.h"
#include "tests/fuzz/fuzz.h"

static enum http_body_event read_all(struct http_body *body, const char *bytes, size_t len, struct buf *out)
{
	enum http_body_event event = HTTP_BODY_PIECE;

	while (event == HTTP_BODY_PIECE) {
		const char *piece = NULL;
		size_t piece_len = 0;
		size_t used = 0;

		event = http_body_next(body, bytes, len, &used, &piece, &piece_len);
		FUZZ_CHECK(used <= len);
		if (event == HTTP_BODY_PIECE) {
			FUZZ_CHECK(piece_len > 0 && piece >= bytes && piece + piece_len <= bytes + used);
			buf_add(out, piece, piece_len);
		}
		bytes += used;
		len -= used;
	}
	FUZZ_CHECK(event != HTTP_BODY_MORE || len == 0);
	return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf at_once cleanup_buf = buf_make(size + 1);
	struct buf in_bytes cleanup_buf = buf_make(size + 1);
	const char *bytes = (const char *)data;
	enum http_body_event first;
	enum http_body_event second = HTTP_BODY_MORE;
	struct http_body body;
	struct http_body again;
	int status = 0;
	size_t head = 0;

	if (http_head_read(bytes, size, &status, &head) != HTTP_HEAD_COMPLETE ||
	    !http_body_begin(&body, status, bytes, head))
		return 0;
	again = body;
	first = read_all(&body, bytes + head, size - head, &at_once);
	for (size_t i = head; i < size && second == HTTP_BODY_MORE; i++)
		second = read_all(&again, bytes + i, 1, &in_bytes);
	FUZZ_CHECK(at_once.len == in_bytes.len && memcmp(at_once.data, in_bytes.data, at_once.len) == 0);
	FUZZ_CHECK(first == second || size == head);
	FUZZ_CHECK(first == HTTP_BODY_INVALID || http_body_may_end(&body) == http_body_may_end(&again));
	return 0;
}
