/*
 * Requests that have a connection of their own (http_link.h), because it is given another protocol (RFC 9110 section
 * 7.8), or because the body of the answer flows for hours. A body whose taker is busy is left where it is: its server
 * is throttled by TCP. Never waits.
 *
 * 	LINKING --there is a connection--> ASKING --101--> OPEN
 * 	                                      |--2xx--> FLOWING --its end--> (done)
 * 	                                      \--another status, and its body--> (done)
 *
 * Threads: the loop alone.
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
	 * The server has changed the protocol: http_duplex_receive() and http_duplex_send() may be used, and done() is
	 * not called. NULL: no upgrade was asked for.
	 */
	void (*opened)(void *ctx, const struct http_upgraded *upgraded);
	/* The event of http_duplex_wait() occurred. */
	void (*ready)(void *ctx);
	/* The head of a 2xx answer has come that has a body. May be NULL. */
	void (*begun)(void *ctx);
	/*
	 * Take all of a piece of the body of a 2xx answer; false: take nothing of it now. It comes again after
	 * http_duplex_resume(). Not larger than HTTP_PIECE_MAX. NULL: the body is collected.
	 */
	bool (*take)(void *ctx, const char *bytes, size_t len);
	/* It is over; it is freed afterwards. response, err: as http_transfer_taker.done. */
	void (*done)(void *ctx, const struct http_response *response, const struct error *err);
	void *ctx;
};

#define HTTP_PIECE_MAX (16u * 1024)

/*
 * Begin.
 *
 * request     GET; as http_multi_start(), without a time limit once there is a connection. Its headers, and those of
 *             the upgrade, "Connection" and so on.
 * ret_duplex  valid until done(), or http_duplex_close(). No function of the taker is called before the return.
 * Errors: those of http_link_open().
 */
enum rc http_duplex_open(struct http_multi *multi, const struct http_request *request,
			 const struct http_duplex_taker *taker, struct http_duplex **ret_duplex, struct error *err)
	must_check;

/* Free it; an open connection ends as it is. Takes NULL. Not within a function of the taker. */
void http_duplex_close(struct http_duplex *duplex);

/* Of an open one. receive: up to `max` bytes; 0: the server has ended. send: how many were taken. Or one of these: */
#define HTTP_DUPLEX_BUSY (-1) /* after send(): the next one begins with the same bytes */
#define HTTP_DUPLEX_GONE (-2)
ssize_t http_duplex_receive(struct http_duplex *duplex, void *to, size_t max);
ssize_t http_duplex_send(struct http_duplex *duplex, const void *data, size_t len);

/* Call ready() once when there is something to receive, or when send() can go on. After HTTP_DUPLEX_BUSY. */
void http_duplex_wait(struct http_duplex *duplex, bool to_receive);

/* Go on after take() was false, in the next turn. Does nothing when it is not paused. */
void http_duplex_resume(struct http_duplex *duplex);

#endif
