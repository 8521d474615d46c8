/*
 * Connections to HTTP servers, on the loop of an http_multi: curl resolves names and connects, also through proxies;
 * TLS is done here, with one tls_identity for all connections of an http_identity: curl has one per connection, which
 * is most of the memory of an idle one. Never blocks.
 *
 * 	OPENING --curl has connected--> SHAKING --TLS--> OPEN
 *
 * Threads: the loop only.
 * Source: CURLOPT_CONNECT_ONLY(3), CURLINFO_ACTIVESOCKET(3). Each has a separate curl multi handle: with a shared one
 * curl may treat the connection as idle, and close it.
 */
#ifndef COMMON_HTTP_HTTP_LINK_H
#define COMMON_HTTP_HTTP_LINK_H

#include <sys/types.h>

#include "common/http/http_multi.h"

struct http_link;

/* Called by http_multi_turn() only. */
struct http_link_taker {
	void (*opened)(void *ctx);
	/* The event of http_link_wait() or http_link_again(). May close the link. */
	void (*ready)(void *ctx);
	/* Connecting failed. Must close the link. */
	void (*failed)(void *ctx, const struct error *err);
	void *ctx;
};

/*
 * Start to connect.
 *
 * request   its url and identity are used, and copied.
 * ret_link  owned by the caller (http_link_close).
 * Errors: RC_NO_MEMORY; RC_INVALID_ARGUMENT (unusable URL, certificate or key); RC_INTERNAL without a descriptor.
 */
enum rc http_link_open(struct http_multi *multi, const struct http_request *request,
		       const struct http_link_taker *taker, struct http_link **ret_link, struct error *err) must_check;

/* Close and free it. NULL is allowed. */
void http_link_close(struct http_link *link);

/*
 * For an open one. receive: up to `max` bytes; 0: closed by the server. send: returns the number of accepted bytes. Or
 * one of these:
 */
#define HTTP_LINK_BUSY (-1) /* after send(): repeat it with the same bytes */
#define HTTP_LINK_GONE (-2)
ssize_t http_link_receive(struct http_link *link, void *to, size_t max);
ssize_t http_link_send(struct http_link *link, const void *data, size_t len);

/* The reason of the last HTTP_LINK_GONE, static; NULL: unknown, or none. */
const char *http_link_fault(const struct http_link *link);

/*
 * Call ready() once when data can be received (if to_receive), or a busy send() can continue. After HTTP_LINK_BUSY.
 */
void http_link_wait(struct http_link *link, bool to_receive);

/* Call ready() in the next turn. */
void http_link_again(struct http_link *link);

/* Host and, if in the URL, port of the server, without user and password, for errors and headers. */
const char *http_link_host(const struct http_link *link);

#endif
