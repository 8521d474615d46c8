/*
 * Validates and normalises the bytes of a connection before the HTTP library parses them, so that a lenient library
 * cannot interpret them differently, in any version.
 *
 * The output is well-formed (RFC 9112): complete heads, headers without white space around their values and without
 * Cookie, chunks without extensions, no trailers. A request that is malformed, too large or late is replaced by a
 * minimal well-formed one; it is the last one, and http_wire_fault() returns the error. So the library always has a
 * request to respond to.
 *
 * After a request with the header Upgrade the bytes are kept unchanged: their interpretation depends on the response.
 *
 * Pure: no sockets, no clock. Buffers at most HTTP_WIRE_HEAD_MAX bytes plus the last added ones.
 */
#ifndef API_SVC_HTTP_HTTP_WIRE_H
#define API_SVC_HTTP_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/http/http_framing.h"
#include "common/base/buf.h"

#define HTTP_WIRE_HEAD_MAX (14u * 1024) /* bytes of a request head, plus HTTP_WIRE_HEADER_COST per header */
#define HTTP_WIRE_HEADER_COST 80        /* overhead of the library per header, bytes */
#define HTTP_WIRE_CHUNK_LINE_MAX 4096   /* bytes before a chunk: its size and extensions */
#define HTTP_WIRE_EMPTY_LINES_MAX 8     /* before a request */

enum http_wire_state {
	HTTP_WIRE_BETWEEN, /* before the next request */
	HTTP_WIRE_HEAD,
	HTTP_WIRE_BODY,
	HTTP_WIRE_CHUNK_LINE,
	HTTP_WIRE_CHUNK_DATA,
	HTTP_WIRE_CHUNK_END,
	HTTP_WIRE_TRAILERS,
	HTTP_WIRE_REFUSED, /* reading has ended */
	HTTP_WIRE_KEPT,    /* upgrade requested, response pending */
	HTTP_WIRE_PASSING, /* upgraded, read elsewhere */
	HTTP_WIRE_STATE_COUNT
};

struct http_wire {
	enum http_wire_state state;
	size_t max_body;
	struct http_framing framing; /* of the current request */
	struct buf held;             /* of it: bytes that cannot be passed on yet */
	size_t line_at;              /* in `held`: begin of the incomplete line */
	size_t first_line;           /* in `held`: bytes of the request line with its CRLF; 0: none */
	size_t cost;                 /* of the head, as limited by HTTP_WIRE_HEAD_MAX */
	unsigned empty_lines;
	uint64_t left;      /* remaining bytes of the body or the chunk */
	uint64_t body;      /* bytes of all chunks so far */
	uint64_t number;    /* number of the current request, from 1 */
	struct buf out;     /* output */
	uint64_t padding;   /* filler bytes after `out` for a truncated body */
	const char *ending; /* after the padding; NULL: none */
};

/* Initialise it for a new connection. max_body: bytes; larger chunked bodies are rejected. Allocates nothing. */
struct http_wire http_wire_make(size_t max_body);

/* Free its contents. */
void http_wire_clear(struct http_wire *wire);

/* Add received bytes. */
void http_wire_add(struct http_wire *wire, const char *bytes, size_t len);

/* Take up to `max` bytes for the library; returns the number. */
size_t http_wire_take(struct http_wire *wire, char *to, size_t max);

/* Reject the partially received request, if any: no more of its bytes are read. */
void http_wire_refuse(struct http_wire *wire, unsigned status, const char *sentence);

/* Whether a request is partially received. */
bool http_wire_is_within_request(const struct http_wire *wire);

/* Whether reading has ended. */
bool http_wire_is_refused(const struct http_wire *wire);

/* Whether bytes are kept because the last request, which has no body, requests an upgrade. */
bool http_wire_is_kept(const struct http_wire *wire);

/* Whether http_wire_pass() was called. */
bool http_wire_is_passing(const struct http_wire *wire);

/* The kept bytes belong to the next request (go_on), or to another protocol (pass), and reading ends. */
void http_wire_go_on(struct http_wire *wire);
void http_wire_pass(struct http_wire *wire);

/* The error of the request with this number; NULL: none so far. */
const struct http_fault *http_wire_fault(const struct http_wire *wire, uint64_t number);

#endif
