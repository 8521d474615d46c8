/*
 * Requests with a separate connection (http_link.h): for an upgrade to another protocol (RFC 9110 section 7.8), or a
 * response that is streamed for hours. While its receiver is busy nothing is read, so TCP throttles the server. Never
 * blocks.
 *
 * 	LINKING --connected--> ASKING --101--> OPEN
 * 	                          |--2xx--> FLOWING --end of the body--> (done)
 * 	                          \--other status, and its body--> (done)
 *
 * Threads: the loop only.
 */
#ifndef COMMON_HTTP_HTTP_DUPLEX_H
#define COMMON_HTTP_HTTP_DUPLEX_H

#include <sys/types.h>

#include "common/http/http_multi.h"

struct http_duplex;

/* The response head of the server, for http_head_value(). */
struct http_upgraded {
	const char *head;
	size_t len;
};

struct http_duplex_taker {
	/*
	 * The protocol was changed: http_duplex_receive() and http_duplex_send() may be used, and done() is not
	 * called. NULL: no upgrade was requested.
	 */
	void (*opened)(void *ctx, const struct http_upgraded *upgraded);
	/* The event of http_duplex_wait() occurred. */
	void (*ready)(void *ctx);
	/* The head of a 2xx response with a body was received. May be NULL. */
	void (*begun)(void *ctx);
	/*
	 * Take a complete piece of the body of a 2xx response, HTTP_PIECE_MAX bytes at most; false: not now, it is
	 * passed again after http_duplex_resume(). NULL: the body is collected.
	 */
	bool (*take)(void *ctx, const char *bytes, size_t len);
	/* The request has ended, and is freed afterwards. response, err: as http_transfer_taker.done. */
	void (*done)(void *ctx, const struct http_response *response, const struct error *err);
	void *ctx;
};

#define HTTP_PIECE_MAX (16u * 1024)

/*
 * Start a request.
 *
 * request     a GET, as for http_multi_start(), without a time limit once connected. Its headers include those of the
 *             upgrade, such as Connection.
 * ret_duplex  valid until done(), or http_duplex_close(). No callback is called before the return.
 * Errors: those of http_link_open().
 */
enum rc http_duplex_open(struct http_multi *multi, const struct http_request *request,
			 const struct http_duplex_taker *taker, struct http_duplex **ret_duplex, struct error *err)
	must_check;

/* The HTTP status of its response; 0: none received so far. */
int http_duplex_status(const struct http_duplex *duplex);

/* Free it, and drop its connection. NULL is allowed. Not within a callback. */
void http_duplex_close(struct http_duplex *duplex);

/*
 * For an open one. receive: up to `max` bytes; 0: closed by the server. send: returns the number of accepted bytes. Or
 * one of these:
 */
#define HTTP_DUPLEX_BUSY (-1) /* after send(): repeat it with the same bytes */
#define HTTP_DUPLEX_GONE (-2)
ssize_t http_duplex_receive(struct http_duplex *duplex, void *to, size_t max);
ssize_t http_duplex_send(struct http_duplex *duplex, const void *data, size_t len);

/* Call ready() once when data can be received, or send() can continue. After HTTP_DUPLEX_BUSY. */
void http_duplex_wait(struct http_duplex *duplex, bool to_receive);

/* Continue after take() returned false, in the next turn. No effect if it is not paused. */
void http_duplex_resume(struct http_duplex *duplex);

#endif
