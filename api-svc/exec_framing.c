#include "api-svc/exec_framing.h"

#include <stdlib.h>
#include <string.h>

#include "common/adapters/websocket.h"
#include "common/base/strutil.h"
#include "common/exec_channel.h"
#include "common/services/json_write.h"

#define STATUS_MAX 2048 /* bytes of a generated Status */

struct exec_framing {
	char accept[WEBSOCKET_KEY_MAX];
	const char *subprotocol;
	struct websocket *websocket;
	struct exec_reader from_client;
	struct exec_reader from_stream;
	struct error fault; /* error in the client's data */
	bool status_told;
	int64_t heard_ms;      /* last data from the client, or last ping; 0: not started */
	int pings;             /* unanswered ones */
	struct buf *to_stream; /* during from_client() */
	struct buf *to_client; /* during a callback */
};

/* ---- the handshake ----------------------------------------------------------------------------------------------- */

/* The newest supported subprotocol that the client offers. NULL: none. */
static const char *choose_subprotocol(const char *offered)
{
	static const char *const known[] = { EXEC_PROTOCOL_V5, EXEC_PROTOCOL_V4 };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *at = offered;
		size_t len = strlen(known[i]);

		for (; *at; at += strcspn(at, ",")) {
			at += strspn(at, ", \t");
			if (strncmp(at, known[i], len) == 0 && (!at[len] || strchr(", \t", at[len])))
				return known[i];
		}
	}
	return NULL;
}

struct exec_handshake exec_handshake_read(const struct http_exchange *exchange)
{
	struct exec_handshake h = {
		.wanted = http_exchange_wants(exchange, EXEC_FRAMING_PROTOCOL),
		.version = http_exchange_header(exchange, "Sec-WebSocket-Version"),
		.key = http_exchange_header(exchange, "Sec-WebSocket-Key"),
	};

	http_exchange_list(exchange, "Sec-WebSocket-Protocol", h.subprotocols, sizeof(h.subprotocols));
	return h;
}

enum rc exec_handshake_check(const struct exec_handshake *h, struct error *err)
{
	if (!h->wanted)
		return error_set(err, RC_INVALID_ARGUMENT, "this requires an upgrade of the connection to '%s'",
				 EXEC_FRAMING_PROTOCOL);
	if (!str_equal(h->version, "13"))
		return error_set(err, RC_INVALID_ARGUMENT, "Sec-WebSocket-Version must be 13");
	if (!websocket_is_key(h->key))
		return error_set(err, RC_INVALID_ARGUMENT, "Sec-WebSocket-Key must be 16 bytes in base64");
	if (!choose_subprotocol(h->subprotocols))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "Sec-WebSocket-Protocol must name " EXEC_PROTOCOL_V5 " or " EXEC_PROTOCOL_V4);
	return RC_OK;
}

/* ---- from the client --------------------------------------------------------------------------------------------- */

/* Data of a message; `self` is the framing. */
static void on_message(void *self, unsigned channel, const char *data, size_t len)
{
	struct exec_framing *f = self;
	bool is_v5 = strcmp(f->subprotocol, EXEC_PROTOCOL_V5) == 0;

	if (channel == EXEC_STDIN || channel == EXEC_RESIZE)
		exec_frame_add(f->to_stream, channel, data, len);
	else if (channel == EXEC_CLOSE && is_v5 && len == 1 && *data == EXEC_STDIN)
		exec_frame_add(f->to_stream, channel, data, len);
	else if (channel != EXEC_CLOSE || !is_v5)
		error_set(&f->fault, RC_INVALID_ARGUMENT, "clients must not send on channel %u", channel);
}

static void on_piece(void *ctx, const struct websocket_piece *piece)
{
	struct exec_framing *f = ctx;

	if (!f->fault.rc &&
	    exec_reader_message(&f->from_client, piece->bytes, piece->len, piece->begins, piece->ends, &f->fault))
		f->fault.rc = RC_INVALID_ARGUMENT;
}

static enum tunnel_next from_client(void *ctx, const char *bytes, size_t len, struct buf *to_stream,
				    struct buf *to_client)
{
	struct exec_framing *f = ctx;
	bool good;

	f->heard_ms = 0;
	f->pings = 0;
	f->to_stream = to_stream;
	good = websocket_receive(f->websocket, bytes, len, to_client);
	if (websocket_is_closed(f->websocket))
		return TUNNEL_OVER;
	if (f->fault.rc && good)
		websocket_close(f->websocket, WEBSOCKET_PROTOCOL_ERROR, f->fault.text, to_client);
	return good && !f->fault.rc ? TUNNEL_GOES_ON : TUNNEL_CLOSES;
}

/* ---- from the worker --------------------------------------------------------------------------------------------- */

static void send_to_client(struct exec_framing *f, unsigned channel, const char *data, size_t len)
{
	websocket_send(f->websocket, (unsigned char)channel, data, len, f->to_client);
}

static void on_frame(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct exec_framing *f = ctx;

	f->status_told = f->status_told || channel == EXEC_STATUS;
	send_to_client(f, channel, data, len);
}

/* Send a final status if Kubernetes has not sent one. */
static void tell_status(struct exec_framing *f, const struct error *why)
{
	struct buf status cleanup_buf = buf_make(STATUS_MAX);
	struct json_writer w = json_writer_make(&status);

	json_begin_object(&w, NULL);
	json_begin_object(&w, "metadata");
	json_end_object(&w);
	json_string(&w, "status", "Failure");
	json_string(&w, "message", why->text);
	json_string(&w, "reason", "InternalError");
	json_int(&w, "code", 500);
	json_end_object(&w);
	f->status_told = true;
	if (!status.failed)
		send_to_client(f, EXEC_STATUS, status.data, status.len);
}

static void fail(struct exec_framing *f, const struct error *why)
{
	if (!f->status_told)
		tell_status(f, why);
	websocket_close(f->websocket, WEBSOCKET_SERVER_FAULT, why->text, f->to_client);
}

static enum tunnel_next from_stream(void *ctx, const char *bytes, size_t len, struct buf *to_client)
{
	struct exec_framing *f = ctx;
	struct error err;

	f->to_client = to_client;
	if (exec_reader_frames(&f->from_stream, bytes, len, &err) == RC_OK)
		return TUNNEL_GOES_ON;
	fail(f, &err);
	return TUNNEL_CLOSES;
}

static void end(void *ctx, const struct error *fault, struct buf *to_client)
{
	struct exec_framing *f = ctx;

	f->to_client = to_client;
	if (fault->rc)
		fail(f, fault);
	else
		websocket_close(f->websocket, WEBSOCKET_NORMAL, "", to_client);
}

/* A live client always replies to a ping: RFC 6455 section 5.5.2. */
static enum tunnel_next beat(void *ctx, int64_t now_ms, bool listens, struct buf *to_client)
{
	struct exec_framing *f = ctx;

	if (!listens || !f->heard_ms)
		f->heard_ms = now_ms;
	if (now_ms - f->heard_ms < EXEC_FRAMING_BEAT_MS)
		return TUNNEL_GOES_ON;
	if (f->pings == EXEC_FRAMING_PINGS)
		return TUNNEL_OVER;
	f->pings++;
	f->heard_ms = now_ms;
	websocket_ping(f->websocket, to_client);
	return TUNNEL_GOES_ON;
}

/* ---- one --------------------------------------------------------------------------------------------------------- */

enum rc exec_framing_create(const struct exec_handshake *handshake, struct exec_framing **ret_framing,
			    struct error *err)
{
	struct exec_framing *f;
	enum rc rc = exec_handshake_check(handshake, err);

	if (rc)
		return rc;
	f = calloc(1, sizeof(*f));
	if (!f)
		return error_no_memory(err);
	f->subprotocol = choose_subprotocol(handshake->subprotocols);
	f->from_client = exec_reader_make(on_message, f);
	f->from_stream = exec_reader_make(on_frame, f);
	if (!websocket_accept(handshake->key, f->accept))
		rc = error_set(err, RC_INTERNAL, "libcrypto cannot compute digests");
	if (!rc)
		rc = websocket_create(WEBSOCKET_SERVER, on_piece, f, &f->websocket, err);
	if (rc)
		exec_framing_destroy(f);
	else
		*ret_framing = f;
	return rc;
}

void exec_framing_destroy(struct exec_framing *f)
{
	if (!f)
		return;
	websocket_destroy(f->websocket);
	exec_reader_clear(&f->from_client);
	exec_reader_clear(&f->from_stream);
	free(f);
}

void exec_framing_fill(const struct exec_framing *f, struct http_upgrade *upgrade)
{
	upgrade->accept = f->accept;
	upgrade->subprotocol = f->subprotocol;
}

struct tunnel_framing exec_framing_for(struct exec_framing *f)
{
	return (struct tunnel_framing){ from_client, from_stream, end, beat, f };
}
