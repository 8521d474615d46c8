/*
 * Where the body of an HTTP/1.1 answer ends (RFC 9112 section 6.3), for connections that curl only opens
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
	HTTP_BODY_MORE,    /* all was used, and it is not at its end */
	HTTP_BODY_END,     /* what follows does not belong to it */
	HTTP_BODY_INVALID, /* not an HTTP/1.1 response */
};

/* Its state; may be copied, to read the same bytes again. */
struct http_body {
	enum http_body_state {
		BODY_LENGTH,   /* `left` bytes */
		BODY_TO_END,   /* of the connection */
		BODY_SIZE,     /* of a chunk: digits, */
		BODY_SIZE_EXT, /* and what follows them in their line */
		BODY_CHUNK,    /* `left` bytes */
		BODY_CHUNK_END,
		BODY_TRAILER, /* lines until an empty one */
	} state;
	uint64_t left;
	size_t line;  /* bytes of what is being read that is not the body */
	bool digit;   /* of the size: there was one */
	bool cr;      /* the last byte was a carriage return */
	bool nothing; /* of the trailer's line: it is empty so far */
};

/*
 * Begin, with the head of the answer to a GET.
 * False: a length that is none, or a coding that was not asked for.
 */
bool http_body_begin(struct http_body *body, int status, const char *head, size_t len);

/*
 * Go on with what has come.
 * ret_used: how many bytes are done with. ret_piece, ret_len: of HTTP_BODY_PIECE, among them; not empty.
 */
enum http_body_event http_body_next(struct http_body *body, const char *bytes, size_t len, size_t *ret_used,
				    const char **ret_piece, size_t *ret_len);

/* Is it empty, as the head says? After http_body_begin(). */
bool http_body_is_none(const struct http_body *body);

/* Is it complete when the connection ends now? */
bool http_body_may_end(const struct http_body *body);

#endif
