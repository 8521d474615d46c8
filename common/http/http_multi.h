/*
 * Concurrent HTTP requests on one thread, the loop, which never blocks. They share kept-alive connections; responses
 * are collected. For streamed responses: http_duplex.h, on the same loop.
 *
 * Threads: the loop only.
 */
#ifndef COMMON_HTTP_HTTP_MULTI_H
#define COMMON_HTTP_HTTP_MULTI_H

#include "common/http/http_client.h"

struct http_multi;

/* A request and its response. */
struct http_transfer;

struct http_transfer_taker {
	/*
	 * The transfer has ended, and is freed afterwards. May start or cancel other transfers.
	 *
	 * response  borrowed. Its body has failed if it was larger than the limit (buf_check()).
	 * err       rc RC_OK: a complete response with any status, or one above the limit; else as http_client_do().
	 */
	void (*done)(void *ctx, const struct http_response *response, const struct error *err);
	void *ctx;
};

#define HTTP_FLOW_ERROR_MAX (64u * 1024) /* bytes of an error response to a streamed request */

/* Create it. ret_multi: owned by the caller. Errors: RC_NO_MEMORY; RC_INTERNAL without a descriptor. */
enum rc http_multi_create(struct http_multi **ret_multi, struct error *err) must_check;

/* Free it, after the end of all transfers. NULL is allowed. */
void http_multi_destroy(struct http_multi *multi);

/* A descriptor that is readable when http_multi_turn() must be called. Owned by the http_multi. */
int http_multi_fd(const struct http_multi *multi);

/* Handle a limited number of events; the rest in the next turn. */
void http_multi_turn(struct http_multi *multi);

/* When to call http_multi_turn() at the latest (clock_mono_ms()); changes when a transfer is started. */
int64_t http_multi_due_ms(const struct http_multi *multi);

/*
 * Start a request.
 *
 * request       copied, except for the texts of its identity, which must outlive the transfer. timeout_ms 0: no limit.
 *               on_bytes, cancelled and ctx are not used.
 * ret_transfer  valid until done(), or http_transfer_cancel().
 * Errors: RC_NO_MEMORY; RC_INVALID_ARGUMENT (unusable URL, certificate or key).
 */
enum rc http_multi_start(struct http_multi *multi, const struct http_request *request,
			 const struct http_transfer_taker *taker, struct http_transfer **ret_transfer,
			 struct error *err) must_check;

/* Cancel it: its connection is closed, done() is not called. */
void http_transfer_cancel(struct http_transfer *transfer);

#endif
