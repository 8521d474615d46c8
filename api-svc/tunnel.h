/*
 * Between a connection that was upgraded and a stream: bytes in both directions, no more of them than the stream's
 * credits. A protocol with a framing of its own comes in between here. Without a thread; that of stream_answer.h.
 */
#ifndef API_SVC_TUNNEL_H
#define API_SVC_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "api-svc/http/http_server.h"
#include "common/base/buf.h"
#include "common/bus/stream_hub.h"

#define TUNNEL_BLOCK (32u * 1024) /* bytes that are carried at once */

struct tunnel {
	struct http_exchange *exchange;
	struct stream *stream;
	struct buf to_stream; /* what the client sent before the tunnel was there */
	struct buf to_client; /* taken from the stream and not written yet; in the memory budget */
	bool client_ended;
	bool client_gone;
	bool told; /* the stream, that the client has ended */
};

/* Begin. exchange, stream: borrowed. early: what the client has sent already; copied. */
void tunnel_init(struct tunnel *tunnel, struct http_exchange *exchange, struct stream *stream, const char *early,
		 size_t len);

/* Free what it holds. */
void tunnel_clear(struct tunnel *tunnel);

/*
 * Carry what can be carried, but not for too long: *ret_more then says that it is to be called again without waiting. On
 * the loop of the stream's hub.
 * Returns false when the tunnel is over: the stream has ended and the client has got all, or one of them is gone.
 */
bool tunnel_pump(struct tunnel *tunnel, bool *ret_more);

/* The conditions of poll(2) after which tunnel_pump() has something to do. */
short tunnel_events(struct tunnel *tunnel);

#endif
