/*
 * `GET /containers:watch`: one list of all containers for all watchers, kept by one feed from a worker (watch_feed.h)
 * while there are watchers and WATCHES_KEEP_MS longer. Each watcher has no more than a cursor into it, so a slow
 * one costs nothing and gets the latest state of each container.
 *
 *	NONE --a watcher comes--> ASKED --a worker begins--> OPEN --its snapshot is complete--> SYNCED
 *	  ^                         |                          |                                  |
 *	  +----rejected, no watchers yet                        +--lost--> LOST <------lost--------+
 *	                                                                    |--in a moment--> ASKED
 *
 * Who comes while it is not SYNCED waits, and gets the error of the attempt that fails. Who watches already notices
 * nothing but that changes come late: what the next feed says is compared with the list.
 */
#ifndef API_SVC_WATCHES_H
#define API_SVC_WATCHES_H

#include "api-svc/http/http_server.h"
#include "api-svc/pipeline/worker_client.h"
#include "common/bus/stream_hub.h"

#define WATCHES_KEEP_MS 30000

struct watches;

/* One that watches, or waits for it. */
struct watcher;

struct watch_ask {
	const char *filter;        /* one that list_filter_parse() takes; NULL: all */
	const char *last_event_id; /* NULL: none */
	const char *request_id;
	const char *traceparent; /* NULL: none */
	/*
	 * Called exactly once, on any thread, maybe before watches_ask() returns; must not block.
	 * watcher: given; NULL: err says why not.
	 */
	void (*done)(void *ctx, uint64_t cookie, struct watcher *watcher, const struct error *err);
	void *ctx;
	uint64_t cookie;
};

/*
 * client and its bus are borrowed and outlive the result's use.
 * timeout_ms  for one that waits.
 * memory      bytes that the list may have; with more watchers are rejected.
 * Errors: RC_NO_MEMORY.
 */
enum rc watches_create(struct worker_client *client, int64_t timeout_ms, size_t memory, struct watches **ret_watches,
		       struct error *err) must_check;

/* The hub of this process; before a worker can be asked. */
void watches_set_hub(struct watches *watches, struct stream_hub *hub);

/*
 * Do what is due. For stream_answers_set_guest(): on the loop, after each turn of the hub.
 * ctx: the watches. Returns when to call it again at the latest (clock_mono_ms()).
 */
int64_t watches_turn(void *ctx);

/* Watch. Errors: RC_NO_MEMORY, those of list_filter_parse(); then done() is not called. Never waits. */
enum rc watches_ask(struct watches *watches, const struct watch_ask *ask, struct error *err) must_check;

/* End all, and reject each that comes later. */
void watches_end(struct watches *watches);

/* Free it, without watchers, when the loop has ended. NULL is allowed. */
void watches_destroy(struct watches *watches);

/*
 * The answer to a watcher's client, whose exchange is claimed and then resumed with it.
 * The exchange lives until watcher_close().
 */
struct http_answer watcher_answer(struct watcher *watcher, struct http_exchange *exchange);

/* It is over, with its exchange if it has one. */
void watcher_close(struct watcher *watcher);

#endif
