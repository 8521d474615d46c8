/*
 * Parser of the body of an HTTP/1.1 response (RFC 9112 section 6.3), for connections that curl only opens
 * (http_link.h). Pure.
 */
#ifndef COMMON_HTTP_HTTP_BODY_H
#define COMMON_HTTP_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_LINE_MAX (4u * 1024) /* bytes of a chunk's size with its extensions, and of all trailers */

enum http_body_event {
	HTTP_BODY_PIECE,   /* bytes of the body */
	HTTP_BODY_MORE,    /* all input was used; the body continues */
	HTTP_BODY_END,     /* further input does not belong to it */
	HTTP_BODY_INVALID, /* not an HTTP/1.1 response */
};

/* The state of the parser; may be copied, to parse the same bytes again. */
struct http_body {
	enum http_body_state {
		BODY_LENGTH,   /* `left` bytes */
		BODY_TO_END,   /* until the connection ends */
		BODY_SIZE,     /* of a chunk: the digits */
		BODY_SIZE_EXT, /* the rest of that line */
		BODY_CHUNK,    /* `left` bytes */
		BODY_CHUNK_END,
		BODY_TRAILER, /* lines until an empty one */
	} state;
	uint64_t left;
	size_t line;  /* bytes of the current size line, or of the trailers */
	bool digit;   /* the size has a digit */
	bool cr;      /* the previous byte was CR */
	bool nothing; /* the trailer line is empty so far */
};

/*
 * Start with the head of the response to a GET.
 * Returns false for an invalid length, and for a transfer or content coding that was not requested.
 */
bool http_body_begin(struct http_body *body, int status, const char *head, size_t len);

/*
 * Process received bytes.
 * ret_used: number of processed bytes. ret_piece, ret_len: for HTTP_BODY_PIECE, the data among them; not empty.
 */
enum http_body_event http_body_next(struct http_body *body, const char *bytes, size_t len, size_t *ret_used,
				    const char **ret_piece, size_t *ret_len);

/* Whether the body is empty, according to the head. After http_body_begin(). */
bool http_body_is_none(const struct http_body *body);

/* Whether it is complete if the connection ends now. */
bool http_body_may_end(const struct http_body *body);

#endif
