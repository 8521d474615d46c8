#include "common/adapters/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"

#define HANDSHAKE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* section 1.3 */
#define KEY_SIZE 16                                           /* bytes */

struct websocket {
	wslay_event_context_ptr events;
	websocket_take *take;
	void *ctx;
	const char *in; /* input of websocket_receive() not read yet */
	size_t in_len;
	struct buf *out; /* during a call of this module */
	bool of_message; /* the current frame is part of a message */
	bool is_last;    /* and the last frame */
	bool begins;     /* no data of the message was delivered yet */
	bool closed;     /* a close frame was sent, or is queued */
	enum websocket_role role;
};

/*
 * ---- callbacks of the library --------------------------------------------------------------------------------------
 */

static ssize_t on_receive(wslay_event_context_ptr events, uint8_t *to, size_t max, int flags unused, void *ctx)
{
	struct websocket *socket = ctx;
	size_t len = socket->in_len < max ? socket->in_len : max;

	if (!len) {
		wslay_event_set_error(events, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(to, socket->in, len);
	socket->in += len;
	socket->in_len -= len;
	return (ssize_t)len;
}

/* The owner checks the buffer for failure. */
static ssize_t on_send(wslay_event_context_ptr events unused, const uint8_t *data, size_t len, int flags unused,
		       void *ctx)
{
	struct websocket *socket = ctx;

	buf_add(socket->out, data, len);
	return (ssize_t)len;
}

static int on_mask(wslay_event_context_ptr events unused, uint8_t *to, size_t len, void *ctx unused)
{
	return crypto_random(to, len) ? 0 : -1;
}

static void on_frame(wslay_event_context_ptr events, const struct wslay_event_on_frame_recv_start_arg *frame, void *ctx)
{
	struct websocket *socket = ctx;

	socket->of_message = !wslay_is_ctrl_frame(frame->opcode);
	socket->is_last = frame->fin;
	if (socket->of_message && frame->opcode != WSLAY_CONTINUATION_FRAME)
		socket->begins = true;
	/* One byte is no valid code; the library would treat it as a close without a code. */
	if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1 && !socket->closed)
		(void)wslay_event_queue_close(events, WEBSOCKET_PROTOCOL_ERROR, NULL, 0); /* then it sends no code */
}

static void pass_on(struct websocket *socket, const void *bytes, size_t len, bool ends)
{
	const struct websocket_piece piece = { bytes, len, socket->begins, ends };

	if (!socket->of_message || socket->closed)
		return;
	socket->begins = false;
	socket->take(socket->ctx, &piece);
}

static void on_chunk(wslay_event_context_ptr events unused, const struct wslay_event_on_frame_recv_chunk_arg *chunk,
		     void *ctx)
{
	if (chunk->data_length)
		pass_on(ctx, chunk->data, chunk->data_length, false);
}

static void on_frame_end(wslay_event_context_ptr events unused, void *ctx)
{
	struct websocket *socket = ctx;

	if (socket->is_last)
		pass_on(socket, "", 0, true);
}

/* ---- one end ----------------------------------------------------------------------------------------------------- */

static bool make_events(struct websocket *socket)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_receive,
		.send_callback = on_send,
		.genmask_callback = on_mask,
		.on_frame_recv_start_callback = on_frame,
		.on_frame_recv_chunk_callback = on_chunk,
		.on_frame_recv_end_callback = on_frame_end,
	};
	int (*init)(wslay_event_context_ptr * events, const struct wslay_event_callbacks *callbacks,
		    void *ctx) = socket->role == WEBSOCKET_SERVER ? wslay_event_context_server_init
								  : wslay_event_context_client_init;

	if (init(&socket->events, &callbacks, socket))
		return false;
	wslay_event_config_set_no_buffering(socket->events, 1);
	wslay_event_config_set_max_recv_msg_length(socket->events, WEBSOCKET_FRAME_MAX);
	return true;
}

enum rc websocket_create(enum websocket_role role, websocket_take *take, void *ctx, struct websocket **ret_socket,
			 struct error *err)
{
	struct websocket *socket = calloc(1, sizeof(*socket));

	if (!socket)
		return error_no_memory(err);
	socket->role = role;
	socket->take = take;
	socket->ctx = ctx;
	if (!make_events(socket)) {
		free(socket);
		return error_no_memory(err);
	}
	*ret_socket = socket;
	return RC_OK;
}

void websocket_destroy(struct websocket *socket)
{
	if (!socket)
		return;
	wslay_event_context_free(socket->events);
	free(socket);
}

/* Write queued frames to the buffer. */
static bool flush(struct websocket *socket, struct buf *out)
{
	bool good;

	socket->out = out;
	good = wslay_event_send(socket->events) == 0;
	socket->out = NULL;
	return good;
}

/*
 * The library reports a protocol error by a close without a code: send it from a new context, with a code. Queued pongs
 * are lost, as the connection is.
 */
static void fail(struct websocket *socket, struct buf *out)
{
	wslay_event_context_ptr broken = socket->events;

	if (!make_events(socket)) {
		socket->events = broken;
		out->failed = RC_NO_MEMORY;
		return;
	}
	wslay_event_context_free(broken);
	wslay_event_shutdown_read(socket->events);
	if (!socket->closed)
		websocket_close(socket, WEBSOCKET_PROTOCOL_ERROR, "", out);
}

bool websocket_receive(struct websocket *socket, const char *bytes, size_t len, struct buf *out)
{
	bool good;

	socket->in = bytes;
	socket->in_len = len;
	good = wslay_event_recv(socket->events) == 0;
	if (good)
		good = flush(socket, out);
	else
		fail(socket, out);
	socket->in = NULL;
	socket->in_len = 0;
	return good && wslay_event_get_read_enabled(socket->events);
}

void websocket_send(struct websocket *socket, unsigned char first, const char *bytes, size_t len, struct buf *out)
{
	unsigned char message[WEBSOCKET_SEND_MAX + 1];
	const struct wslay_event_msg msg = { .opcode = WSLAY_BINARY_FRAME, .msg = message, .msg_length = len + 1 };

	if (len > WEBSOCKET_SEND_MAX) {
		out->failed = RC_TOO_LARGE;
		return;
	}
	message[0] = first;
	if (len)
		memcpy(message + 1, bytes, len);
	if (wslay_event_queue_msg(socket->events, &msg) == WSLAY_ERR_NOMEM || !flush(socket, out))
		out->failed = RC_NO_MEMORY; /* the stream is incomplete */
}

void websocket_ping(struct websocket *socket, struct buf *out)
{
	const struct wslay_event_msg msg = { .opcode = WSLAY_PING };

	if (wslay_event_queue_msg(socket->events, &msg) == WSLAY_ERR_NOMEM || !flush(socket, out))
		out->failed = RC_NO_MEMORY;
}

void websocket_close(struct websocket *socket, uint16_t code, const char *reason, struct buf *out)
{
	char text[WEBSOCKET_REASON_MAX + 1];

	snprintf(text, sizeof(text), "%s", reason);
	str_trim_broken_utf8(text);
	socket->closed = true;
	if (wslay_event_queue_close(socket->events, code, (const uint8_t *)text, strlen(text)) == WSLAY_ERR_NOMEM ||
	    !flush(socket, out))
		out->failed = RC_NO_MEMORY;
}

bool websocket_is_closed(const struct websocket *socket)
{
	return wslay_event_get_close_received(socket->events);
}

/* ---- the handshake ----------------------------------------------------------------------------------------------- */

static bool write_text(const void *data, size_t len, char out[WEBSOCKET_KEY_MAX])
{
	struct buf text cleanup_buf = buf_make(WEBSOCKET_KEY_MAX - 1);

	crypto_base64_encode(CRYPTO_BASE64_STANDARD, data, len, &text);
	snprintf(out, WEBSOCKET_KEY_MAX, "%s", text.data);
	return !text.failed;
}

bool websocket_make_key(char out[WEBSOCKET_KEY_MAX])
{
	unsigned char bytes[KEY_SIZE];

	return crypto_random(bytes, sizeof(bytes)) && write_text(bytes, sizeof(bytes), out);
}

bool websocket_is_key(const char *text)
{
	struct buf bytes cleanup_buf = buf_make(KEY_SIZE);

	return text && strlen(text) == 24 && crypto_base64_decode(CRYPTO_BASE64_STANDARD, text, strlen(text), &bytes) &&
	       bytes.len == KEY_SIZE;
}

bool websocket_accept(const char *key, char out[WEBSOCKET_KEY_MAX])
{
	char text[2 * WEBSOCKET_KEY_MAX + sizeof(HANDSHAKE_GUID)];
	unsigned char digest[CRYPTO_SHA1_SIZE];

	snprintf(text, sizeof(text), "%.*s" HANDSHAKE_GUID, WEBSOCKET_KEY_MAX, key);
	return crypto_sha1(text, strlen(text), digest) && write_text(digest, sizeof(digest), out);
}
