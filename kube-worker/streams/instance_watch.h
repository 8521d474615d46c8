/*
 * Streams that want to know when something of an instance, or of any, changes: woken by the cache, on the informers'
 * threads.
 */
#ifndef KUBE_WORKER_STREAMS_INSTANCE_WATCH_H
#define KUBE_WORKER_STREAMS_INSTANCE_WATCH_H

#include <stdatomic.h>

#include "common/container/kube_cache.h"
#include "common/protocol.h"
#include "kube-worker/streams/worker_stream.h"

struct instance_watch;

/* One that wants to know; belongs to the stream's source. */
struct instance_watcher {
	struct worker_stream *stream;
	char id[PROTOCOL_ID_MAX + 1];
	atomic_bool changed; /* something has, or it was added; the stream sets it back when it looks */
	struct instance_watcher *next, *previous;
};

/* One that wants to know of all instances. */
struct instance_listener {
	void (*changed)(void *ctx, enum kube_kind kind, const char *instance_id); /* must not block */
	void *ctx;
	struct instance_listener *next, *previous;
};

/*
 * Make it, and have the cache tell it; before the first informer. ret_watch: given to the caller. Errors: RC_NO_MEMORY.
 */
enum rc instance_watch_create(struct kube_cache *cache, struct instance_watch **ret_watch, struct error *err)
	must_check;

/* Free it, without watchers, when the informers have stopped. Takes NULL. */
void instance_watch_destroy(struct instance_watch *watch);

/* From now on wake watcher->stream for watcher->id, until it is removed. Threads: any. */
void instance_watch_add(struct instance_watch *watch, struct instance_watcher *watcher);
void instance_watch_remove(struct instance_watch *watch, struct instance_watcher *watcher);

/* The same for all instances: call listener->changed, on the informers' threads. */
void instance_watch_listen(struct instance_watch *watch, struct instance_listener *listener);
void instance_watch_unlisten(struct instance_watch *watch, struct instance_listener *listener);

#endif
