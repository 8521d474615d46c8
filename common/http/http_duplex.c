#include "common/http/http_duplex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/retry_after.h"
#include "common/base/strutil.h"
#include "common/http/http_head.h"
#include "common/http/http_multi_private.h"

#define REQUEST_MAX (128u * 1024) /* bytes */
#define BLOCK 4096
#define SWITCHING_PROTOCOLS 101

enum duplex_state {
	DUPLEX_CONNECTING,
	DUPLEX_ASKING,
	DUPLEX_OPEN,
	DUPLEX_REFUSED, /* the body of the error response follows */
};

struct http_duplex {
	struct http_job job; /* first member: CURLOPT_PRIVATE points to it */
	enum duplex_state state;
	struct http_multi *multi; /* whose loop it is on */
	struct http_multi *own;   /* NULL: not made */
	struct http_duplex_taker taker;
	CURL *easy;
	struct http_easy_lists lists;
	char text[CURL_ERROR_SIZE];
	char authority[HTTP_HOST_MAX];
	int fd;              /* of the connection; -1: none yet */
	struct buf request;  /* unsent part */
	struct buf received; /* the head, and bytes after it */
	size_t body_left;    /* of an error response */
	struct http_response response;
	bool over; /* refused() is due */
	struct error fault;
	struct http_duplex *next;    /* while connecting */
	char held[HTTP_DUPLEX_HELD]; /* curl_easy_send() must be retried with the same bytes */
	size_t held_at, held_len;
};

/* ---- its descriptors --------------------------------------------------------------------------------------------- */

static bool make_epoll(struct http_multi *multi)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (multi->duplex_epoll >= 0)
		return true;
	multi->duplex_epoll = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = multi->duplex_epoll;
	if (multi->duplex_epoll >= 0 && epoll_ctl(multi->epoll, EPOLL_CTL_ADD, multi->duplex_epoll, &event) == 0)
		return true;
	if (multi->duplex_epoll >= 0)
		close(multi->duplex_epoll);
	multi->duplex_epoll = -1;
	return false;
}

static bool watch(struct http_duplex *d, int operation, int fd, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = d };

	return epoll_ctl(d->multi->duplex_epoll, operation, fd, &event) == 0;
}

static void leave_connecting(struct http_duplex *d)
{
	struct http_duplex **at = &d->multi->connecting;

	while (*at && *at != d)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = d->next;
	(void)watch(d, EPOLL_CTL_DEL, http_multi_fd(d->own), 0); /* registered before */
}

void http_duplex_wait(struct http_duplex *d, bool to_receive)
{
	unsigned events = (to_receive ? (unsigned)EPOLLIN | EPOLLRDHUP : 0) | (d->held_len ? (unsigned)EPOLLOUT : 0);

	(void)watch(d, EPOLL_CTL_MOD, d->fd, events | EPOLLONESHOT); /* registered since it connected */
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static ssize_t receive_now(struct http_duplex *d, void *to, size_t max)
{
	size_t got = 0;
	CURLcode code = curl_easy_recv(d->easy, to, max, &got);

	if (code == CURLE_AGAIN)
		return HTTP_DUPLEX_BUSY;
	return code == CURLE_OK ? (ssize_t)got : HTTP_DUPLEX_GONE;
}

ssize_t http_duplex_receive(struct http_duplex *d, void *to, size_t max)
{
	size_t len = d->received.len < max ? d->received.len : max;

	if (!len)
		return receive_now(d, to, max);
	memcpy(to, d->received.data, len);
	buf_consume(&d->received, len);
	if (!d->received.len)
		buf_clear(&d->received);
	return (ssize_t)len;
}

/* Send held bytes. False: the connection is closed. */
static bool send_held(struct http_duplex *d)
{
	while (d->held_len) {
		size_t sent = 0;
		CURLcode code = curl_easy_send(d->easy, d->held + d->held_at, d->held_len, &sent);

		if (code == CURLE_AGAIN)
			return true;
		if (code != CURLE_OK)
			return false;
		d->held_at += sent;
		d->held_len -= sent;
	}
	return true;
}

ssize_t http_duplex_send(struct http_duplex *d, const void *data, size_t len)
{
	if (!send_held(d))
		return HTTP_DUPLEX_GONE;
	if (d->held_len)
		return HTTP_DUPLEX_BUSY;
	len = len < sizeof(d->held) ? len : sizeof(d->held);
	memcpy(d->held, data, len);
	d->held_at = 0;
	d->held_len = len;
	return send_held(d) ? (ssize_t)len : HTTP_DUPLEX_GONE;
}

/* ---- the request and its response -------------------------------------------------------------------------------- */

/* Reported on the loop, not within a callback of curl. */
static void fail(struct http_duplex *d, enum rc rc, const char *text)
{
	const char *host = strrchr(d->authority, '@') ? strrchr(d->authority, '@') + 1 : d->authority;

	d->over = true;
	error_set(&d->fault, rc, "%s: %s", host, text);
}

static bool send_request(struct http_duplex *d)
{
	while (d->request.len) {
		ssize_t sent = http_duplex_send(d, d->request.data, d->request.len);

		if (sent == HTTP_DUPLEX_BUSY)
			return true;
		if (sent < 0)
			return false;
		buf_consume(&d->request, (size_t)sent);
	}
	buf_clear(&d->request);
	return send_held(d);
}

static void begin_refusal(struct http_duplex *d, size_t head_len)
{
	char value[HTTP_RETRY_AFTER_TEXT_MAX];
	int64_t length = 0;

	d->state = DUPLEX_REFUSED;
	if (http_head_value(d->received.data, head_len, "Retry-After", value, sizeof(value)))
		d->response.retry_after_s = retry_after_parse(value);
	if (!http_head_value(d->received.data, head_len, "Content-Length", value, sizeof(value)) ||
	    !str_parse_int64(value, &length) || length < 0)
		length = 0;
	d->body_left = length < HTTP_FLOW_ERROR_MAX ? (size_t)length : HTTP_FLOW_ERROR_MAX;
	buf_consume(&d->received, head_len);
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
	if (state == HTTP_HEAD_INVALID)
		fail(d, RC_UNAVAILABLE, "the response is not HTTP/1.1");
	if (state != HTTP_HEAD_COMPLETE)
		return;
	if (d->response.status != SWITCHING_PROTOCOLS) {
		begin_refusal(d, len);
		return;
	}
	d->state = DUPLEX_OPEN;
	upgraded = (struct http_upgraded){ d->received.data, len };
	d->taker.opened(d->taker.ctx, &upgraded);
	buf_consume(&d->received, len);
}

static void read_refusal(struct http_duplex *d)
{
	size_t len = d->received.len < d->body_left ? d->received.len : d->body_left;

	buf_add(&d->response.body, d->received.data, len);
	buf_clear(&d->received);
	d->body_left -= len;
	d->over = d->body_left == 0;
}

static void read_answer(struct http_duplex *d)
{
	char block[BLOCK];

	while (d->state != DUPLEX_OPEN && !d->over) {
		ssize_t got = receive_now(d, block, sizeof(block));

		if (got == HTTP_DUPLEX_BUSY)
			return;
		if (got > 0)
			buf_add(&d->received, block, (size_t)got);
		if (got <= 0 || d->received.failed)
			fail(d, RC_UNAVAILABLE, "the connection was closed before the response was complete");
		else if (d->state == DUPLEX_ASKING)
			read_head(d);
		if (!d->over && d->state == DUPLEX_REFUSED)
			read_refusal(d);
	}
}

static void ask(struct http_duplex *d)
{
	if (!send_request(d))
		fail(d, RC_UNAVAILABLE, "the connection was closed before the request was sent");
	read_answer(d);
	if (d->state != DUPLEX_OPEN && !d->over)
		http_duplex_wait(d, true);
}

/* curl has connected, or failed. On the loop, within http_multi_turn(d->own). */
static void on_connected(struct http_job *job, CURLcode code)
{
	struct http_duplex *d = (struct http_duplex *)job;
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (code == CURLE_OK)
		code = curl_easy_getinfo(d->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (code != CURLE_OK || fd == CURL_SOCKET_BAD) {
		fail(d, http_easy_rc(code), d->text[0] ? d->text : curl_easy_strerror(code));
		return;
	}
	d->fd = fd;
	d->state = DUPLEX_ASKING;
}

static void tell_refused(struct http_duplex *d)
{
	d->taker.refused(d->taker.ctx, &d->response, &d->fault);
	http_duplex_close(d);
}

/* ---- begin and end ----------------------------------------------------------------------------------------------- */

/* Including what curl would add. `url`: "scheme://authority/path?query". */
static void write_request(struct http_duplex *d, const struct http_request *request)
{
	const char *authority = strstr(request->url, "://") + 3;
	const char *path = authority + strcspn(authority, "/?#");
	const char *host = strrchr(d->authority, '@') ? strrchr(d->authority, '@') + 1 : d->authority;

	buf_addf(&d->request, "GET %s%s HTTP/1.1\r\nHost: %s\r\n", *path == '/' ? "" : "/", path, host);
	for (size_t i = 0; i < request->header_count; i++)
		buf_addf(&d->request, "%s\r\n", request->headers[i]);
	buf_add_str(&d->request, "\r\n");
}

static CURLcode set_up(struct http_duplex *d, const struct http_request *request)
{
	CURLcode c = http_easy_set(d->easy, request, &d->lists);

	HTTP_CHAIN(c, curl_easy_setopt(d->easy, CURLOPT_ERRORBUFFER, d->text));
	HTTP_CHAIN(c, curl_easy_setopt(d->easy, CURLOPT_CONNECT_ONLY, 1L));
	HTTP_CHAIN(c, curl_easy_setopt(d->easy, CURLOPT_HTTPPROXYTUNNEL, 1L)); /* also for http://, as kubectl */
	HTTP_CHAIN(c, curl_easy_setopt(d->easy, CURLOPT_TIMEOUT_MS, 0L));
	HTTP_CHAIN(c, http_multi_add(d->own, d->easy, &d->job));
	return c;
}

static enum rc begin(struct http_duplex *d, const struct http_request *request, struct error *err)
{
	CURLcode code;
	enum rc rc;

	if (!http_easy_authority(request->url, d->authority) || !strstr(request->url, "://"))
		return error_set(err, RC_INVALID_ARGUMENT, "unusable URL");
	write_request(d, request);
	rc = buf_check(&d->request, err);
	if (!rc)
		rc = http_multi_create(&d->own, err);
	if (rc)
		return rc;
	d->easy = curl_easy_init();
	if (!d->easy)
		return error_no_memory(err);
	code = set_up(d, request);
	if (code != CURLE_OK)
		return error_set(err, http_easy_rc(code), "cannot create a request: %s", curl_easy_strerror(code));
	if (!make_epoll(d->multi) || !watch(d, EPOLL_CTL_ADD, http_multi_fd(d->own), EPOLLIN))
		return error_set(err, RC_INTERNAL, "create create an epoll descriptor: %s", error_errno_text(errno));
	d->next = d->multi->connecting;
	d->multi->connecting = d;
	return RC_OK;
}

enum rc http_duplex_open(struct http_multi *multi, const struct http_request *request,
			 const struct http_duplex_taker *taker, struct http_duplex **ret_duplex, struct error *err)
{
	struct http_duplex *d = calloc(1, sizeof(*d));
	enum rc rc;

	if (!d)
		return error_no_memory(err);
	d->job.done = on_connected;
	d->multi = multi;
	d->taker = *taker;
	d->fd = -1;
	d->request = buf_make(REQUEST_MAX);
	d->received = buf_make(HTTP_HEAD_MAX + BLOCK);
	d->response.body = buf_make(HTTP_FLOW_ERROR_MAX);
	rc = begin(d, request, err);
	if (rc)
		http_duplex_close(d);
	else
		*ret_duplex = d;
	return rc;
}

void http_duplex_close(struct http_duplex *d)
{
	if (!d)
		return;
	leave_connecting(d);
	if (d->fd >= 0)
		(void)watch(d, EPOLL_CTL_DEL, d->fd, 0); /* before curl closes it */
	if (d->easy && d->own)
		curl_multi_remove_handle(d->own->curl, d->easy);
	curl_easy_cleanup(d->easy);
	http_multi_destroy(d->own);
	http_easy_free_lists(&d->lists);
	buf_clear(&d->request);
	buf_clear(&d->received);
	buf_clear(&d->response.body);
	free(d);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* Connected: from now on wait for its descriptor. */
static void begin_asking(struct http_duplex *d)
{
	leave_connecting(d);
	if (!watch(d, EPOLL_CTL_ADD, d->fd, EPOLLONESHOT)) {
		d->fd = -1;
		fail(d, RC_INTERNAL, "cannot wait for its descriptor");
		return;
	}
	ask(d);
}

static void turn(struct http_duplex *d)
{
	if (d->state == DUPLEX_CONNECTING) {
		http_multi_turn(d->own);
		if (d->state == DUPLEX_ASKING)
			begin_asking(d);
	} else if (d->state == DUPLEX_OPEN) {
		d->taker.ready(d->taker.ctx);
		return;
	} else {
		ask(d);
	}
	if (d->over)
		tell_refused(d);
}

/* The events of a turn are for different connections, and none of them frees another. */
void http_duplex_turn(struct http_multi *multi)
{
	struct epoll_event events[HTTP_EVENTS_AT_ONCE];
	int count = multi->duplex_epoll >= 0 ? epoll_wait(multi->duplex_epoll, events, HTTP_EVENTS_AT_ONCE, 0) : 0;
	int64_t now_ms = clock_mono_ms();
	struct http_duplex *next;
	int left = HTTP_EVENTS_AT_ONCE; /* the rest is handled in the next turn */

	for (int i = 0; i < count; i++)
		turn(events[i].data.ptr);
	for (struct http_duplex *d = multi->connecting; d && left; d = next) {
		next = d->next;
		if (http_multi_due_ms(d->own) <= now_ms) {
			left--;
			turn(d);
		}
	}
}

int64_t http_duplex_due_ms(const struct http_multi *multi)
{
	int64_t due_ms = INT64_MAX;

	for (const struct http_duplex *d = multi->connecting; d; d = d->next)
		if (http_multi_due_ms(d->own) < due_ms)
			due_ms = http_multi_due_ms(d->own);
	return due_ms;
}
