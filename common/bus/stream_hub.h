/*
 * All streams of a process (common/protocol.h, STREAMS): one inbox, one table, one clock for all of them, and no thread
 * of its own. The process has a thread, the loop, which waits for stream_hub_fd() and calls stream_hub_turn(): all that
 * is sent is sent there, so that the frames of a stream are in order.
 *
 * Threads: what does not say otherwise may be called on any thread, and never waits for anything but a lock.
 */
#ifndef COMMON_BUS_STREAM_HUB_H
#define COMMON_BUS_STREAM_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/bus_inbox.h"

struct stream_hub;

/* This process's end of a stream. */
struct stream;

/* Make a hub. ret_hub: owned by the caller. Errors: those of bus_inbox_create(); RC_INTERNAL without a descriptor. */
enum rc stream_hub_create(struct bus *bus, struct stream_hub **ret_hub, struct error *err) must_check;

/* Free it with all streams; call after bus_destroy(), when the loop has ended. NULL is allowed. */
void stream_hub_destroy(struct stream_hub *hub);

/* A descriptor that is readable when stream_hub_turn() is to be called. Belongs to the hub. */
int stream_hub_fd(const struct stream_hub *hub);

/* Make it readable: the loop has something to do. Not in wake(). */
void stream_hub_poke(struct stream_hub *hub);

/*
 * Send what is to be sent, and find peers that are dead. On the loop.
 * Returns when to call it again if the descriptor does not tell before (clock_mono_ms()); INT64_MAX: it will.
 * Blocks as bus_publish().
 */
int64_t stream_hub_turn(struct stream_hub *hub);

/* End all streams with an error that their peers are told; from now on each new one is ended so at once. */
void stream_hub_end(struct stream_hub *hub, const struct error *why);

/*
 * Open a stream. The most that it may hold, PROTOCOL_STREAM_WINDOW, is counted into the memory budget while it is open.
 *
 * peer  the subject on which the other end listens (bus_is_inbox()), copied; NULL: its first frame will say.
 * wake  called when there is more to take or more room, and when it is over. On any thread, with the hub's lock held:
 *       must not block, and calls nothing here. The loop is poked afterwards; in stream_hub_turn() it is awake.
 *
 * ret_stream  owned by the caller (stream_close).
 * Errors: RC_NO_MEMORY; RC_BUSY the budget is spent; RC_INVALID_ARGUMENT a peer that is no inbox.
 */
enum rc stream_open(struct stream_hub *hub, const char *peer, void (*wake)(void *ctx), void *ctx,
		    struct stream **ret_stream, struct error *err) must_check;

/* The subject on which this end listens. */
void stream_address(const struct stream *stream, char out[BUS_ADDRESS_MAX]);

/* Bytes that stream_send() takes now; 0: wake() will tell when there is room again. */
size_t stream_room(struct stream *stream);

/*
 * Send `len` bytes, no more than there is room for. On the loop.
 * Errors: those of bus_publish(): then the stream is over. Blocks as bus_publish().
 */
enum rc stream_send(struct stream *stream, const void *data, size_t len, struct error *err) must_check;

/* Send no more. */
void stream_finish(struct stream *stream);

/* End it with an error that the other end is told. */
void stream_fail(struct stream *stream, const struct error *why);

/* Take up to `max` bytes that have come. Returns how many; 0: none yet, or stream_is_drained(). */
size_t stream_take(struct stream *stream, void *to, size_t max);

/*
 *  Whether no more data can follow.
 * ret_fault  of a drained stream: why; RC_OK: the other end has finished.
 */
bool stream_is_drained(struct stream *stream, struct error *ret_fault);

/* Whether it is over. What has come may still be taken. ret_fault: as for stream_is_drained(); may be NULL. */
bool stream_is_over(struct stream *stream, struct error *ret_fault);

/*
 * The caller has no more to do with it: the other end is told when it was not over. After the return wake() is not
 * called.
 */
void stream_close(struct stream *stream);

#endif
