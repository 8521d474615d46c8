/*
 * Incremental parser of a Kubernetes watch: one event per JSON line. Pure; no I/O.
 */
#ifndef COMMON_KUBE_KUBE_WATCH_PARSER_H
#define COMMON_KUBE_KUBE_WATCH_PARSER_H

#include "common/base/buf.h"
#include "common/services/json.h"

#define KUBE_EVENT_MAX (16u * 1024 * 1024) /* bytes of one event; objects in etcd are below 1.5 MB, a few MB in JSON */

enum kube_event {
	KUBE_ADDED,
	KUBE_MODIFIED,
	KUBE_DELETED,
	KUBE_BOOKMARK, /* the object has only a resourceVersion */
	KUBE_ERROR     /* the object is a Status */
};

/* Receives one event; the object is borrowed. An error ends the watch. Must not block. */
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
 * Process the next bytes. Returns false after the first error, in watch->failed and watch->error: a malformed event
 * (RC_UNAVAILABLE), one above KUBE_EVENT_MAX (RC_TOO_LARGE), or the error of on_event. An incomplete line at the end of
 * the stream is ignored. Has the signature of http_request.on_bytes, with the watch as ctx.
 */
bool kube_watch_parser_feed(void *watch, const char *bytes, size_t len);

#endif
