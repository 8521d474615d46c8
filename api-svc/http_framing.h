/*
 * The headers on which it depends where a request ends. What libmicrohttpd 0.9.75 is lenient about is refused here:
 * behind a proxy that reads such a request otherwise, the rest of it would be a second request of somebody's choice.
 */
#ifndef API_SVC_HTTP_FRAMING_H
#define API_SVC_HTTP_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

struct http_framing {
	unsigned hosts;
	unsigned content_lengths;
	unsigned transfer_encodings;
	bool chunked;           /* the last Transfer-Encoding is exactly "chunked" */
	int64_t content_length; /* bytes; -1: absent, or no number that fits */
	bool expects_continue;
	bool broken_name; /* a name that is no token, such as "Content-Length " */
};

#define HTTP_FRAMING_INIT            \
	{                            \
		.content_length = -1 \
	}

/* Take note of a header; its name in any case. */
void http_framing_add(struct http_framing *framing, const char *name, const char *value);

/*
 * What is wrong with all headers together, so that the bytes behind them cannot be trusted; NULL: nothing.
 *
 * version  "HTTP/1.1" or "HTTP/1.0".
 * Source: RFC 9112 sections 3.2, 5.1 and 6.
 */
const char *http_framing_fault(const struct http_framing *framing, const char *version);

#endif
