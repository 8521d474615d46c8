#include "api-svc/watches.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/accept.h"
#include "api-svc/watch_event.h"
#include "api-svc/watch_feed.h"
#include "common/adapters/crypto.h"
#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/footprint.h"
#include "common/base/memory_budget.h"
#include "common/container/list_filter.h"
#include "common/services/log.h"

#define COMMENT_MS 15000 /* interval of comments in an event stream */
#define LOOK_MS 400      /* interval of timeout checks */
#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS 5000
#define FEED_BLOCK (16u * 1024) /* bytes per read */
#define FEED_BLOCKS_AT_ONCE 4   /* per turn */
#define EVENT_MAX (32u * 1024 * 1024)

enum feed_state { FEED_NONE, FEED_ASKED, FEED_OPEN, FEED_SYNCED, FEED_LOST };

struct watcher {
	struct watches *watches;
	struct list_filter *filter; /* NULL: all */
	struct watch_id id;         /* its list and filter; the number is in the cursor */
	struct change_cursor cursor;
	struct http_exchange *exchange; /* NULL: no response yet */
	struct buf out;                 /* the event being sent; in the memory budget */
	size_t out_at;
	int64_t comment_ms; /* when the next comment is due */
	bool idle;          /* its exchange must be woken */
	bool failed;
	struct watcher *previous, *next; /* of running, or of waiting watchers */
	struct watcher *next_told;
	/* Until done() was called: */
	void (*done)(void *ctx, uint64_t cookie, struct watcher *watcher, const struct error *err);
	void *ctx;
	uint64_t cookie;
	int64_t deadline_ms;
	bool has_resume;
	struct watch_id resume;
	char request_id[PROTOCOL_REQUEST_ID_MAX + 1];
	char traceparent[PROTOCOL_TRACEPARENT_MAX + 1];
	struct error refusal; /* rc RC_OK: none */
};

struct watches {
	struct worker_client *client;
	struct stream_hub *hub;
	int64_t timeout_ms;
	size_t memory;        /* maximum bytes of the list */
	atomic_bool woken;    /* the feed has data */
	pthread_mutex_t lock; /* protects everything below; taken before the hub's lock and those of exchanges */
	enum feed_state state;
	struct stream *stream; /* NULL: none */
	struct watch_feed feed;
	struct backoff backoff;
	int64_t retry_ms;         /* LOST: time of the retry */
	struct change_list *list; /* NULL: none */
	uint64_t list_id;
	struct watcher *running; /* responding, or about to */
	struct watcher *waiting;
	int64_t left_ms; /* when a watcher last arrived, was rejected, or left */
	int64_t look_ms;
	bool ending;
};

/* ---- lists of watchers ------------------------------------------------------------------------------------------- */

static void link_watcher(struct watcher **first, struct watcher *w)
{
	w->previous = NULL;
	w->next = *first;
	if (w->next)
		w->next->previous = w;
	*first = w;
}

static void unlink_watcher(struct watcher **first, struct watcher *w)
{
	*(w->previous ? &w->previous->next : first) = w->next;
	if (w->next)
		w->next->previous = w->previous;
	w->previous = NULL;
	w->next = NULL;
}

static void clear_out(struct watcher *w)
{
	memory_budget_give(w->out.len);
	buf_clear(&w->out);
	w->out_at = 0;
}

static void free_watcher(struct watcher *w)
{
	list_filter_destroy(w->filter);
	change_cursor_clear(&w->cursor);
	clear_out(w);
	free(w);
}

/* Call done() of watchers, without the lock. */
static void tell(struct watcher *told)
{
	struct watcher *next;

	for (struct watcher *w = told; w; w = next) {
		next = w->next_told;
		if (w->refusal.rc) {
			w->done(w->ctx, w->cookie, NULL, &w->refusal);
			free_watcher(w);
		} else {
			w->done(w->ctx, w->cookie, w, NULL);
		}
	}
}

/* It starts running, or is rejected. */
static void end_waiting(struct watches *watches, struct watcher *w, struct watcher **told)
{
	unlink_watcher(&watches->waiting, w);
	if (!w->refusal.rc)
		link_watcher(&watches->running, w);
	watches->left_ms = clock_mono_ms();
	w->next_told = *told;
	*told = w;
}

static void refuse_waiting(struct watches *watches, const struct error *why, struct watcher **told)
{
	struct watcher *w;

	while ((w = watches->waiting) != NULL) {
		w->refusal = *why;
		end_waiting(watches, w, told);
	}
}

static void wake_idle(struct watches *watches)
{
	for (struct watcher *w = watches->running; w; w = w->next)
		if (w->idle) {
			w->idle = false;
			http_exchange_wake(w->exchange);
		}
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static bool filter_shows(void *ctx, const struct change_item *item)
{
	const struct watcher *w = ctx;

	return list_filter_matches(w->filter, item->facts);
}

/* The list is complete: the watcher starts, or resumes. */
static void start_watcher(struct watches *watches, struct watcher *w)
{
	struct error err;

	w->id.list = watches->list_id;
	w->cursor = change_cursor_make(watches->list, w->filter ? filter_shows : NULL, w);
	w->comment_ms = clock_mono_ms() + COMMENT_MS;
	if (w->has_resume && w->resume.list == w->id.list && w->resume.filter == w->id.filter &&
	    change_cursor_resume(&w->cursor, watches->list, w->resume.number, &err))
		log_debug("watcher restarts with a snapshot", log_err(&err), log_str("request_id", w->request_id));
}

static void start_waiting(struct watches *watches, struct watcher **told)
{
	struct watcher *w;

	while ((w = watches->waiting) != NULL) {
		start_watcher(watches, w);
		end_waiting(watches, w, told);
	}
}

static void forget_list(struct watches *watches)
{
	if (!watches->list)
		return;
	change_list_destroy(watches->list);
	watches->list = NULL;
	footprint_trim_heap();
}

static enum rc make_list(struct watches *watches, struct error *err)
{
	if (watches->list)
		return RC_OK;
	if (!crypto_random(&watches->list_id, sizeof(watches->list_id)))
		return error_set(err, RC_INTERNAL, "libcrypto cannot generate random numbers");
	return change_list_create(watches->memory, &watches->list, err);
}

/* ---- the feed ---------------------------------------------------------------------------------------------------- */

static void close_feed(struct watches *watches)
{
	if (watches->stream)
		stream_close(watches->stream);
	watches->stream = NULL;
	watch_feed_clear(&watches->feed);
}

/* With running watchers it is retried; waiting ones receive the error. */
static void lose_feed(struct watches *watches, const struct error *why, struct watcher **told)
{
	bool watched = watches->running != NULL;

	close_feed(watches);
	refuse_waiting(watches, why, told);
	watches->state = watched && !watches->ending ? FEED_LOST : FEED_NONE;
	watches->retry_ms = clock_mono_ms() + backoff_next_ms(&watches->backoff);
	if (watched)
		log_warn("the list of containers is not up to date; retrying", log_err(why));
	else
		forget_list(watches);
}

/* The list is unusable, and all its watchers fail. */
static void fail_all(struct watches *watches, const struct error *why, struct watcher **told)
{
	log_error("watchers cannot be served", log_err(why));
	for (struct watcher *w = watches->running; w; w = w->next)
		w->failed = true;
	wake_idle(watches);
	close_feed(watches);
	refuse_waiting(watches, why, told);
	forget_list(watches);
	watches->state = FEED_NONE;
}

/* The hub pokes. */
static void on_feed_wake(void *ctx)
{
	atomic_store(&((struct watches *)ctx)->woken, true);
}

static void read_soon(struct watches *watches)
{
	on_feed_wake(watches);
	stream_hub_poke(watches->hub);
}

static void on_reply(void *ctx, uint64_t cookie unused, struct worker_reply *reply)
{
	struct watches *watches = ctx;
	struct watcher *told = NULL;
	struct error err = reply->error;

	pthread_mutex_lock(&watches->lock);
	if (!err.rc && !reply->stream)
		error_set(&err, RC_INTERNAL, "a worker does not open the watch stream");
	if (!err.rc && watches->ending)
		error_set(&err, RC_UNAVAILABLE, "the service is stopping");
	if (!err.rc)
		err.rc = make_list(watches, &err);
	if (!err.rc)
		err.rc = stream_open(watches->hub, reply->stream, on_feed_wake, watches, &watches->stream, &err);
	if (err.rc) {
		lose_feed(watches, &err, &told);
	} else {
		stream_finish(watches->stream); /* no data for the worker */
		watches->feed = watch_feed_make();
		watches->state = FEED_OPEN;
		read_soon(watches);
	}
	pthread_mutex_unlock(&watches->lock);
	tell(told);
}

/* The lock is held, and released meanwhile. */
static void ask_for_feed(struct watches *watches, const char *request_id, const char *traceparent)
{
	const struct worker_ask ask = {
		.operation = OPERATION_WATCH,
		.body = "{}",
		.len = 2,
		.request_id = request_id,
		.traceparent = traceparent[0] ? traceparent : NULL,
		.timeout_ms = watches->timeout_ms,
		.done = on_reply,
		.ctx = watches,
	};
	struct worker_reply failed = { .body = NULL };

	watches->state = FEED_ASKED;
	pthread_mutex_unlock(&watches->lock);
	if (worker_client_ask(watches->client, &ask, &failed.error))
		on_reply(watches, 0, &failed);
	pthread_mutex_lock(&watches->lock);
}

/* The reason why the stream has ended unexpectedly. */
static struct error end_of_feed(struct watches *watches)
{
	struct error why;

	if (stream_is_drained(watches->stream, &why) && why.rc)
		error_wrap(&why, why.rc, "the list of containers");
	else
		error_set(&why, RC_UNAVAILABLE, "the list of containers has ended");
	return why;
}

static void read_feed(struct watches *watches, struct watcher **told)
{
	uint64_t before = watches->list ? change_list_now(watches->list) : 0;
	char block[FEED_BLOCK];
	struct error err = { .rc = RC_OK };
	size_t got = sizeof(block);

	for (int i = 0; i < FEED_BLOCKS_AT_ONCE && got && !err.rc; i++) {
		got = stream_take(watches->stream, block, sizeof(block));
		if (got)
			err.rc = watch_feed_add(&watches->feed, block, got, watches->list, &err);
	}
	if (err.rc == RC_BUSY)
		error_wrap(&err, RC_BUSY, "SP_SERVER_MEMORY");
	if (err.rc == RC_BUSY || err.rc == RC_NO_MEMORY) {
		fail_all(watches, &err, told);
		return;
	}
	if (watches->feed.synced && watches->state == FEED_OPEN && !err.rc) {
		watches->state = FEED_SYNCED;
		backoff_reset(&watches->backoff);
	}
	if (watches->state == FEED_SYNCED)
		start_waiting(watches, told);
	if (change_list_now(watches->list) != before)
		wake_idle(watches);
	if (!err.rc && !got && stream_is_drained(watches->stream, &err))
		err = end_of_feed(watches);
	if (err.rc)
		lose_feed(watches, &err, told);
	else if (got)
		read_soon(watches);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* Whether something is due: an event that was delayed by a lack of memory, or a comment. */
static bool is_due(const struct watcher *w, int64_t now_ms)
{
	return now_ms >= w->comment_ms || w->cursor.number != change_list_now(w->watches->list);
}

/* The connection of a failed client that does not read is shut down. */
static void look_at_watchers(struct watches *watches, int64_t now_ms)
{
	for (struct watcher *w = watches->running; w; w = w->next) {
		if (!w->exchange)
			continue;
		if (w->failed || !http_exchange_is_present(w->exchange)) {
			http_exchange_drop(w->exchange);
		} else if (w->idle && is_due(w, now_ms)) {
			w->idle = false;
			http_exchange_wake(w->exchange);
		}
	}
}

static void look_at_waiting(struct watches *watches, int64_t now_ms, struct watcher **told)
{
	struct watcher *next;

	for (struct watcher *w = watches->waiting; w; w = next) {
		next = w->next;
		if (now_ms < w->deadline_ms)
			continue;
		error_set(&w->refusal, RC_TIMEOUT, "timeout reading the list of containers");
		end_waiting(watches, w, told);
	}
}

static void look(struct watches *watches, int64_t now_ms, struct watcher **told)
{
	bool wanted = watches->running || watches->waiting;

	look_at_watchers(watches, now_ms);
	look_at_waiting(watches, now_ms, told);
	if (!wanted && watches->state != FEED_ASKED && now_ms - watches->left_ms >= WATCHES_KEEP_MS) {
		close_feed(watches);
		forget_list(watches);
		watches->state = FEED_NONE;
	}
	if (wanted && watches->state == FEED_LOST && now_ms >= watches->retry_ms)
		ask_for_feed(watches, "watch", "");
}

int64_t watches_turn(void *ctx)
{
	struct watches *watches = ctx;
	int64_t now_ms = clock_mono_ms();
	struct watcher *told = NULL;

	pthread_mutex_lock(&watches->lock);
	if (watches->stream && atomic_exchange(&watches->woken, false))
		read_feed(watches, &told);
	if (now_ms >= watches->look_ms) {
		watches->look_ms = now_ms + LOOK_MS;
		look(watches, now_ms, &told);
	}
	pthread_mutex_unlock(&watches->lock);
	tell(told);
	return watches->look_ms;
}

/* ---- one watcher ------------------------------------------------------------------------------------------------- */

/* Into `out`, which is empty. Returns false if there is nothing to send. */
static bool compose(struct watcher *w)
{
	struct watches *watches = w->watches;
	struct change_event event;
	bool any = false;
	struct error err;

	if (memory_budget_is_spent() || change_cursor_next(&w->cursor, watches->list, &event, &any, &err))
		return false; /* retried by the next check */
	if (any) {
		watch_event_write(&event, &w->id, &w->out);
	} else if (clock_mono_ms() >= w->comment_ms) {
		w->id.number = w->cursor.number;
		watch_comment_write(&w->id, &w->out);
	} else {
		return false;
	}
	w->comment_ms = clock_mono_ms() + COMMENT_MS;
	w->failed = w->out.failed != RC_OK;
	memory_budget_add(w->out.len);
	return !w->failed;
}

static ssize_t read_events(void *ctx, char *to, size_t max)
{
	struct watcher *w = ctx;
	bool failed;
	size_t got = 0;

	pthread_mutex_lock(&w->watches->lock);
	while (!w->failed && got < max && (w->out.len || compose(w))) {
		size_t len = w->out.len - w->out_at < max - got ? w->out.len - w->out_at : max - got;

		memcpy(to + got, w->out.data + w->out_at, len);
		got += len;
		w->out_at += len;
		if (w->out_at == w->out.len)
			clear_out(w);
	}
	failed = w->failed;
	w->idle = got == 0 && !failed;
	pthread_mutex_unlock(&w->watches->lock);
	return got ? (ssize_t)got : failed ? HTTP_SOURCE_FAILED : 0;
}

struct http_answer watcher_answer(struct watcher *w, struct http_exchange *exchange)
{
	pthread_mutex_lock(&w->watches->lock);
	w->exchange = exchange;
	w->failed = w->failed || w->watches->ending;
	pthread_mutex_unlock(&w->watches->lock);
	return (struct http_answer){
		.status = 200,
		.content_type = ACCEPT_EVENT_STREAM,
		.source = { read_events, w },
	};
}

void watcher_close(struct watcher *w)
{
	pthread_mutex_lock(&w->watches->lock);
	unlink_watcher(&w->watches->running, w);
	w->watches->left_ms = clock_mono_ms();
	pthread_mutex_unlock(&w->watches->lock);
	free_watcher(w);
}

static enum rc make_watcher(const struct watch_ask *ask, struct watcher **ret_watcher, struct error *err)
{
	struct watcher *w = calloc(1, sizeof(*w));
	enum rc rc = RC_OK;

	if (!w)
		return error_no_memory(err);
	if (ask->filter)
		rc = list_filter_parse(ask->filter, &w->filter, err);
	if (rc) {
		free_watcher(w);
		return rc;
	}
	w->id.filter = (uint32_t)hash_text(HASH_INIT, ask->filter ? ask->filter : "");
	w->out = buf_make(EVENT_MAX);
	w->done = ask->done;
	w->ctx = ask->ctx;
	w->cookie = ask->cookie;
	w->has_resume = ask->last_event_id && watch_id_read(ask->last_event_id, &w->resume);
	snprintf(w->request_id, sizeof(w->request_id), "%s", ask->request_id);
	snprintf(w->traceparent, sizeof(w->traceparent), "%s", ask->traceparent ? ask->traceparent : "");
	*ret_watcher = w;
	return RC_OK;
}

enum rc watches_ask(struct watches *watches, const struct watch_ask *ask, struct error *err)
{
	struct watcher *told = NULL;
	struct watcher *w = NULL;
	enum rc rc = make_watcher(ask, &w, err);

	if (rc)
		return rc;
	w->watches = watches;
	w->deadline_ms = clock_mono_ms() + watches->timeout_ms;
	pthread_mutex_lock(&watches->lock);
	link_watcher(&watches->waiting, w);
	if (watches->ending) {
		error_set(&w->refusal, RC_UNAVAILABLE, "the service is stopping");
		end_waiting(watches, w, &told);
	} else if (watches->state == FEED_SYNCED) {
		start_waiting(watches, &told);
	} else if (watches->state == FEED_NONE) {
		ask_for_feed(watches, ask->request_id, ask->traceparent ? ask->traceparent : "");
	}
	pthread_mutex_unlock(&watches->lock);
	tell(told);
	return RC_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

enum rc watches_create(struct worker_client *client, int64_t timeout_ms, size_t memory, struct watches **ret_watches,
		       struct error *err)
{
	struct watches *watches = calloc(1, sizeof(*watches));

	if (!watches)
		return error_no_memory(err);
	watches->client = client;
	watches->timeout_ms = timeout_ms;
	watches->memory = memory;
	watches->backoff = (struct backoff){ .first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS };
	watches->feed = watch_feed_make();
	pthread_mutex_init(&watches->lock, NULL);
	*ret_watches = watches;
	return RC_OK;
}

void watches_set_hub(struct watches *watches, struct stream_hub *hub)
{
	pthread_mutex_lock(&watches->lock);
	watches->hub = hub;
	pthread_mutex_unlock(&watches->lock);
}

void watches_end(struct watches *watches)
{
	struct watcher *told = NULL;
	struct error why;

	error_set(&why, RC_UNAVAILABLE, "the service is stopping");
	pthread_mutex_lock(&watches->lock);
	watches->ending = true;
	for (struct watcher *w = watches->running; w; w = w->next)
		w->failed = true;
	wake_idle(watches);
	refuse_waiting(watches, &why, &told);
	pthread_mutex_unlock(&watches->lock);
	tell(told);
}

void watches_destroy(struct watches *watches)
{
	if (!watches)
		return;
	watch_feed_clear(&watches->feed); /* its stream was freed with the hub */
	change_list_destroy(watches->list);
	pthread_mutex_destroy(&watches->lock);
	free(watches);
}
