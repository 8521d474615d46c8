#include "common/http/http_body.h"

#include <string.h>
#include <strings.h>

#include "common/base/strutil.h"
#include "common/http/http_head.h"

#define VALUE_MAX 64
#define NO_CONTENT 204
#define NOT_MODIFIED 304

static bool has_header(const char *head, size_t len, const char *name)
{
	char value[HTTP_HEAD_MAX];

	return http_head_value(head, len, name, value, sizeof(value));
}

/* Digits only. */
static bool read_length(const char *text, uint64_t *ret_length)
{
	int64_t length;

	if (!text[0] || text[strspn(text, "0123456789")] || !str_parse_int64(text, &length))
		return false;
	*ret_length = (uint64_t)length;
	return true;
}

bool http_body_begin(struct http_body *body, int status, const char *head, size_t len)
{
	char value[VALUE_MAX];

	*body = (struct http_body){ .state = BODY_TO_END };
	if (status == NO_CONTENT || status == NOT_MODIFIED) {
		body->state = BODY_LENGTH;
		return true;
	}
	if (has_header(head, len, "Transfer-Encoding")) {
		body->state = BODY_SIZE;
		return http_head_value(head, len, "Transfer-Encoding", value, sizeof(value)) &&
		       strcasecmp(value, "chunked") == 0;
	}
	if (!has_header(head, len, "Content-Length"))
		return true;
	body->state = BODY_LENGTH;
	return http_head_value(head, len, "Content-Length", value, sizeof(value)) && read_length(value, &body->left);
}

static void enter(struct http_body *body, enum http_body_state state)
{
	body->state = state;
	body->line = 0;
	body->digit = false;
	body->cr = false;
	body->nothing = true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a chunk's size. Returns false for any other byte. */
static bool read_size(struct http_body *body, char c)
{
	int value = hex_value(c);

	if (value >= 0) {
		body->digit = true;
		if (body->left > (INT64_MAX >> 4))
			return false;
		body->left = body->left << 4 | (uint64_t)value;
		return true;
	}
	if (!body->digit || !strchr("\r; \t", c) || !c)
		return false;
	body->state = BODY_SIZE_EXT;
	body->cr = c == '\r';
	return true;
}

/* One byte of a line that ends in CR LF. Returns false for a bare CR or LF. */
static bool read_line(struct http_body *body, char c, bool *ret_end)
{
	*ret_end = body->cr && c == '\n';
	if (body->cr != (c == '\n'))
		return false;
	if (c != '\r' && c != '\n')
		body->nothing = false;
	body->cr = c == '\r';
	return true;
}

/* One byte outside the data of the body. */
static enum http_body_event read_framing(struct http_body *body, char c)
{
	bool end = false;

	if (++body->line > HTTP_BODY_LINE_MAX)
		return HTTP_BODY_INVALID;
	if (body->state == BODY_SIZE)
		return read_size(body, c) ? HTTP_BODY_MORE : HTTP_BODY_INVALID;
	if (!read_line(body, c, &end) || (body->state == BODY_CHUNK_END && !body->nothing))
		return HTTP_BODY_INVALID;
	if (!end)
		return HTTP_BODY_MORE;
	if (body->state == BODY_CHUNK_END) {
		enter(body, BODY_SIZE);
	} else if (body->state == BODY_SIZE_EXT) {
		enter(body, body->left ? BODY_CHUNK : BODY_TRAILER);
	} else if (!body->nothing) {
		body->nothing = true;
	} else {
		enter(body, BODY_LENGTH); /* complete: 0 bytes left */
		return HTTP_BODY_END;
	}
	return HTTP_BODY_MORE;
}

static enum http_body_event give(struct http_body *body, const char *bytes, size_t len, size_t *used,
				 const char **ret_piece, size_t *ret_len)
{
	size_t piece = len;

	if (body->state != BODY_TO_END) {
		piece = body->left < len ? (size_t)body->left : len;
		body->left -= piece;
	}
	*used += piece;
	*ret_piece = bytes;
	*ret_len = piece;
	if (body->state == BODY_CHUNK && !body->left)
		enter(body, BODY_CHUNK_END);
	return HTTP_BODY_PIECE;
}

enum http_body_event http_body_next(struct http_body *body, const char *bytes, size_t len, size_t *ret_used,
				    const char **ret_piece, size_t *ret_len)
{
	enum http_body_event event = HTTP_BODY_MORE;
	size_t used = 0;

	while (event == HTTP_BODY_MORE) {
		if (body->state == BODY_LENGTH && !body->left)
			event = HTTP_BODY_END;
		else if (used == len)
			break;
		else if (body->state == BODY_LENGTH || body->state == BODY_TO_END || body->state == BODY_CHUNK)
			event = give(body, bytes + used, len - used, &used, ret_piece, ret_len);
		else
			event = read_framing(body, bytes[used++]);
	}
	*ret_used = used;
	return event;
}

bool http_body_is_none(const struct http_body *body)
{
	return body->state == BODY_LENGTH && !body->left;
}

bool http_body_may_end(const struct http_body *body)
{
	return body->state == BODY_TO_END || http_body_is_none(body);
}
