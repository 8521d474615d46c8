#include "common/http/http_duplex.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/retry_after.h"
#include "common/base/strutil.h"
#include "common/http/http_body.h"
#include "common/http/http_head.h"
#include "common/http/http_link.h"
#include "common/http/http_private.h"

#define REQUEST_MAX (128u * 1024) /* bytes */
#define ROUNDS_MAX 4              /* blocks per turn */
#define SWITCHING_PROTOCOLS 101

enum duplex_state {
	DUPLEX_LINKING,
	DUPLEX_ASKING,
	DUPLEX_OPEN,
	DUPLEX_FLOWING,
	DUPLEX_REFUSED, /* the body of the error response follows */
};

struct http_duplex {
	enum duplex_state state;
	struct http_duplex_taker taker;
	struct http_link *link;
	struct buf request;  /* unsent part */
	struct buf received; /* the head, or data that was not taken yet */
	struct http_body body;
	struct http_response response;
	bool paused;
	bool over; /* done() must be called, with: */
	struct error fault;
};

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

_Static_assert(HTTP_DUPLEX_BUSY == HTTP_LINK_BUSY && HTTP_DUPLEX_GONE == HTTP_LINK_GONE,
	       "the same values are passed on");

ssize_t http_duplex_receive(struct http_duplex *d, void *to, size_t max)
{
	size_t len = d->received.len < max ? d->received.len : max;

	if (!len)
		return http_link_receive(d->link, to, max);
	memcpy(to, d->received.data, len);
	buf_consume(&d->received, len);
	if (!d->received.len)
		buf_clear(&d->received);
	return (ssize_t)len;
}

ssize_t http_duplex_send(struct http_duplex *d, const void *data, size_t len)
{
	return http_link_send(d->link, data, len);
}

void http_duplex_wait(struct http_duplex *d, bool to_receive)
{
	http_link_wait(d->link, to_receive);
}

void http_duplex_resume(struct http_duplex *d)
{
	if (!d->paused)
		return;
	d->paused = false;
	http_link_again(d->link);
}

/* ---- the response ------------------------------------------------------------------------------------------------ */

static void fail(struct http_duplex *d, const char *text)
{
	d->over = true;
	error_set(&d->fault, RC_UNAVAILABLE, "%s: %s", http_link_host(d->link), text);
}

static void fail_closed(struct http_duplex *d, const char *text)
{
	const char *fault = http_link_fault(d->link);

	fail(d, text);
	if (fault)
		error_set(&d->fault, RC_UNAVAILABLE, "%s: %s (TLS: %s)", http_link_host(d->link), text, fault);
}

static void begin_body(struct http_duplex *d, size_t head_len)
{
	char value[HTTP_RETRY_AFTER_TEXT_MAX];
	const char *head = d->received.data;
	bool is_good = d->response.status / 100 == 2;

	d->state = is_good && d->taker.take ? DUPLEX_FLOWING : DUPLEX_REFUSED;
	if (http_head_value(head, head_len, "Retry-After", value, sizeof(value)))
		d->response.retry_after_s = retry_after_parse(value);
	if (!http_body_begin(&d->body, d->response.status, head, head_len)) {
		fail(d, "the length or the encoding of the response is not supported");
		return;
	}
	buf_consume(&d->received, head_len);
	if (d->state == DUPLEX_FLOWING && d->taker.begun && !http_body_is_none(&d->body))
		d->taker.begun(d->taker.ctx);
}

/* Whether the head is complete. Heads of interim responses are ignored. */
static void read_head(struct http_duplex *d)
{
	size_t len = 0;
	enum http_head_state state;
	struct http_upgraded upgraded;

	while ((state = http_head_read(d->received.data, d->received.len, &d->response.status, &len)) ==
		       HTTP_HEAD_COMPLETE &&
	       d->response.status < 200 && d->response.status != SWITCHING_PROTOCOLS)
		buf_consume(&d->received, len);
	if (state == HTTP_HEAD_INVALID ||
	    (state == HTTP_HEAD_COMPLETE && d->response.status == SWITCHING_PROTOCOLS && !d->taker.opened))
		fail(d, "the response is not HTTP/1.1");
	if (state != HTTP_HEAD_COMPLETE || d->over)
		return;
	if (d->response.status != SWITCHING_PROTOCOLS) {
		begin_body(d, len);
		return;
	}
	d->state = DUPLEX_OPEN;
	upgraded = (struct http_upgraded){ d->received.data, len };
	d->taker.opened(d->taker.ctx, &upgraded);
	buf_consume(&d->received, len);
}

/* Returns false if the taker is busy. */
static bool give(struct http_duplex *d, const char *piece, size_t len)
{
	if (d->state == DUPLEX_FLOWING)
		return d->taker.take(d->taker.ctx, piece, len);
	buf_add(&d->response.body, piece, len);
	d->over = d->response.body.failed != RC_OK; /* reported by its reader */
	return true;
}

/* Pass received data on, until the taker is busy. Returns the number of processed bytes. */
static size_t hand_on(struct http_duplex *d, const char *bytes, size_t len)
{
	size_t done = 0;
	enum http_body_event event = HTTP_BODY_PIECE;

	while (event == HTTP_BODY_PIECE && !d->over) {
		struct http_body before = d->body;
		const char *piece = NULL;
		size_t piece_len = 0;
		size_t used = 0;

		event = http_body_next(&d->body, bytes + done, len - done, &used, &piece, &piece_len);
		if (event == HTTP_BODY_PIECE && !give(d, piece, piece_len)) {
			d->body = before;
			d->paused = true;
			return done;
		}
		done += used;
	}
	if (event == HTTP_BODY_END)
		d->over = true;
	else if (event == HTTP_BODY_INVALID)
		fail(d, "the body of the response is not HTTP/1.1");
	return done;
}

/* Process kept data, before more is received. */
static void hand_on_kept(struct http_duplex *d)
{
	buf_consume(&d->received, hand_on(d, d->received.data, d->received.len));
	if (!d->received.len)
		buf_clear(&d->received); /* allocated only while not empty */
}

static void take_block(struct http_duplex *d, const char *block, size_t len)
{
	size_t done = 0;

	if (d->state == DUPLEX_FLOWING || d->state == DUPLEX_REFUSED)
		done = hand_on(d, block, len);
	if (!d->over && done < len)
		buf_add(&d->received, block + done, len - done);
	if (d->received.failed) {
		fail(d, "the head of the response is too long");
		return;
	}
	if (d->state == DUPLEX_ASKING)
		read_head(d);
	if (!d->over && !d->paused && (d->state == DUPLEX_FLOWING || d->state == DUPLEX_REFUSED))
		hand_on_kept(d);
}

static void take_end(struct http_duplex *d, bool is_end)
{
	d->over = is_end && d->state != DUPLEX_ASKING && http_body_may_end(&d->body);
	if (!d->over)
		fail_closed(d, "the connection was closed before the response was complete");
}

static bool is_reading(const struct http_duplex *d)
{
	return d->state != DUPLEX_OPEN && !d->over && !d->paused;
}

static void read_answer(struct http_duplex *d)
{
	char block[HTTP_PIECE_MAX];

	if (d->received.len && d->state == DUPLEX_FLOWING)
		hand_on_kept(d);
	for (int i = 0; i < ROUNDS_MAX && is_reading(d); i++) {
		ssize_t got = http_link_receive(d->link, block, sizeof(block));

		if (got == HTTP_LINK_BUSY) {
			http_link_wait(d->link, true);
			return;
		}
		if (got > 0)
			take_block(d, block, (size_t)got);
		else
			take_end(d, got == 0);
	}
	if (is_reading(d))
		http_link_again(d->link);
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

/* Including what curl would add. `url`: "scheme://authority/path?query". */
static void write_request(struct http_duplex *d, const struct http_request *request)
{
	const char *authority = strstr(request->url, "://") + 3;
	const char *path = authority + strcspn(authority, "/?#");

	buf_addf(&d->request, "GET %s%s HTTP/1.1\r\nHost: %s\r\n", *path == '/' ? "" : "/", path,
		 http_link_host(d->link));
	for (size_t i = 0; i < request->header_count; i++)
		buf_addf(&d->request, "%s\r\n", request->headers[i]);
	buf_add_str(&d->request, "\r\n");
}

/* Returns false if there is no response to read yet. */
static bool send_request(struct http_duplex *d)
{
	while (d->request.len) {
		ssize_t sent = http_link_send(d->link, d->request.data, d->request.len);

		if (sent == HTTP_LINK_BUSY) {
			http_link_wait(d->link, false);
			return false;
		}
		if (sent < 0) {
			fail_closed(d, "the connection was closed before the request was sent");
			return false;
		}
		d->response.sent = true;
		buf_consume(&d->request, (size_t)sent);
	}
	buf_clear(&d->request);
	return true;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void tell_done(struct http_duplex *d, const struct error *err)
{
	d->taker.done(d->taker.ctx, &d->response, err);
	http_duplex_close(d);
}

static void on_ready(void *ctx)
{
	struct http_duplex *d = ctx;

	if (d->state == DUPLEX_OPEN) {
		d->taker.ready(d->taker.ctx);
		return;
	}
	if (send_request(d))
		read_answer(d);
	if (d->over)
		tell_done(d, &d->fault);
}

static void on_opened(void *ctx)
{
	struct http_duplex *d = ctx;

	d->state = DUPLEX_ASKING;
	on_ready(d);
}

static void on_failed(void *ctx, const struct error *err)
{
	tell_done(ctx, err);
}

/* ---- life cycle -------------------------------------------------------------------------------------------------- */

enum rc http_duplex_open(struct http_multi *multi, const struct http_request *request,
			 const struct http_duplex_taker *taker, struct http_duplex **ret_duplex, struct error *err)
{
	struct http_duplex *d = calloc(1, sizeof(*d));
	const struct http_link_taker link_taker = { on_opened, on_ready, on_failed, d };
	enum rc rc;

	if (!d)
		return error_no_memory(err);
	d->taker = *taker;
	d->request = buf_make(REQUEST_MAX);
	d->received = buf_make(HTTP_HEAD_MAX + HTTP_PIECE_MAX);
	d->response.body = buf_make(HTTP_FLOW_ERROR_MAX);
	rc = http_link_open(multi, request, &link_taker, &d->link, err);
	if (!rc) {
		write_request(d, request);
		rc = buf_check(&d->request, err);
	}
	if (rc)
		http_duplex_close(d);
	else
		*ret_duplex = d;
	return rc;
}

int http_duplex_status(const struct http_duplex *d)
{
	return d->state >= DUPLEX_OPEN ? d->response.status : 0; /* before, that of an interim response */
}

void http_duplex_close(struct http_duplex *d)
{
	if (!d)
		return;
	http_link_close(d->link);
	buf_clear(&d->request);
	buf_clear(&d->received);
	buf_clear(&d->response.body);
	free(d);
}
