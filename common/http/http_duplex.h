/*
 * Connections that an HTTP server gives another protocol (RFC 9110 section 7.8), on the loop of an http_multi: curl
 * opens them, with proxies and TLS and who we are; the request for the upgrade and what follows are sent and received
 * here. Never waits.
 *
 * 	CONNECTING --curl has--> ASKING --101--> OPEN
 * 	                            \--another status, and its body--> REFUSED
 *
 * Threads: the loop alone.
 * Source: CURLOPT_CONNECT_ONLY(3), curl_easy_recv(3). Each has a curl_multi of its own: in one that others share, curl
 * may take the connection for an idle one, and close it.
 */
#ifndef COMMON_HTTP_HTTP_DUPLEX_H
#define COMMON_HTTP_HTTP_DUPLEX_H

#include <sys/types.h>

#include "common/http/http_multi.h"

struct http_duplex;

/* What the server has said: the head of its answer, for http_head_value(). */
struct http_upgraded {
	const char *head;
	size_t len;
};

struct http_duplex_taker {
	/* The server has changed the protocol: http_duplex_receive() and http_duplex_send() may be used. */
	void (*opened)(void *ctx, const struct http_upgraded *upgraded);
	/* What http_duplex_wait() has waited for is there. */
	void (*ready)(void *ctx);
	/*
	 * It was not opened; it is freed afterwards.
	 * response, err: as http_transfer_taker.done; of a body whose length the server does not tell there is nothing.
	 */
	void (*refused)(void *ctx, const struct http_response *response, const struct error *err);
	void *ctx;
};

/*
 * Begin.
 *
 * request     GET; as http_multi_start(). Its headers and those of the upgrade, "Connection" and so on.
 * ret_duplex  valid until rejected(), or http_duplex_close(). No function of the taker is called before the return.
 * Errors: those of http_multi_start() and http_multi_create().
 */
enum rc http_duplex_open(struct http_multi *multi, const struct http_request *request,
			 const struct http_duplex_taker *taker, struct http_duplex **ret_duplex, struct error *err)
	must_check;

/* Free it; an open connection ends as it is. NULL is allowed. Not within opened() and rejected(). */
void http_duplex_close(struct http_duplex *duplex);

/*
 * Of an open one. receive: up to `max` bytes; 0: the server has ended. send: how many bytes it has taken; it remembers
 * what the connection does not take at once, HTTP_DUPLEX_HELD bytes at most. Or one of these:
 */
#define HTTP_DUPLEX_BUSY (-1)
#define HTTP_DUPLEX_GONE (-2)
#define HTTP_DUPLEX_HELD (16u * 1024)
ssize_t http_duplex_receive(struct http_duplex *duplex, void *to, size_t max);
ssize_t http_duplex_send(struct http_duplex *duplex, const void *data, size_t len);

/* Call ready() once when there is something to receive, or when what is held can be sent on. After HTTP_DUPLEX_BUSY. */
void http_duplex_wait(struct http_duplex *duplex, bool to_receive);

#endif
