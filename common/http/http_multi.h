/*
 * Many HTTP requests at once, on one thread, the loop, which never waits for any of them. They share kept-alive
 * connections; an answer is collected. One that flows for hours is for http_duplex.h, on the same loop.
 *
 * Threads: the loop alone.
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
	 * response  borrowed. Its body may have failed, when it is larger than was wanted (buf_check()).
	 * err       rc RC_OK: the answer was complete, whatever its status, or larger than was wanted; else as
	 *           http_client_do().
	 */
	void (*done)(void *ctx, const struct http_response *response, const struct error *err);
	void *ctx;
};

#define HTTP_FLOW_ERROR_MAX (64u * 1024) /* bytes of the body of an answer that is not 2xx, where others flow */

/* Make one. ret_multi: owned by the caller. Errors: RC_NO_MEMORY; RC_INTERNAL without a descriptor. */
enum rc http_multi_create(struct http_multi **ret_multi, struct error *err) must_check;

/* Free it, without transfers. NULL is allowed. */
void http_multi_destroy(struct http_multi *multi);

/* A descriptor that is readable when http_multi_turn() has something to do. Belongs to the result. */
int http_multi_fd(const struct http_multi *multi);

/* Handle a limited number of events; the rest in the next turn. */
void http_multi_turn(struct http_multi *multi);

/* When to call that at the latest (clock_mono_ms()); changes when a transfer is started. */
int64_t http_multi_due_ms(const struct http_multi *multi);

/*
 * Begin a request.
 *
 * request  timeout_ms may be 0: it has none. on_bytes, cancelled and ctx are not used. Copied, but for the texts of its
 *          identity, which outlive the transfer.
 * ret_transfer  valid until done(), or http_transfer_cancel().
 * Errors: RC_NO_MEMORY; RC_INVALID_ARGUMENT (unusable URL, certificate or key).
 */
enum rc http_multi_start(struct http_multi *multi, const struct http_request *request,
			 const struct http_transfer_taker *taker, struct http_transfer **ret_transfer,
			 struct error *err) must_check;

/* End it: its connection is closed, done() is not called. */
void http_transfer_cancel(struct http_transfer *transfer);

#endif
