#include "common/kube/kube_socket.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/http/http_duplex.h"
#include "common/http/http_head.h"
#include "common/kube/kube_answer.h"
#include "common/kube/kube_flow_private.h"
#include "common/kube/kube_metrics.h"
#include "common/kube/kube_presence.h"

#define BLOCK 16384
#define OUT_MAX (1024u * 1024)   /* bytes: a message, and the pongs for one block of pings */
#define ANSWERS_MAX (64u * 1024) /* pending bytes above which nothing is received, as that could add pongs */
#define HEADER_MAX 160
#define SWITCHING_PROTOCOLS 101 /* RFC 9110, section 15.2.2 */

struct kube_socket {
	struct kube_flow *flow;
	struct kube_socket_taker taker;
	const struct kube_credentials *credentials; /* which the request refers to */
	struct http_duplex *duplex;                 /* NULL: not made, or it frees itself */
	struct websocket *websocket;
	struct kube_metrics_call counted;
	char protocol[64];
	char key[WEBSOCKET_KEY_MAX];
	struct buf out;
	enum kube_socket_state state;
	bool opened;
	bool cannot_send; /* sending has failed: further data is dropped */
};

static void free_socket(struct kube_socket *s)
{
	http_duplex_close(s->duplex);
	websocket_destroy(s->websocket);
	kube_credentials_release(s->credentials);
	buf_clear(&s->out);
	free(s);
}

/* ---- the handshake ----------------------------------------------------------------------------------------------- */

static bool is_value(const struct http_upgraded *upgraded, const char *name, const char *wanted, bool any_case)
{
	char value[128];

	return http_head_value(upgraded->head, upgraded->len, name, value, sizeof(value)) &&
	       (any_case ? strcasecmp(value, wanted) : strcmp(value, wanted)) == 0;
}

/* RFC 6455 section 4.1. An invalid handshake is reported by the first kube_socket_pump(). */
static void on_opened(void *ctx, const struct http_upgraded *upgraded)
{
	struct kube_socket *s = ctx;
	char accept[WEBSOCKET_KEY_MAX];

	s->opened = true;
	kube_metrics_end(&s->counted, SWITCHING_PROTOCOLS);
	if (!websocket_accept(s->key, accept) || !is_value(upgraded, "Upgrade", "websocket", true) ||
	    !is_value(upgraded, "Sec-WebSocket-Accept", accept, false) ||
	    !is_value(upgraded, "Sec-WebSocket-Protocol", s->protocol, false))
		s->state = KUBE_SOCKET_BROKEN;
	s->taker.opened(s->taker.ctx);
}

static void on_ready(void *ctx)
{
	struct kube_socket *s = ctx;

	s->taker.ready(s->taker.ctx);
}

/* Whether the request may have been executed: no final response, or one of a proxy that lost its server. */
static bool is_unsure(const struct http_response *response)
{
	return response->sent && (response->status < 200 || response->status == 502 || response->status == 504);
}

static void on_refused(void *ctx, const struct http_response *response, const struct error *http_err)
{
	struct kube_socket *s = ctx;
	struct kube_reply reply = { .status = response->status, .unsure = is_unsure(response) };
	struct error err = *http_err;

	kube_metrics_end(&s->counted, response->status);
	if (!err.rc && response->status == 401)
		kube_auth_reject(s->flow->auth, s->credentials);
	if (!err.rc)
		err.rc = kube_answer_read(&reply, &response->body, response->retry_after_s, &err);
	if (!err.rc)
		error_set(&err, RC_UNAVAILABLE, "Kubernetes returned %d to an upgrade request", response->status);
	kube_presence_doubt_refusal(&err);
	s->duplex = NULL;
	s->taker.refused(s->taker.ctx, &reply, &err);
	kube_reply_clear(&reply);
	free_socket(s);
}

static enum rc open_duplex(struct kube_socket *s, const char *path, struct error *err)
{
	const struct http_duplex_taker taker = { .opened = on_opened, .ready = on_ready, .done = on_refused, .ctx = s };
	struct kube_flow_request request cleanup_kube_flow_request = { .credentials = NULL };
	char key[HEADER_MAX];
	char protocol[HEADER_MAX];
	const char *const own[] = { "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key,
				    protocol };
	enum rc rc = kube_flow_request_make(s->flow, path, own, ARRAY_LEN(own), &request, err);

	snprintf(key, sizeof(key), "Sec-WebSocket-Key: %s", s->key);
	snprintf(protocol, sizeof(protocol), "Sec-WebSocket-Protocol: %s", s->protocol);
	s->counted = kube_metrics_begin("GET", path);
	if (!rc)
		rc = http_duplex_open(s->flow->http, &request.http, &taker, &s->duplex, err);
	if (!rc)
		s->credentials = TAKE(request.credentials);
	return rc;
}

enum rc kube_socket_open(struct kube_flow *flow, const char *path, const char *protocol,
			 const struct kube_socket_taker *taker, struct kube_socket **ret_socket, struct error *err)
{
	struct kube_socket *s = calloc(1, sizeof(*s));
	enum rc rc;

	if (!s)
		return error_no_memory(err);
	s->flow = flow;
	s->taker = *taker;
	s->out = buf_make(OUT_MAX);
	snprintf(s->protocol, sizeof(s->protocol), "%s", protocol);
	rc = websocket_create(WEBSOCKET_CLIENT, taker->take, taker->ctx, &s->websocket, err);
	if (!rc && !websocket_make_key(s->key))
		rc = error_set(err, RC_INTERNAL, "no random numbers");
	if (!rc)
		rc = open_duplex(s, path, err);
	if (rc)
		free_socket(s);
	else
		*ret_socket = s;
	return rc;
}

void kube_socket_close(struct kube_socket *s)
{
	if (!s)
		return;
	if (!s->opened)
		kube_metrics_cancel(&s->counted, http_duplex_status(s->duplex));
	free_socket(s);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* If the peer has closed, sending fails, but its last messages may still be unread. */
static void send_out(struct kube_socket *s)
{
	while (s->out.len && s->state == KUBE_SOCKET_OPEN && !s->cannot_send) {
		ssize_t sent = http_duplex_send(s->duplex, s->out.data, s->out.len);

		if (sent == HTTP_DUPLEX_BUSY)
			return;
		if (sent < 0)
			s->cannot_send = true;
		else
			buf_consume(&s->out, (size_t)sent);
	}
	if (!s->out.len || s->cannot_send)
		buf_clear(&s->out); /* allocated only while not empty */
}

/* Returns the number of received bytes. After a failed send no more arrive: the end is where there are none now. */
static size_t receive(struct kube_socket *s, size_t max)
{
	char block[BLOCK];
	ssize_t got = http_duplex_receive(s->duplex, block, max < sizeof(block) ? max : sizeof(block));

	if (got == HTTP_DUPLEX_BUSY && !s->cannot_send)
		return 0;
	if (got > 0)
		kube_presence_note_answer();
	if (got <= 0)
		s->state = KUBE_SOCKET_BROKEN;
	else if (!websocket_receive(s->websocket, block, (size_t)got, &s->out))
		s->state = websocket_is_closed(s->websocket) ? KUBE_SOCKET_CLOSED : KUBE_SOCKET_BROKEN;
	if (s->out.failed)
		s->state = KUBE_SOCKET_BROKEN;
	return got > 0 ? (size_t)got : 0;
}

bool kube_socket_pump(struct kube_socket *s, size_t max, enum kube_socket_state *ret_state)
{
	size_t got = 0;

	if (s->opened && s->state == KUBE_SOCKET_OPEN) {
		send_out(s);
		max = s->out.len < ANSWERS_MAX ? max : 0;
		if (max && s->state == KUBE_SOCKET_OPEN)
			got = receive(s, max);
		if (s->state == KUBE_SOCKET_OPEN)
			send_out(s);
		if (s->state == KUBE_SOCKET_OPEN && !got &&
		    (max || s->out.len)) /* else a socket with an error would be reported at once, again and again */
			http_duplex_wait(s->duplex, max > 0);
	}
	*ret_state = s->state;
	return got > 0 || (s->cannot_send && max > 0);
}

bool kube_socket_takes(const struct kube_socket *s)
{
	return s->opened && s->state == KUBE_SOCKET_OPEN && !s->out.len;
}

void kube_socket_send(struct kube_socket *s, unsigned char first, const char *bytes, size_t len)
{
	websocket_send(s->websocket, first, bytes, len, &s->out);
	if (s->out.failed)
		s->state = KUBE_SOCKET_BROKEN;
	else
		send_out(s);
}
