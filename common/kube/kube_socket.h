/*
 * A WebSocket to the Kubernetes API, for commands in containers: the same credentials as kube_client.h, on the loop of
 * a kube_flow. Flow control in both directions by TCP: only requested bytes are read, and nothing is accepted while the
 * connection is busy.
 *
 * Threads: the loop alone.
 */
#ifndef COMMON_KUBE_KUBE_SOCKET_H
#define COMMON_KUBE_KUBE_SOCKET_H

#include "common/adapters/websocket.h"
#include "common/kube/kube_flow.h"

struct kube_socket;

struct kube_socket_taker {
	/* It is open. */
	void (*opened)(void *ctx);
	/* kube_socket_pump() must be called. */
	void (*ready)(void *ctx);
	/*
	 * It failed to open; it is freed afterwards.
	 * reply, err: as kube_call_taker.done. Kubernetes returns 403 without a body for an unknown subprotocol, and to
	 * users with `get` but without `create`.
	 */
	void (*refused)(void *ctx, const struct kube_reply *reply, const struct error *err);
	/* Called by kube_socket_pump() with received data. */
	websocket_take *take;
	void *ctx;
};

/*
 * Begin.
 *
 * path        with its query; copied.
 * protocol    the requested subprotocol.
 * ret_socket  valid until refused(), or kube_socket_close().
 * Errors: RC_TIMEOUT no credentials yet, retry later; those of kube_auth_get() and http_duplex_open().
 */
enum rc kube_socket_open(struct kube_flow *flow, const char *path, const char *protocol,
			 const struct kube_socket_taker *taker, struct kube_socket **ret_socket, struct error *err)
	must_check;

/*
 * Close it without a close frame: the connection is dropped. NULL is allowed. Not within a callback.
 */
void kube_socket_close(struct kube_socket *socket);

enum kube_socket_state {
	KUBE_SOCKET_OPEN,
	KUBE_SOCKET_CLOSED, /* closed by the peer with a close frame */
	KUBE_SOCKET_BROKEN, /* closed without one, or protocol error; everything received before was delivered */
};

/*
 * Send pending data, and receive up to `max` bytes; 0: only send. Returns true if there is more: call it again in the
 * next turn.
 */
bool kube_socket_pump(struct kube_socket *socket, size_t max, enum kube_socket_state *ret_state);

/*
 * Whether everything was sent, so that the next message (WEBSOCKET_SEND_MAX at most) is accepted. Messages to a peer
 * that has closed are dropped.
 */
bool kube_socket_takes(const struct kube_socket *socket);
void kube_socket_send(struct kube_socket *socket, unsigned char first, const char *bytes, size_t len);

#endif
