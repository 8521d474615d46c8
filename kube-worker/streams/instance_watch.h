/*
 * Wakes streams when an instance, or any instance, changes in the cache, on the informers' threads.
 */
#ifndef KUBE_WORKER_STREAMS_INSTANCE_WATCH_H
#define KUBE_WORKER_STREAMS_INSTANCE_WATCH_H

#include <stdatomic.h>

#include "common/container/kube_cache.h"
#include "common/protocol.h"
#include "kube-worker/streams/worker_stream.h"

struct instance_watch;

/* A watcher; owned by the stream's source. */
struct instance_watcher {
	struct worker_stream *stream;
	char id[PROTOCOL_ID_MAX + 1];
	atomic_bool changed; /* changed, or just added; reset by the stream */
	struct instance_watcher *next, *previous;
};

/* A listener for all instances. */
struct instance_listener {
	void (*changed)(void *ctx, enum kube_kind kind, const char *instance_id); /* must not block */
	void *ctx;
	struct instance_listener *next, *previous;
};

/*
 * Create it, and register it with the cache; before the first informer. ret_watch: owned by the caller. Errors:
 * RC_NO_MEMORY.
 */
enum rc instance_watch_create(struct kube_cache *cache, struct instance_watch **ret_watch, struct error *err)
	must_check;

/* Free it, without watchers, after the informers have stopped. NULL is allowed. */
void instance_watch_destroy(struct instance_watch *watch);

/* Wake watcher->stream for changes of watcher->id, until it is removed. Threads: any. */
void instance_watch_add(struct instance_watch *watch, struct instance_watcher *watcher);
void instance_watch_remove(struct instance_watch *watch, struct instance_watcher *watcher);

/* The same for all instances: call listener->changed, on the informers' threads. */
void instance_watch_listen(struct instance_watch *watch, struct instance_listener *listener);
void instance_watch_unlisten(struct instance_watch *watch, struct instance_listener *listener);

#endif
