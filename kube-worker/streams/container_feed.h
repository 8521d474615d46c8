/*
 * All containers as they are, and then as they change: informers of their own for the roots, whose objects a Container
 * is written from, and the worker's cache for all else. A container that has changed waits, once, until its turn comes,
 * and is read then: however slow the reader is, what waits are names.
 */
#ifndef KUBE_WORKER_STREAMS_CONTAINER_FEED_H
#define KUBE_WORKER_STREAMS_CONTAINER_FEED_H

#include <pthread.h>

#include "kube-worker/operation/op_call.h"

#define CONTAINER_FEED_MAX (256u * 1024 * 1024) /* bytes of roots: of about 50,000 containers */

struct container_feed;

/* How many feeds of the process have not ended yet. */
struct feed_count {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t count;
};

void feed_count_init(struct feed_count *feeds);

/* Wait until all have ended: about a second after they were closed. */
void feed_count_wait(struct feed_count *feeds);

/*
 * Begin. What it tells is at least as new as this call.
 *
 * wake      called when there may be something to tell, on any thread; must not block, nor call anything here.
 * ret_feed  given to the caller (container_feed_close). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc container_feed_open(const struct op_env *env, void (*wake)(void *ctx), void *ctx,
			    struct container_feed **ret_feed, struct error *err) must_check;

/* End it; wake() is no longer called. Does not wait. */
void container_feed_close(struct container_feed *feed);

/*
 * Is all known that there was when it began?
 * Errors: RC_UNAVAILABLE Kubernetes cannot be reached for some seconds, or there are too many containers;
 * RC_PERMISSION_DENIED, as op_kube.h.
 */
enum rc container_feed_is_ready(struct container_feed *feed, bool *ret_ready, struct error *err) must_check;

/*
 * Append lines (common/protocol.h, watch), about `max` bytes and the rest of a line. On one thread. Nothing is
 * appended: nothing is to be told now; wake() will tell, or call again at *ret_due_ms (clock_mono_ms()).
 *
 * Errors: RC_NO_MEMORY, RC_TOO_LARGE, those of container_feed_is_ready().
 */
enum rc container_feed_read(struct container_feed *feed, size_t max, struct buf *out, int64_t *ret_due_ms,
			    struct error *err) must_check;

#endif
