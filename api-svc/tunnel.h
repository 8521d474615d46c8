/*
 * Connects an upgraded connection with a stream: bytes in both directions, limited by the stream's credits, optionally
 * converted by a framing. Uses the thread of stream_answer.h.
 */
#ifndef API_SVC_TUNNEL_H
#define API_SVC_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/http/http_server.h"
#include "common/base/buf.h"
#include "common/bus/stream_hub.h"

#define TUNNEL_BLOCK (32u * 1024) /* bytes per block */

enum tunnel_next {
	TUNNEL_GOES_ON,
	TUNNEL_CLOSES, /* the final data for the client was appended; the client closes */
	TUNNEL_OVER,   /* and the client has closed: the connection ends when the appended data was sent */
};

/* Appended data is buffered in the tunnel; it must be small compared with the input. */
struct tunnel_framing {
	/* Data from the client. */
	enum tunnel_next (*from_client)(void *ctx, const char *bytes, size_t len, struct buf *to_stream,
					struct buf *to_client);
	/* Data from the worker. */
	enum tunnel_next (*from_stream)(void *ctx, const char *bytes, size_t len, struct buf *to_client);
	/* The stream has ended. fault: the error; RC_OK: success. */
	void (*end)(void *ctx, const struct error *fault, struct buf *to_client);
	/*
	 * Periodic check. listens: all data was sent to the client, and its data is being read; otherwise its silence
	 * is not its fault. TUNNEL_OVER: it is dead.
	 */
	enum tunnel_next (*beat)(void *ctx, int64_t now_ms, bool listens, struct buf *to_client);
	void *ctx; /* NULL: no framing */
};

struct tunnel {
	struct http_exchange *exchange;
	struct stream *stream;
	struct tunnel_framing framing;
	struct buf to_stream; /* early data of the client; with a framing also its output */
	struct buf to_client; /* taken from the stream and not sent yet; both in the memory budget */
	bool client_ended;
	bool client_gone;
	bool told;             /* END of the client was passed to the stream */
	enum tunnel_next next; /* state of the framing */
	size_t counted;        /* in the memory budget */
};

/*
 * Initialise it. exchange, stream, and the framing's context are borrowed. early: data already received from the
 * client; copied.
 */
void tunnel_init(struct tunnel *tunnel, struct http_exchange *exchange, struct stream *stream,
		 const struct tunnel_framing *framing, const char *early, size_t len);

/* Free its contents. */
void tunnel_clear(struct tunnel *tunnel);

/*
 * Transfer data, for a limited number of blocks: with *ret_more set call it again without waiting. On the loop of the
 * stream's hub.
 * Returns false if the tunnel is over: the stream has ended and everything was sent, or one of them has failed. With a
 * framing the client closes the connection after it has read the final data.
 */
bool tunnel_pump(struct tunnel *tunnel, bool *ret_more);

/*
 * For a framing that checks whether its client is alive: call it periodically. Returns true if tunnel_pump() must be
 * called. On the loop of the stream's hub.
 */
bool tunnel_beat(struct tunnel *tunnel, int64_t now_ms);

/* Whether only the client's receipt of the last bytes, and its close, are pending. The caller sets the timeout. */
bool tunnel_is_closing(const struct tunnel *tunnel);

/* The poll(2) events for which tunnel_pump() must be called. */
short tunnel_events(struct tunnel *tunnel);

#endif
