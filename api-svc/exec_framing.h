/*
 * The client's WebSocket for a command, with the Kubernetes subprotocols, for `kubectl exec` clients: converts between
 * its messages and the frames of the stream to a worker (common/exec_channel.h).
 */
#ifndef API_SVC_EXEC_FRAMING_H
#define API_SVC_EXEC_FRAMING_H

#include "api-svc/http/http_server.h"
#include "api-svc/tunnel.h"

#define EXEC_FRAMING_PROTOCOL "websocket"
#define EXEC_FRAMING_BEAT_MS 15000 /* idle time before a ping is sent */
#define EXEC_FRAMING_PINGS 2       /* unanswered pings before the client is considered dead */

struct exec_framing;

/* The WebSocket headers of a request; NULL: absent. */
struct exec_handshake {
	bool wanted; /* http_exchange_wants() */
	const char *version;
	const char *key;
	char subprotocols[256];
};

/* May be called where http_exchange_wants() may; valid as long as the headers. */
struct exec_handshake exec_handshake_read(const struct http_exchange *exchange);

/*
 * Validate the handshake (RFC 6455 section 4.2.1). Errors: RC_INVALID_ARGUMENT with the reason.
 */
enum rc exec_handshake_check(const struct exec_handshake *handshake, struct error *err) must_check;

/*
 * Create the framing for a validated request. ret_framing: owned by the caller. Errors: those of
 * exec_handshake_check(); RC_NO_MEMORY; RC_INTERNAL.
 */
enum rc exec_framing_create(const struct exec_handshake *handshake, struct exec_framing **ret_framing,
			    struct error *err) must_check;

/* NULL is allowed. */
void exec_framing_destroy(struct exec_framing *framing);

/* Add the handshake headers to the response. */
void exec_framing_fill(const struct exec_framing *framing, struct http_upgrade *upgrade);

/* For its tunnel, which it must outlive. */
struct tunnel_framing exec_framing_for(struct exec_framing *framing);

#endif
