/*
 * The header block of a request, judged before anything of it is believed: what RFC 9112 calls malformed, and what two
 * readers may read in two ways. Behind a proxy that reads such a request otherwise, the rest of it would be a second
 * request of somebody's choice.
 *
 * libmicrohttpd 0.9.75 parses in place and leniently: it ends the block at a line that begins with ':' or NUL, cuts
 * names and values at a NUL, joins folded lines, and takes a bare LF for CRLF. It shows none of this, but its pointers
 * lead into the block: where it was well-formed, names, values and the CRLFs between them leave no byte over (`next`).
 * What stays is what leaves the same two NULs as a CRLF: a bare LF together with a NUL, or behind a line of nothing
 * but ':'.
 */
#ifndef API_SVC_HTTP_HTTP_FRAMING_H
#define API_SVC_HTTP_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FRAMING_SINGLE_MAX 16 /* headers that may stand there once */

struct http_framing {
	const char *fault; /* of a single header, the first one; NULL: none */
	/*
	 * Where the next line of the block must begin, the parser having put NULs over ':' and CRLF; NULL: the parser
	 * is strict, and this is not looked at.
	 */
	const char *next;
	bool seen[HTTP_FRAMING_SINGLE_MAX];
	bool chunked;
	bool bad_credentials; /* the fault is in Authorization: what it shows must not be believed in part */
	bool expects_continue;
	int64_t content_length; /* bytes; -1: absent */
};

#define HTTP_FRAMING_INIT            \
	{                            \
		.content_length = -1 \
	}

/* Take note of a header, its name in any case; the lengths are without a NUL, the value may contain some. */
void http_framing_add(struct http_framing *framing, const char *name, size_t name_len, const char *value,
		      size_t value_len);

/* The same for a trailer, of which only the form is judged: its fields are ignored (RFC 9110 section 6.5.1). */
void http_framing_add_trailer(struct http_framing *framing, const char *name, size_t name_len, const char *value,
			      size_t value_len);

/*
 * What is wrong with the request line and all headers together, so that the bytes behind them cannot be trusted; NULL:
 * nothing.
 *
 * version  "HTTP/1.1" or "HTTP/1.0".
 * end      of the block, when `next` is looked at.
 * Source: RFC 9112 sections 2.2, 3, 5 and 6; RFC 9110 sections 5 and 8.6.
 */
const char *http_framing_fault(const struct http_framing *framing, const char *method, const char *version,
			       const char *end);

#endif
