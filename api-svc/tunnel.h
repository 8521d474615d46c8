/*
 * Between a connection that was upgraded and a stream: bytes in both directions, no more of them than the stream's
 * credits. A protocol with its own framing comes in between. Without a thread; that of stream_answer.h.
 */
#ifndef API_SVC_TUNNEL_H
#define API_SVC_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/http/http_server.h"
#include "common/base/buf.h"
#include "common/bus/stream_hub.h"

#define TUNNEL_BLOCK (32u * 1024) /* bytes that are carried at once */

enum tunnel_next {
	TUNNEL_GOES_ON,
	TUNNEL_CLOSES, /* the last word is said: what was appended for the client, who then ends */
	TUNNEL_OVER,   /* and the client has said its last one: the connection ends when it has got what is appended */
};

/* What is appended waits in the tunnel; it is little beside what was given. */
struct tunnel_framing {
	/* The client has sent something. */
	enum tunnel_next (*from_client)(void *ctx, const char *bytes, size_t len, struct buf *to_stream,
					struct buf *to_client);
	/* The worker has. */
	enum tunnel_next (*from_stream)(void *ctx, const char *bytes, size_t len, struct buf *to_client);
	/* The stream has ended. fault: why; RC_OK: well. */
	void (*end)(void *ctx, const struct error *fault, struct buf *to_client);
	/*
	 * Time has passed. listens: all that was said is on its way to the client, and what it says is read; else it is
	 * not the client's doing that nothing is heard of it. TUNNEL_OVER: it has gone.
	 */
	enum tunnel_next (*beat)(void *ctx, int64_t now_ms, bool listens, struct buf *to_client);
	void *ctx; /* NULL: there is no framing */
};

struct tunnel {
	struct http_exchange *exchange;
	struct stream *stream;
	struct tunnel_framing framing;
	struct buf to_stream; /* what the client sent before the tunnel was there; with a framing also what it made */
	struct buf to_client; /* taken from the stream and not written yet; both in the memory budget */
	bool client_ended;
	bool client_gone;
	bool told;             /* the stream, that the client has ended */
	enum tunnel_next next; /* of a framing */
	size_t counted;        /* in the memory budget */
};

/*
 * Begin. exchange, stream, and what the framing refers to: borrowed. early: what the client has sent already; copied.
 */
void tunnel_init(struct tunnel *tunnel, struct http_exchange *exchange, struct stream *stream,
		 const struct tunnel_framing *framing, const char *early, size_t len);

/* Free what it holds. */
void tunnel_clear(struct tunnel *tunnel);

/*
 * Carry what can be carried, but not for too long: *ret_more then says that it is to be called again without waiting.
 * On the loop of the stream's hub.
 * Returns false when the tunnel is over: the stream has ended and the client has got all, or one of them is gone. With
 * a framing the client has the last word: it ends its connection, when it has read that of the other side.
 */
bool tunnel_pump(struct tunnel *tunnel, bool *ret_more);

/*
 * For a framing that looks whether its client lives: call it now and then. True: tunnel_pump() has something to do. On
 * the loop of the stream's hub.
 */
bool tunnel_beat(struct tunnel *tunnel, int64_t now_ms);

/* Whether only the client's receipt of the last bytes, and its close, are pending. The caller sets the timeout. */
bool tunnel_is_closing(const struct tunnel *tunnel);

/* The conditions of poll(2) after which tunnel_pump() has something to do. */
short tunnel_events(struct tunnel *tunnel);

#endif
