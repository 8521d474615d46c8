/*
 * A snapshot of all containers, and their changes: with separate informers for the roots, whose objects are needed to
 * write a Container, and the worker's cache for all else. Changed containers are queued by name, once each, and read
 * when it is their turn, so a slow reader needs little memory.
 */
#ifndef KUBE_WORKER_STREAMS_CONTAINER_FEED_H
#define KUBE_WORKER_STREAMS_CONTAINER_FEED_H

#include <pthread.h>

#include "kube-worker/operation/op_call.h"

#define CONTAINER_FEED_MAX (256u * 1024 * 1024) /* bytes of roots, for about 50,000 containers */

struct container_feed;

/* The number of feeds of the process that have not ended yet. */
struct feed_count {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t count;
};

void feed_count_init(struct feed_count *feeds);

/* Wait until all have ended: about a second after they were closed. */
void feed_count_wait(struct feed_count *feeds);

/*
 * Open a feed. Its data is at least as new as this call.
 *
 * wake      called if there may be data, on any thread; must not block, or call functions of this module.
 * ret_feed  owned by the caller (container_feed_close). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc container_feed_open(const struct op_env *env, void (*wake)(void *ctx), void *ctx,
			    struct container_feed **ret_feed, struct error *err) must_check;

/* Close it; wake() is no longer called. Does not block. */
void container_feed_close(struct container_feed *feed);

/*
 * Whether the initial state is complete.
 * Errors: RC_UNAVAILABLE Kubernetes is unreachable for a few seconds, or too many containers; RC_PERMISSION_DENIED, as
 * op_kube.h.
 */
enum rc container_feed_is_ready(struct container_feed *feed, bool *ret_ready, struct error *err) must_check;

/*
 * Append lines (common/protocol.h, watch), about `max` bytes and the rest of a line. On one thread. If nothing is
 * appended, wait for wake(), or call again at *ret_due_ms (clock_mono_ms()).
 *
 * Errors: RC_NO_MEMORY, RC_TOO_LARGE, those of container_feed_is_ready().
 */
enum rc container_feed_read(struct container_feed *feed, size_t max, struct buf *out, int64_t *ret_due_ms,
			    struct error *err) must_check;

#endif
