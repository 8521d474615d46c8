/*
 * A Kubernetes watch as it arrives: cut into events, one JSON line each, however the bytes are cut. Pure; no I/O.
 */
#ifndef COMMON_KUBE_KUBE_WATCH_PARSER_H
#define COMMON_KUBE_KUBE_WATCH_PARSER_H

#include "common/base/buf.h"
#include "common/services/json.h"

#define KUBE_EVENT_MAX (16u * 1024 * 1024) /* bytes of one event; etcd's objects are below 1.5 MB, in JSON some MB */

enum kube_event {
	KUBE_ADDED,
	KUBE_MODIFIED,
	KUBE_DELETED,
	KUBE_BOOKMARK, /* the object has nothing but a resourceVersion */
	KUBE_ERROR     /* the object is a Status */
};

/* Takes one event; the object is borrowed. An error ends the watch. Must not block. */
typedef enum rc (*kube_watch_event)(void *ctx, enum kube_event event, const cJSON *object, struct error *err);

struct kube_watch_parser {
	kube_watch_event on_event;
	void *ctx;
	struct buf line;
	enum rc failed;
	struct error error;
};

/* Start. Clear with kube_watch_parser_clear(). */
struct kube_watch_parser kube_watch_parser_make(kube_watch_event on_event, void *ctx);
void kube_watch_parser_clear(struct kube_watch_parser *watch);

/*
 * Take the next bytes. False after the first fault, which watch->failed and watch->error tell: an event that cannot be
 * read (RC_UNAVAILABLE), one above KUBE_EVENT_MAX (RC_TOO_LARGE), or what on_event returned. Half a line at the end of
 * a stream is simply not an event. Its shape is that of http_request.on_bytes, with the watch as ctx.
 */
bool kube_watch_parser_feed(void *watch, const char *bytes, size_t len);

#endif
