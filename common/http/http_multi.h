/*
 * Many concurrent HTTP requests on one thread, the loop, which never blocks: for long-lived streamed responses. A
 * transfer whose taker is busy is paused: TCP throttles its server, and no memory is used.
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
	/* The head of a 2xx response with a body was received. May be NULL. */
	void (*begun)(void *ctx);
	/*
	 * Receives a piece of the body of a 2xx response; false: nothing was consumed, and it is delivered again after
	 * http_transfer_resume(). At most HTTP_PIECE_MAX bytes.
	 */
	bool (*take)(void *ctx, const char *bytes, size_t len);
	/*
	 * The transfer has ended, and is freed afterwards. May start or cancel other transfers.
	 *
	 * response  status and Retry-After; the body of a non-2xx response, up to HTTP_FLOW_ERROR_MAX. Borrowed.
	 * err       rc RC_OK: the response was complete, with any status; else as http_client_do().
	 */
	void (*done)(void *ctx, const struct http_response *response, const struct error *err);
	void *ctx;
};

#define HTTP_PIECE_MAX (4u * 1024) /* curl allocates this per transfer */
#define HTTP_FLOW_ERROR_MAX (64u * 1024)

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
 * request  timeout_ms 0: no timeout. response_max, on_bytes, cancelled and ctx are not used. Copied, except for the
 *          texts of its identity, which must outlive the transfer.
 * ret_transfer  valid until done(), or http_transfer_cancel().
 * Errors: RC_NO_MEMORY; RC_INVALID_ARGUMENT (unusable URL, certificate or key).
 */
enum rc http_multi_start(struct http_multi *multi, const struct http_request *request,
			 const struct http_transfer_taker *taker, struct http_transfer **ret_transfer,
			 struct error *err) must_check;

/* Continue after take() returned false. take() may be called before it returns. No effect if not paused. */
void http_transfer_resume(struct http_transfer *transfer);

/* Cancel it: its connection is closed, done() is not called. Not within take(). */
void http_transfer_cancel(struct http_transfer *transfer);

#endif
