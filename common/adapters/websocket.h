/*
 * One end of a WebSocket connection (RFC 6455) by libwslay, as a filter: bytes of the peer come in, bytes for it go
 * out, the connection is the caller's. Messages are handed on while they come, whatever their size: nothing is
 * collected. Pings are answered. And the two texts of the opening handshake. No threads of its own, never blocks.
 */
#ifndef COMMON_ADAPTERS_WEBSOCKET_H
#define COMMON_ADAPTERS_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define WEBSOCKET_KEY_MAX 32            /* bytes of the texts of the handshake with their NUL */
#define WEBSOCKET_REASON_MAX 123        /* bytes of the reason in a close frame (section 5.5) */
#define WEBSOCKET_FRAME_MAX (32u << 20) /* bytes that a frame of the peer may have: what Kubernetes takes */
#define WEBSOCKET_SEND_MAX (32u * 1024) /* bytes of a message that is sent, its first byte not counted */

/* Close codes (section 7.4.1). */
#define WEBSOCKET_NORMAL 1000
#define WEBSOCKET_PROTOCOL_ERROR 1002
#define WEBSOCKET_POLICY 1008
#define WEBSOCKET_SERVER_FAULT 1011

struct websocket;

enum websocket_role {
	WEBSOCKET_SERVER,
	WEBSOCKET_CLIENT, /* its frames are masked */
};

/* A piece of a message, text or binary; of no bytes, perhaps. */
struct websocket_piece {
	const char *bytes;
	size_t len;
	bool begins; /* it is the first of its message */
	bool ends;   /* and the last */
};

/* Takes a piece. Must not call websocket_receive(), nor free. */
typedef void websocket_take(void *ctx, const struct websocket_piece *piece);

/*
 * ret_socket  owned by the caller (websocket_destroy).
 * Errors: RC_NO_MEMORY.
 */
enum rc websocket_create(enum websocket_role role, websocket_take *take, void *ctx, struct websocket **ret_socket,
			 struct error *err) must_check;

/* NULL is allowed. */
void websocket_destroy(struct websocket *socket);

/*
 * Bytes have come: the pieces of messages in them are taken, and answers of the protocol's own go to `out`.
 *
 * False: the peer has closed, or broken a rule of the protocol, of which the close frame in `out` tells it; nothing
 * that it sends counts any more. After websocket_close() only its close frame does.
 */
bool websocket_receive(struct websocket *socket, const char *bytes, size_t len, struct buf *out) must_check;

/*
 * Append a binary message: one byte, and `len` more, WEBSOCKET_SEND_MAX at most, or the buffer fails (RC_TOO_LARGE).
 * Nothing after a close frame.
 */
void websocket_send(struct websocket *socket, unsigned char first, const char *bytes, size_t len, struct buf *out);

/* Append a ping without data, which the peer answers by itself. Nothing after a close frame. */
void websocket_ping(struct websocket *socket, struct buf *out);

/* Append a close frame, once. reason: UTF-8, cut to WEBSOCKET_REASON_MAX. */
void websocket_close(struct websocket *socket, uint16_t code, const char *reason, struct buf *out);

/* Whether the peer has sent a close frame. */
bool websocket_is_closed(const struct websocket *socket);

/* A new Sec-WebSocket-Key. False when the system has no random numbers. */
bool websocket_make_key(char out[WEBSOCKET_KEY_MAX]) must_check;

/* Whether it is a Sec-WebSocket-Key: 16 bytes in base64. NULL: no. */
bool websocket_is_key(const char *text);

/* The Sec-WebSocket-Accept that belongs to a key (section 4.2.2). False when libcrypto rejects. */
bool websocket_accept(const char *key, char out[WEBSOCKET_KEY_MAX]) must_check;

#endif
