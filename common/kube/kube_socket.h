/*
 * A WebSocket to the Kubernetes API, for commands in containers: the same credentials as kube_client.h, on the loop of
 * a kube_flow. No more is read than is asked for, and what cannot be sent yet is not taken: whoever is slow throttles
 * the other side by TCP.
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
	/* kube_socket_pump() has something to do. */
	void (*ready)(void *ctx);
	/*
	 * It could not be opened; it is freed afterwards.
	 * reply, err: as kube_call_taker.done. A 403 without a body is what Kubernetes answers to a subprotocol that it
	 * does not know, and to who may `get` but not `create`.
	 */
	void (*refused)(void *ctx, const struct kube_reply *reply, const struct error *err);
	/* In kube_socket_pump(): of a message that has come. */
	websocket_take *take;
	void *ctx;
};

/*
 * Begin.
 *
 * path        with its query; copied.
 * protocol    the subprotocol that is wanted.
 * ret_socket  valid until rejected(), or kube_socket_close().
 * Errors: RC_TIMEOUT there are no credentials yet, ask again a moment later; those of kube_auth_get() and
 * http_duplex_open().
 */
enum rc kube_socket_open(struct kube_flow *flow, const char *path, const char *protocol,
			 const struct kube_socket_taker *taker, struct kube_socket **ret_socket, struct error *err)
	must_check;

/*
 * End it, without a word to the other side: the command's connection is dropped. NULL is allowed. Not within a
 * callback.
 */
void kube_socket_close(struct kube_socket *socket);

enum kube_socket_state {
	KUBE_SOCKET_OPEN,
	KUBE_SOCKET_CLOSED, /* the other side has closed it, as the protocol says */
	KUBE_SOCKET_BROKEN, /* or not as it says */
};

/*
 * Send what waits to be sent, and receive up to `max` bytes; 0: nothing is wanted now. To be called again, in the next
 * turn, while it returns true: there was more.
 */
bool kube_socket_pump(struct kube_socket *socket, size_t max, enum kube_socket_state *ret_state);

/* Whether everything was sent. Then a message may be, WEBSOCKET_SEND_MAX at most. */
bool kube_socket_takes(const struct kube_socket *socket);
void kube_socket_send(struct kube_socket *socket, unsigned char first, const char *bytes, size_t len);

#endif
