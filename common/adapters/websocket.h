/*
 * One end of a WebSocket connection (RFC 6455) by libwslay, as a filter from received bytes to messages, and from
 * messages to bytes to send; the caller owns the connection. Messages are delivered in pieces as they arrive, without
 * buffering. Pings are answered. Also the two keys of the opening handshake. No threads, never blocks.
 */
#ifndef COMMON_ADAPTERS_WEBSOCKET_H
#define COMMON_ADAPTERS_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define WEBSOCKET_KEY_MAX 32            /* bytes of the handshake keys with their NUL */
#define WEBSOCKET_REASON_MAX 123        /* bytes of the reason in a close frame (section 5.5) */
#define WEBSOCKET_FRAME_MAX (32u << 20) /* bytes of a frame of the peer; the limit of Kubernetes */
#define WEBSOCKET_SEND_MAX (32u * 1024) /* bytes of a sent message, without its first byte */

/* Close codes (section 7.4.1). */
#define WEBSOCKET_NORMAL 1000
#define WEBSOCKET_PROTOCOL_ERROR 1002
#define WEBSOCKET_SERVER_FAULT 1011

struct websocket;

enum websocket_role {
	WEBSOCKET_SERVER,
	WEBSOCKET_CLIENT, /* its frames are masked */
};

/* A piece of a message, text or binary; may be empty. */
struct websocket_piece {
	const char *bytes;
	size_t len;
	bool begins; /* it is the first of its message */
	bool ends;   /* and the last frame */
};

/* Receives a piece. Must not call websocket_receive() or free the socket. */
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
 * Process received bytes: pieces of messages are delivered, and protocol replies are appended to `out`.
 *
 * Returns false if the peer has closed, or violated the protocol (then `out` has a close frame); further input is
 * ignored. After websocket_close() everything except its close frame is ignored.
 */
bool websocket_receive(struct websocket *socket, const char *bytes, size_t len, struct buf *out) must_check;

/*
 * Append a binary message: one byte, and `len` more, WEBSOCKET_SEND_MAX at most, or the buffer fails (RC_TOO_LARGE).
 * Nothing after a close frame.
 */
void websocket_send(struct websocket *socket, unsigned char first, const char *bytes, size_t len, struct buf *out);

/* Append a ping without data. Nothing after a close frame. */
void websocket_ping(struct websocket *socket, struct buf *out);

/* Append a close frame, once. reason: UTF-8, cut to WEBSOCKET_REASON_MAX. */
void websocket_close(struct websocket *socket, uint16_t code, const char *reason, struct buf *out);

/* Whether the peer has sent a close frame. */
bool websocket_is_closed(const struct websocket *socket);

/* A new Sec-WebSocket-Key. Returns false if the system has no random numbers. */
bool websocket_make_key(char out[WEBSOCKET_KEY_MAX]) must_check;

/* Whether it is a Sec-WebSocket-Key: 16 bytes in base64. NULL: no. */
bool websocket_is_key(const char *text);

/* The Sec-WebSocket-Accept for a key (section 4.2.2). Returns false if libcrypto fails. */
bool websocket_accept(const char *key, char out[WEBSOCKET_KEY_MAX]) must_check;

#endif
