/*
 * Streamed responses: a stream from a worker (common/protocol.h, STREAMS) is the body of an HTTP response or, with the
 * client's data in the other direction, an upgraded connection (tunnel.h). One thread for all of them.
 */
#ifndef API_SVC_STREAM_ANSWER_H
#define API_SVC_STREAM_ANSWER_H

#include "api-svc/http/http_server.h"
#include "api-svc/pipeline/worker_reply.h"
#include "common/bus/bus.h"
#include "common/bus/stream_hub.h"

/* All streamed responses. */
struct stream_answers;

/* One streamed response. */
struct stream_answer;

/* ret_answers: owned by the caller. Errors: RC_NO_MEMORY. */
enum rc stream_answers_create(struct stream_answers **ret_answers, struct error *err) must_check;

/*
 * Set the bus, used until stream_answers_stop(); before streams are requested from workers. Once.
 * Errors: those of stream_hub_create(); RC_INTERNAL no thread.
 */
enum rc stream_answers_connect(struct stream_answers *answers, struct bus *bus, struct error *err) must_check;

/*
 * Call `turn` on the thread after each turn of the hub, for streams that are not responses; it returns the latest time
 * of the next call (clock_mono_ms()). Before stream_answers_connect().
 */
void stream_answers_set_guest(struct stream_answers *answers, int64_t (*turn)(void *ctx), void *ctx);

/* The hub; once connected. */
struct stream_hub *stream_answers_hub(struct stream_answers *answers);

/* End all streams, and new ones: with an error for their workers and truncated responses for their clients. */
void stream_answers_end(struct stream_answers *answers);

/* Stop the thread; after the HTTP server has stopped, before bus_destroy(). */
void stream_answers_stop(struct stream_answers *answers);

/* Free it after stop and bus_destroy(). NULL is allowed. */
void stream_answers_destroy(struct stream_answers *answers);

/*
 * Open our end of a stream that a worker has opened.
 *
 * exchange    claimed; resumed by the caller with *ret_answer.
 * request_id  for the log; must outlive the result.
 * ret_answer  refers to the result.
 * ret_stream  owned by the caller, closed in finish(), not before.
 *
 * Errors: RC_INVALID_ARGUMENT the client does not request the required protocol; RC_INTERNAL an invalid message of the
 * worker; RC_NO_MEMORY. The worker is notified if possible.
 */
enum rc stream_answer_open(struct stream_answers *answers, const struct worker_reply *reply,
			   struct http_exchange *exchange, const char *request_id, struct http_answer *ret_answer,
			   struct stream_answer **ret_stream, struct error *err) must_check;

/* Its exchange has ended: the stream is cancelled if it is not over. */
void stream_answer_close(struct stream_answer *stream);

#endif
