/*
 * Lines of HTTP/1.1, checked before they are used: what RFC 9112 calls malformed, and what two readers may read
 * differently. After a proxy that does, the rest of such a request would be a second, smuggled request.
 */
#ifndef API_SVC_HTTP_HTTP_FRAMING_H
#define API_SVC_HTTP_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FRAMING_SINGLE_MAX 16 /* headers that must not be repeated */

/* Why a request is rejected. */
struct http_fault {
	unsigned status;      /* of HTTP; 0: there is no fault */
	const char *sentence; /* static */
};

/* What is known of a request from its lines so far; zeroed at first. */
struct http_framing {
	struct http_fault fault; /* the first one */
	bool seen[HTTP_FRAMING_SINGLE_MAX];
	bool is_1_0;
	bool chunked;
	bool expects_continue;
	bool upgrade;           /* there is a header Upgrade */
	int64_t content_length; /* bytes; 0 when there is no Content-Length too */
};

/*
 * Take note of a line; all are without their CRLF, which the caller has seen, and may contain any other byte.
 * Source: RFC 9112 sections 3 and 5; RFC 9110 sections 5 and 8.6.
 */
void http_framing_add_request_line(struct http_framing *framing, const char *line, size_t len);
void http_framing_add_header_line(struct http_framing *framing, const char *line, size_t len);

/* Of a trailer only the form is judged: its fields are ignored (RFC 9110 section 6.5.1). */
void http_framing_add_trailer_line(struct http_framing *framing, const char *line, size_t len);

/* The same as a header line that has been taken apart. */
void http_framing_add_header(struct http_framing *framing, const char *name, size_t name_len, const char *value,
			     size_t value_len);

/* All header lines are there: judge what they say together (RFC 9112 sections 3.2 and 6). */
void http_framing_end(struct http_framing *framing);

/* Drop the blanks around the value of a header line; returns the new length. */
size_t http_framing_tidy_line(char *line, size_t len);

/* Whether it is a header line with this name. */
bool http_framing_is_named(const char *line, size_t len, const char *name);

/*
 * Read the line before a chunk (RFC 9112 section 7.1); what its extensions say is ignored.
 *
 * ret_size  bytes of the chunk; UINT64_MAX when there are more.
 *
 * Returns false when it is malformed.
 */
bool http_framing_read_chunk_line(const char *line, size_t len, uint64_t *ret_size);

#endif
