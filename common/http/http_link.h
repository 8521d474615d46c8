/*
 * Connections to HTTP servers, on the loop of an http_multi: curl looks names up, connects, and asks proxies for the
 * way; TLS is spoken here, with one tls_identity for all connections of an http_identity: in curl each connection has
 * its own, which is most of what an idle one costs. Never waits.
 *
 * 	OPENING --curl has connected--> SHAKING --TLS--> OPEN
 *
 * Threads: the loop alone.
 * Source: CURLOPT_CONNECT_ONLY(3), CURLINFO_ACTIVESOCKET(3). curl gets a multi of its own for each: in one that others
 * share, it may take the connection for an idle one, and close it.
 */
#ifndef COMMON_HTTP_HTTP_LINK_H
#define COMMON_HTTP_HTTP_LINK_H

#include <sys/types.h>

#include "common/http/http_multi.h"

struct http_link;

/* Called from http_multi_turn() alone. */
struct http_link_taker {
	void (*opened)(void *ctx);
	/* What http_link_wait() or http_link_again() was for. May close the link. */
	void (*ready)(void *ctx);
	/* It was not opened. Is to close the link. */
	void (*failed)(void *ctx, const struct error *err);
	void *ctx;
};

/*
 * Begin.
 *
 * request   its url and identity are used, and copied.
 * ret_link  given to the caller (http_link_close()).
 * Errors: RC_NO_MEMORY; RC_INVALID_ARGUMENT (URL, certificate or key that cannot be used); RC_INTERNAL without a
 * descriptor.
 */
enum rc http_link_open(struct http_multi *multi, const struct http_request *request,
		       const struct http_link_taker *taker, struct http_link **ret_link, struct error *err) must_check;

/* End it. Takes NULL. */
void http_link_close(struct http_link *link);

/* Of an open one. receive: up to `max` bytes; 0: the server has ended. send: how many were taken. Or one of these: */
#define HTTP_LINK_BUSY (-1) /* after send(): the next one begins with the same bytes */
#define HTTP_LINK_GONE (-2)
ssize_t http_link_receive(struct http_link *link, void *to, size_t max);
ssize_t http_link_send(struct http_link *link, const void *data, size_t len);

/*
 * Call ready() once when there is something to receive, if that is wanted, or when send() goes on that was busy.
 * After HTTP_LINK_BUSY.
 */
void http_link_wait(struct http_link *link, bool to_receive);

/* Call ready() in the next turn. */
void http_link_again(struct http_link *link);

/* The server's name, without user and password, for errors and headers; with its port as the URL has it. */
const char *http_link_host(const struct http_link *link);

#endif
