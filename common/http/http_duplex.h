/*
 * HTTP connections that are upgraded to another protocol (RFC 9110 section 7.8), on the loop of an http_multi: curl
 * opens them, with proxy, TLS and credentials; the upgrade request and all further data are sent and received here.
 * Never blocks.
 *
 * 	CONNECTING --connected--> ASKING --101--> OPEN
 * 	                            \--another status, and its body--> REFUSED
 *
 * Threads: the loop alone.
 * Source: CURLOPT_CONNECT_ONLY(3), curl_easy_recv(3). Each has its own curl_multi: in a shared one, curl may treat the
 * connection as idle, and close it.
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
	/* The connection was upgraded: http_duplex_receive() and http_duplex_send() may be used. */
	void (*opened)(void *ctx, const struct http_upgraded *upgraded);
	/* The event of http_duplex_wait() occurred. */
	void (*ready)(void *ctx);
	/*
	 * It failed to open; it is freed afterwards.
	 * response, err: as http_transfer_taker.done; a body without a known length is omitted.
	 */
	void (*refused)(void *ctx, const struct http_response *response, const struct error *err);
	void *ctx;
};

/*
 * Begin.
 *
 * request     GET; as http_multi_start(). Its headers and those of the upgrade, "Connection" and so on.
 * ret_duplex  valid until refused(), or http_duplex_close(). No function of the taker is called before the return.
 * Errors: those of http_multi_start() and http_multi_create().
 */
enum rc http_duplex_open(struct http_multi *multi, const struct http_request *request,
			 const struct http_duplex_taker *taker, struct http_duplex **ret_duplex, struct error *err)
	must_check;

/* Close and free it. NULL is allowed. Not within opened() and refused(). */
void http_duplex_close(struct http_duplex *duplex);

/*
 * For an open one. receive: up to `max` bytes; 0: end of file. send: the number of bytes accepted; bytes that cannot be
 * sent immediately are buffered, at most HTTP_DUPLEX_HELD. Or one of these:
 */
#define HTTP_DUPLEX_BUSY (-1)
#define HTTP_DUPLEX_GONE (-2)
#define HTTP_DUPLEX_HELD (16u * 1024)
ssize_t http_duplex_receive(struct http_duplex *duplex, void *to, size_t max);
ssize_t http_duplex_send(struct http_duplex *duplex, const void *data, size_t len);

/* Call ready() once when there is data to receive, or when held bytes can be sent. After HTTP_DUPLEX_BUSY. */
void http_duplex_wait(struct http_duplex *duplex, bool to_receive);

#endif
