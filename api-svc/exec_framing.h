/*
 * The WebSocket of a client that runs a command, with Kubernetes' own subprotocols, so that clients for `kubectl exec`
 * can be used: its messages are the frames of the stream to a worker (common/exec_channel.h).
 */
#ifndef API_SVC_EXEC_FRAMING_H
#define API_SVC_EXEC_FRAMING_H

#include "api-svc/http/http_server.h"
#include "api-svc/tunnel.h"

#define EXEC_FRAMING_PROTOCOL "websocket"
#define EXEC_FRAMING_BEAT_MS 15000 /* of silence, after which the client gets a ping */
#define EXEC_FRAMING_PINGS 2       /* that it may leave unanswered */

struct exec_framing;

/* What a request says of the WebSocket that it opens; NULL: nothing. */
struct exec_handshake {
	bool wanted; /* http_exchange_wants() */
	const char *version;
	const char *key;
	char subprotocols[256];
};

/* Valid where http_exchange_wants() is, and as long as the headers are. */
struct exec_handshake exec_handshake_read(const struct http_exchange *exchange);

/*
 * Does it open such a WebSocket (RFC 6455 section 4.2.1)?
 * Errors: RC_INVALID_ARGUMENT what is wrong with it.
 */
enum rc exec_handshake_check(const struct exec_handshake *handshake, struct error *err) must_check;

/*
 * Make it for a request that has passed that. ret_framing: owned by the caller. Errors: those of
 * exec_handshake_check(); RC_NO_MEMORY; RC_INTERNAL.
 */
enum rc exec_framing_create(const struct exec_handshake *handshake, struct exec_framing **ret_framing,
			    struct error *err) must_check;

/* NULL is allowed. */
void exec_framing_destroy(struct exec_framing *framing);

/* Add what the answer to the client says. */
void exec_framing_fill(const struct exec_framing *framing, struct http_upgrade *upgrade);

/* For its tunnel, which it outlives. */
struct tunnel_framing exec_framing_for(struct exec_framing *framing);

#endif
