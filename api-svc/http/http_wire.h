/*
 * The bytes of one connection, judged and rewritten before the HTTP library sees any: a lenient library cannot read
 * them in another way than we do, and every version of it gets the same.
 *
 * What comes out is well-formed (RFC 9112): a request's head as a whole, headers with the blanks around their values
 * dropped and without Cookie, chunks without extensions, no trailers. A request that is malformed, too large or late
 * comes out well-formed too, brought to its end as shortly as possible; it is the last one, and http_wire_fault() says
 * what is wrong with it. So the library always gets to a request that can be answered in the usual way.
 *
 * After a request with the header Upgrade the bytes are kept as they are: what they mean depends on the answer.
 *
 * Pure: no sockets, no clock. Holds HTTP_WIRE_HEAD_MAX bytes at most, and once more what was added last.
 */
#ifndef API_SVC_HTTP_HTTP_WIRE_H
#define API_SVC_HTTP_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/http/http_framing.h"
#include "common/base/buf.h"

#define HTTP_WIRE_HEAD_MAX (14u * 1024) /* bytes of a request's head with HTTP_WIRE_HEADER_COST for each header */
#define HTTP_WIRE_HEADER_COST 80        /* bytes that the library needs for a header beside its text */
#define HTTP_WIRE_CHUNK_LINE_MAX 4096   /* bytes before a chunk: its size and extensions */
#define HTTP_WIRE_EMPTY_LINES_MAX 8     /* before a request */

enum http_wire_state {
	HTTP_WIRE_BETWEEN, /* no byte of the next request is there */
	HTTP_WIRE_HEAD,
	HTTP_WIRE_BODY,
	HTTP_WIRE_CHUNK_LINE,
	HTTP_WIRE_CHUNK_DATA,
	HTTP_WIRE_CHUNK_END,
	HTTP_WIRE_TRAILERS,
	HTTP_WIRE_REFUSED, /* nothing more is read */
	HTTP_WIRE_KEPT,    /* a request wants an upgrade, and is not answered yet */
	HTTP_WIRE_PASSING, /* it is another protocol, which is read elsewhere */
	HTTP_WIRE_STATE_COUNT
};

struct http_wire {
	enum http_wire_state state;
	size_t max_body;
	struct http_framing framing; /* of the present request */
	struct buf held;             /* of it: what cannot be given on yet */
	size_t line_at;              /* in `held`: where the line begins that is not complete */
	size_t first_line;           /* in `held`: bytes of the request line with its CRLF; 0: not there */
	size_t cost;                 /* of the head, in bytes as HTTP_WIRE_HEAD_MAX counts */
	unsigned empty_lines;
	uint64_t left;      /* bytes of the body or the chunk that are still to come */
	uint64_t body;      /* bytes of all chunks so far */
	uint64_t number;    /* of the present request; they are counted from 1 */
	struct buf out;     /* what may be taken */
	uint64_t padding;   /* bytes after `out` instead of those that will never come */
	const char *ending; /* after the padding; NULL: nothing */
};

/* Make one for a new connection. max_body: bytes; a chunked body that is larger is rejected. Allocates nothing. */
struct http_wire http_wire_make(size_t max_body);

/* Free what it holds. */
void http_wire_clear(struct http_wire *wire);

/* Add bytes as they came from the client. */
void http_wire_add(struct http_wire *wire, const char *bytes, size_t len);

/* Take up to `max` bytes for the library; returns how many. */
size_t http_wire_take(struct http_wire *wire, char *to, size_t max);

/* Reject the request that is arriving, if there is one: no more bytes of it are awaited. */
void http_wire_refuse(struct http_wire *wire, unsigned status, const char *sentence);

/* Whether a request is partially received. */
bool http_wire_is_within_request(const struct http_wire *wire);

/* Whether reading has ended. */
bool http_wire_is_refused(const struct http_wire *wire);

/* Whether bytes are kept because the last request, which has no body, requests an upgrade. */
bool http_wire_is_kept(const struct http_wire *wire);

/* Whether http_wire_pass() was called. */
bool http_wire_is_passing(const struct http_wire *wire);

/* The kept bytes are the next request's (go_on), or another protocol's (pass), and all that is to be read here. */
void http_wire_go_on(struct http_wire *wire);
void http_wire_pass(struct http_wire *wire);

/* What is wrong with the request of this number; NULL: nothing, so far. */
const struct http_fault *http_wire_fault(const struct http_wire *wire, uint64_t number);

#endif
