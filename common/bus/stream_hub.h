/*
 * All streams of a process (common/protocol.h, STREAMS): one inbox, one table and one timer, and no thread. The process
 * has a thread, the loop, which waits for stream_hub_fd() and calls stream_hub_turn(): all frames are sent there, so
 * that the frames of a stream are in order.
 *
 * Threads: unless noted otherwise, functions may be called on any thread, and block only on a lock.
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

/* Free it with all streams; call after bus_destroy() and the end of the loop. NULL is allowed. */
void stream_hub_destroy(struct stream_hub *hub);

/* A descriptor that is readable when stream_hub_turn() must be called. Owned by the hub. */
int stream_hub_fd(const struct stream_hub *hub);

/* Make it readable, to wake the loop. Not in wake(). */
void stream_hub_poke(struct stream_hub *hub);

/*
 * Send pending frames, and detect dead peers. On the loop. Returns when to call it again at the latest
 * (clock_mono_ms()); INT64_MAX: only when the descriptor is readable. Blocks as bus_publish().
 */
int64_t stream_hub_turn(struct stream_hub *hub);

/* End all streams with an error for their peers; new streams are ended immediately. */
void stream_hub_end(struct stream_hub *hub, const struct error *why);

/*
 * Open a stream. Its maximum memory, PROTOCOL_STREAM_WINDOW, is reserved in the memory budget while it is open.
 *
 * peer  the subject of the other end (bus_is_inbox()), copied; NULL: taken from its first frame.
 * wake  called when there is more data or more room, and when it is over. On any thread, with the hub's lock held: must
 *       not block or call functions of the hub. The loop is poked afterwards, unless in stream_hub_turn().
 *
 * ret_stream  owned by the caller (stream_close).
 * Errors: RC_NO_MEMORY; RC_BUSY the budget is used up; RC_INVALID_ARGUMENT the peer is not an inbox.
 */
enum rc stream_open(struct stream_hub *hub, const char *peer, void (*wake)(void *ctx), void *ctx,
		    struct stream **ret_stream, struct error *err) must_check;

/* The subject of this end. */
void stream_address(const struct stream *stream, char out[BUS_ADDRESS_MAX]);

/* Bytes that stream_send() accepts now; 0: wake() is called when there is room again. */
size_t stream_room(struct stream *stream);

/*
 * Send `len` bytes, at most stream_room(). On the loop.
 * Errors: those of bus_publish(): then the stream is over. Blocks as bus_publish().
 */
enum rc stream_send(struct stream *stream, const void *data, size_t len, struct error *err) must_check;

/* End the sending direction. */
void stream_finish(struct stream *stream);

/* End it with an error for the other end. */
void stream_fail(struct stream *stream, const struct error *why);

/* Take up to `max` received bytes. Returns the number; 0: none yet, or stream_is_drained(). */
size_t stream_take(struct stream *stream, void *to, size_t max);

/*
 *  Whether no more data can follow.
 * ret_fault  of a drained stream: the error; RC_OK: the other end has finished.
 */
bool stream_is_drained(struct stream *stream, struct error *ret_fault);

/* Whether it is over. Received data may still be taken. ret_fault: as for stream_is_drained(); may be NULL. */
bool stream_is_over(struct stream *stream, struct error *ret_fault);

/*
 * Release it: if it is not over, it is cancelled. wake() is not called after the return.
 */
void stream_close(struct stream *stream);

#endif
