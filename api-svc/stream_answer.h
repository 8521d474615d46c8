/*
 * Answers that flow: a stream from a worker (common/protocol.h, STREAMS) becomes the body of an HTTP answer, or, with
 * the client's bytes in the other direction, the connection itself (tunnel.h). One thread for all of them.
 */
#ifndef API_SVC_STREAM_ANSWER_H
#define API_SVC_STREAM_ANSWER_H

#include "api-svc/http/http_server.h"
#include "api-svc/pipeline/worker_reply.h"
#include "common/bus/bus.h"
#include "common/bus/stream_hub.h"

/* All of them. */
struct stream_answers;

/* One. */
struct stream_answer;

/* ret_answers: owned by the caller. Errors: RC_NO_MEMORY. */
enum rc stream_answers_create(struct stream_answers **ret_answers, struct error *err) must_check;

/*
 * Use this bus from now on, until stream_answers_stop(); before a worker can be asked for a stream. Once.
 * Errors: those of stream_hub_create(); RC_INTERNAL when no thread can be had.
 */
enum rc stream_answers_connect(struct stream_answers *answers, struct bus *bus, struct error *err) must_check;

/*
 * Have `turn` called on the thread after each turn of the hub, for streams that are no client's answer; it returns when
 * it wants to be called at the latest (clock_mono_ms()). Before stream_answers_connect().
 */
void stream_answers_set_guest(struct stream_answers *answers, int64_t (*turn)(void *ctx), void *ctx);

/* The hub, connected. */
struct stream_hub *stream_answers_hub(struct stream_answers *answers);

/* End all, and each that begins later: their workers are told, their clients see that they have not got all. */
void stream_answers_end(struct stream_answers *answers);

/* Stop the thread; when the HTTP server has stopped, before bus_destroy(). */
void stream_answers_stop(struct stream_answers *answers);

/* Free it, stopped; after bus_destroy(). NULL is allowed. */
void stream_answers_destroy(struct stream_answers *answers);

/*
 * Open our end of the stream that a worker has begun.
 *
 * exchange    claimed; the caller resumes it with *ret_answer.
 * request_id  for the log; outlives the result.
 * ret_answer  refers to the result.
 * ret_stream  owned by the caller, who closes it in finish(), not before.
 *
 * Errors: RC_INVALID_ARGUMENT the client does not want the protocol that this needs; RC_INTERNAL what the worker says
 * cannot be used; RC_NO_MEMORY. The worker is told, when it can be.
 */
enum rc stream_answer_open(struct stream_answers *answers, const struct worker_reply *reply,
			   struct http_exchange *exchange, const char *request_id, struct http_answer *ret_answer,
			   struct stream_answer **ret_stream, struct error *err) must_check;

/* Its exchange is over: the worker is told, when the stream is not. */
void stream_answer_close(struct stream_answer *stream);

#endif
