/*
 * `GET /containers:watch`: one list of all containers for all watchers, updated by one feed from a worker
 * (watch_feed.h) while there are watchers and WATCHES_KEEP_MS longer. Each watcher has only a cursor into it, so a slow
 * one needs no memory and receives the latest state of each container.
 *
 *	NONE --a watcher arrives-> ASKED --stream opened----> OPEN --snapshot complete--------> SYNCED
 *	  ^                         |                          |                                  |
 *	  +----rejected, no watchers yet                        +--lost--> LOST <------lost--------+
 *	                                                                    |--in a moment--> ASKED
 *
 * Watchers that arrive while it is not SYNCED wait, and receive the error if the attempt fails. Running watchers only
 * receive changes late: the next feed is compared with the list.
 */
#ifndef API_SVC_WATCHES_H
#define API_SVC_WATCHES_H

#include "api-svc/http/http_server.h"
#include "api-svc/pipeline/worker_client.h"
#include "common/bus/stream_hub.h"

#define WATCHES_KEEP_MS 30000

struct watches;

/* A watcher, running or waiting. */
struct watcher;

struct watch_ask {
	const char *filter;        /* for list_filter_parse(); NULL: all */
	const char *last_event_id; /* NULL: none */
	const char *request_id;
	const char *traceparent; /* NULL: none */
	/*
	 * Called exactly once, on any thread, possibly before watches_ask() returns; must not block. watcher: owned by
	 * the callee; NULL: error in err.
	 */
	void (*done)(void *ctx, uint64_t cookie, struct watcher *watcher, const struct error *err);
	void *ctx;
	uint64_t cookie;
};

/*
 * client and its bus are borrowed and must outlive the use of the result.
 * timeout_ms  of waiting watchers.
 * memory      maximum bytes of the list; above it watchers are rejected.
 * Errors: RC_NO_MEMORY.
 */
enum rc watches_create(struct worker_client *client, int64_t timeout_ms, size_t memory, struct watches **ret_watches,
		       struct error *err) must_check;

/* Set the hub of this process; before requests to workers. */
void watches_set_hub(struct watches *watches, struct stream_hub *hub);

/*
 * Process pending work. For stream_answers_set_guest(): on the loop, after each turn of the hub.
 * ctx: the watches. Returns when to call it again at the latest (clock_mono_ms()).
 */
int64_t watches_turn(void *ctx);

/* Start a watcher. Errors: RC_NO_MEMORY, those of list_filter_parse(); then done() is not called. Never blocks. */
enum rc watches_ask(struct watches *watches, const struct watch_ask *ask, struct error *err) must_check;

/* End all watchers, and reject new ones. */
void watches_end(struct watches *watches);

/* Free it, without watchers, after the loop has ended. NULL is allowed. */
void watches_destroy(struct watches *watches);

/*
 * The response for a watcher's client, whose exchange is claimed and then resumed with it. The exchange must be valid
 * until watcher_close().
 */
struct http_answer watcher_answer(struct watcher *watcher, struct http_exchange *exchange);

/* End it, with its exchange if any. */
void watcher_close(struct watcher *watcher);

#endif
