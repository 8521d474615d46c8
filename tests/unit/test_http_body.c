#include <criterion/criterion.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/compiler.h"
#include "common/http/http_body.h"

#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct {
	int status;
	const char *headers;
	const char *bytes;
	const char *body;
	enum http_body_event event; /* the last */
	bool may_end;               /* the connection may be closed after all bytes */
} bodies[] = {
	{ 200, "", "all of it", "all of it", HTTP_BODY_MORE, true },
	{ 200, "Content-Length: 5\r\n", "12345", "12345", HTTP_BODY_END, true },
	{ 200, "Content-Length: 5\r\n", "1234567", "12345", HTTP_BODY_END, true },
	{ 200, "Content-Length: 5\r\n", "1234", "1234", HTTP_BODY_MORE, false },
	{ 200, "Content-Length: 0\r\n", "", "", HTTP_BODY_END, true },
	{ 204, "", "rest", "", HTTP_BODY_END, true },
	{ 304, "Content-Length: 5\r\n", "rest", "", HTTP_BODY_END, true },
	{ 500, "content-length: 2\r\n", "no", "no", HTTP_BODY_END, true },
	{ 200, CHUNKED, "", "", HTTP_BODY_MORE, false },
	{ 200, CHUNKED, "3\r\nabc\r\n", "abc", HTTP_BODY_MORE, false },
	{ 200, CHUNKED, "3\r\nabc\r\n0\r\n\r\nrest", "abc", HTTP_BODY_END, true },
	{ 200, CHUNKED, "3;ext=\"x\"\r\nabc\r\n0 \r\n\r\n", "abc", HTTP_BODY_END, true },
	{ 200, CHUNKED, "000a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", "0123456789x", HTTP_BODY_END, true },
	{ 200, CHUNKED, "0\r\nA: b\r\nC: d\r\n\r\n", "", HTTP_BODY_END, true },
	{ 200, CHUNKED, "0\r\nA: b\r\n", "", HTTP_BODY_MORE, false },
	{ 200, "Transfer-Encoding: Chunked\r\nContent-Length: 1\r\n", "2\r\nab\r\n0\r\n\r\n", "ab", HTTP_BODY_END,
	  true },
	{ 200, CHUNKED, "\r\nabc", "", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "x\r\n", "", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "-3\r\nabc", "", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "3\nabc", "", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "3\rabc", "", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "3\r\nabcd", "abc", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "3\r\nabc\n", "abc", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "0\r\nA: b\n\r\n", "", HTTP_BODY_INVALID, false },
	{ 200, CHUNKED, "10000000000000000\r\n", "", HTTP_BODY_INVALID, false },
};

static enum http_body_event read_all(struct http_body *body, const char *bytes, size_t len, struct buf *out)
{
	enum http_body_event event = HTTP_BODY_PIECE;

	while (event == HTTP_BODY_PIECE) {
		const char *piece = NULL;
		size_t piece_len = 0;
		size_t used = 0;

		event = http_body_next(body, bytes, len, &used, &piece, &piece_len);
		cr_assert_leq(used, len);
		if (event == HTTP_BODY_PIECE)
			buf_add(out, piece, piece_len);
		bytes += used;
		len -= used;
	}
	return event;
}

static struct http_body begin(size_t i)
{
	struct buf head cleanup_buf = buf_make(1024);
	struct http_body body;

	buf_addf(&head, "HTTP/1.1 %d X\r\n%s\r\n", bodies[i].status, bodies[i].headers);
	cr_assert(http_body_begin(&body, bodies[i].status, head.data, head.len), "%zu", i);
	return body;
}

Test(http_body, ends_as_declared_by_its_head)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct buf out cleanup_buf = buf_make(1024);
		struct http_body body = begin(i);

		cr_expect_eq(read_all(&body, bodies[i].bytes, strlen(bodies[i].bytes), &out), bodies[i].event, "%zu",
			     i);
		cr_expect_str_eq(out.data, bodies[i].body, "%zu", i);
		if (bodies[i].event != HTTP_BODY_INVALID)
			cr_expect_eq(http_body_may_end(&body), bodies[i].may_end, "%zu", i);
	}
}

Test(http_body, is_parsed_byte_by_byte)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct buf out cleanup_buf = buf_make(1024);
		struct http_body body = begin(i);
		enum http_body_event event = HTTP_BODY_MORE;

		for (const char *at = bodies[i].bytes; *at && event == HTTP_BODY_MORE; at++)
			event = read_all(&body, at, 1, &out);
		cr_expect_str_eq(out.data, bodies[i].body, "%zu", i);
		if (bodies[i].bytes[0])
			cr_expect_eq(event, bodies[i].event, "%zu", i);
	}
}

Test(http_body, chunk_extensions_and_size_lines_are_bounded)
{
	struct http_body body;
	struct buf out cleanup_buf = buf_make(1024);
	static char line[HTTP_BODY_LINE_MAX + 2];

	memset(line, 'x', sizeof(line));
	memcpy(line, "1;", 2);
	body = begin(8);
	cr_expect_eq(read_all(&body, line, HTTP_BODY_LINE_MAX, &out), HTTP_BODY_MORE);
	cr_expect_eq(read_all(&body, line, 1, &out), HTTP_BODY_INVALID);
	memset(line, '0', sizeof(line));
	body = begin(8);
	cr_expect_eq(read_all(&body, line, sizeof(line), &out), HTTP_BODY_INVALID);
}

Test(http_body, an_invalid_length_or_coding_is_rejected)
{
	static const char *const headers[] = {
		"Content-Length: -1\r\n",  "Content-Length: 5, 5\r\n",
		"Content-Length:\r\n",     "Content-Length: 99999999999999999999\r\n",
		"Content-Length: 0x5\r\n", "Transfer-Encoding: gzip, chunked\r\n",
		"Transfer-Encoding:\r\n",  "Transfer-Encoding: identity\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct buf head cleanup_buf = buf_make(1024);
		struct http_body body;

		buf_addf(&head, "HTTP/1.1 200 OK\r\n%s\r\n", headers[i]);
		cr_expect_not(http_body_begin(&body, 200, head.data, head.len), "%s", headers[i]);
	}
}
