#include "kube-worker/streams/instance_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"

#define SLOTS 1024 /* number of hash lists */

struct instance_watch {
	pthread_mutex_t lock;
	struct instance_watcher *slots[SLOTS];
	struct instance_listener *listeners;
};

static struct instance_watcher **slot_of(struct instance_watch *watch, const char *id)
{
	return &watch->slots[hash_text(HASH_INIT, id) % SLOTS];
}

static void on_change(void *ctx, enum kube_kind kind, const char *instance_id)
{
	struct instance_watch *watch = ctx;

	pthread_mutex_lock(&watch->lock);
	for (struct instance_watcher *w = *slot_of(watch, instance_id); w; w = w->next)
		if (strcmp(w->id, instance_id) == 0 && !atomic_exchange(&w->changed, true))
			worker_stream_wake(w->stream);
	for (struct instance_listener *l = watch->listeners; l; l = l->next)
		l->changed(l->ctx, kind, instance_id);
	pthread_mutex_unlock(&watch->lock);
}

enum rc instance_watch_create(struct kube_cache *cache, struct instance_watch **ret_watch, struct error *err)
{
	struct instance_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return error_no_memory(err);
	pthread_mutex_init(&watch->lock, NULL);
	kube_cache_on_change(cache, on_change, watch);
	*ret_watch = watch;
	return RC_OK;
}

void instance_watch_destroy(struct instance_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

void instance_watch_add(struct instance_watch *watch, struct instance_watcher *watcher)
{
	struct instance_watcher **slot = slot_of(watch, watcher->id);

	pthread_mutex_lock(&watch->lock);
	atomic_store(&watcher->changed, true);
	watcher->previous = NULL;
	watcher->next = *slot;
	if (*slot)
		(*slot)->previous = watcher;
	*slot = watcher;
	pthread_mutex_unlock(&watch->lock);
}

void instance_watch_remove(struct instance_watch *watch, struct instance_watcher *watcher)
{
	pthread_mutex_lock(&watch->lock);
	*(watcher->previous ? &watcher->previous->next : slot_of(watch, watcher->id)) = watcher->next;
	if (watcher->next)
		watcher->next->previous = watcher->previous;
	pthread_mutex_unlock(&watch->lock);
}

void instance_watch_listen(struct instance_watch *watch, struct instance_listener *listener)
{
	pthread_mutex_lock(&watch->lock);
	listener->previous = NULL;
	listener->next = watch->listeners;
	if (listener->next)
		listener->next->previous = listener;
	watch->listeners = listener;
	pthread_mutex_unlock(&watch->lock);
}

void instance_watch_unlisten(struct instance_watch *watch, struct instance_listener *listener)
{
	pthread_mutex_lock(&watch->lock);
	*(listener->previous ? &listener->previous->next : &watch->listeners) = listener->next;
	if (listener->next)
		listener->next->previous = listener->previous;
	pthread_mutex_unlock(&watch->lock);
}
