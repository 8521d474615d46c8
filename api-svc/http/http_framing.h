/*
 * Validation of HTTP/1.1 lines: rejects what RFC 9112 calls malformed, and what implementations may interpret
 * differently (request smuggling behind a proxy).
 */
#ifndef API_SVC_HTTP_HTTP_FRAMING_H
#define API_SVC_HTTP_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FRAMING_SINGLE_MAX 16 /* number of headers that must not be repeated */

/* Why a request is rejected. */
struct http_fault {
	unsigned status;      /* HTTP status; 0: no error */
	const char *sentence; /* static */
};

/* The state of a request from its lines so far; initially zeroed. */
struct http_framing {
	struct http_fault fault; /* the first error */
	bool seen[HTTP_FRAMING_SINGLE_MAX];
	bool is_1_0;
	bool chunked;
	bool expects_continue;
	bool upgrade;           /* has a header Upgrade */
	int64_t content_length; /* bytes; 0 also without Content-Length */
};

/*
 * Process a line, without its CRLF; may contain any other byte. Source: RFC 9112 sections 3 and 5; RFC 9110 sections 5
 * and 8.6.
 */
void http_framing_add_request_line(struct http_framing *framing, const char *line, size_t len);
void http_framing_add_header_line(struct http_framing *framing, const char *line, size_t len);

/* Only the syntax of trailers is checked: the fields are ignored (RFC 9110 section 6.5.1). */
void http_framing_add_trailer_line(struct http_framing *framing, const char *line, size_t len);

/* The same for a parsed header line. */
void http_framing_add_header(struct http_framing *framing, const char *name, size_t name_len, const char *value,
			     size_t value_len);

/* After all header lines: check combinations (RFC 9112 sections 3.2 and 6). */
void http_framing_end(struct http_framing *framing);

/* Remove white space around the value of a header line; returns the new length. */
size_t http_framing_tidy_line(char *line, size_t len);

/* Whether it is a header line with this name. */
bool http_framing_is_named(const char *line, size_t len, const char *name);

/*
 * Parse the line before a chunk (RFC 9112 section 7.1); extensions are ignored.
 *
 * ret_size  bytes of the chunk; UINT64_MAX if larger.
 *
 * Returns false if malformed.
 */
bool http_framing_read_chunk_line(const char *line, size_t len, uint64_t *ret_size);

#endif
