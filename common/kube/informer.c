#include "common/kube/informer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/footprint.h"
#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/kube/informer_machine.h"
#include "common/kube/kube_json.h"
#include "common/kube/kube_list.h"
#include "common/kube/kube_metrics.h"
#include "common/services/log.h"

#define LIST_PAGE 500
#define LIST_TIMEOUT_MS 120000 /* all pages together */
/* Short watches limit the impact of a silent connection: the server ends each within 45 s, this side 10 s later. */
#define WATCH_FIRST_S 35
#define WATCH_SPREAD_S 10
#define WATCH_GRACE_MS 10000
#define WATCH_SHORT_MS 1000
#define FAILURES_BEFORE_LIST 6 /* consecutive failures; the resourceVersion may be the cause */
#define PAUSE_FIRST_MS 250
#define PAUSE_MAX_MS 30000
#define JITTER_MAX_MS 1000
#define POLL_FIRST_MS 10000 /* minimum interval: a list is much more expensive than a watch */
#define POLL_MAX_MS 60000

struct informer {
	struct kube_client *client;
	char *namespace;
	enum kube_kind kind;
	enum informer_mode mode;
	struct informer_listener listener;
	pthread_t thread;
	pthread_mutex_t lock; /* protects stop_asked and the next three */
	pthread_cond_t wake;
	bool stop_asked;
	void (*ended)(void *ctx); /* NULL: the thread is joined */
	void *ended_ctx;
	struct error failure; /* the last one */
	atomic_bool stopping;
	atomic_bool polling;
	atomic_llong lists, watches, events, failures, failing, version;

	/* Used only by the thread. */
	enum informer_state state;
	struct backoff backoff;
	char *resource_version;
	int failures_in_row;
	bool event_seen; /* by the current watch */
	bool expired;    /* reported inside the stream */
	bool forbidden;  /* the last list was forbidden */
	int64_t poll_ms; /* the pause before the next list, when polling */
	uint64_t digest; /* of the last list and of the previous one, for change detection */
	uint64_t previous_digest;
};

static bool is_stopping(void *ctx)
{
	struct informer *informer = ctx;

	return atomic_load(&informer->stopping);
}

static void set_resource_version(struct informer *informer, const char *version)
{
	char *copy = str_dup(version);
	int64_t number;

	if (!copy)
		return; /* the previous one is still valid */
	if (str_parse_int64(version, &number))
		atomic_store(&informer->version, number);
	free(informer->resource_version);
	informer->resource_version = copy;
}

/* ---- listing ----------------------------------------------------------------------------------------------------- */

/* Of an object's uid and resourceVersion; sums of it are equal for equal lists, in any order. */
static uint64_t digest_of(const cJSON *item)
{
	const char *const texts[] = { json_string_at(item, "metadata.uid"),
				      json_string_at(item, "metadata.resourceVersion") };
	uint64_t digest = HASH_INIT;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		digest = hash_text(digest, texts[i] ? texts[i] : "");
	return digest;
}

static enum rc take_item(void *ctx, const cJSON *item, struct error *err)
{
	struct informer *informer = ctx;

	informer->digest += digest_of(item);

	return informer->listener.object(informer->listener.ctx, informer->kind, KUBE_ADDED, item, err);
}

static void note_allowed(struct informer *informer)
{
	if (informer->forbidden)
		log_info("listing is allowed again", log_str("kind", kube_kind_plural(informer->kind)));
	informer->forbidden = false;
}

static enum informer_event run_list(struct informer *informer, struct error *err)
{
	const struct kube_page page = {
		.kind = informer->kind,
		.namespace = informer->namespace,
		.selector = informer->listener.selector,
		.limit = LIST_PAGE,
		.deadline_ms = clock_mono_ms() + LIST_TIMEOUT_MS,
		.once = true,
		.cancelled = is_stopping,
		.on_item = take_item,
		.ctx = informer,
	};
	cleanup_free char *version = NULL;

	informer->previous_digest = informer->digest;
	informer->digest = 0;
	informer->listener.list_begin(informer->listener.ctx, informer->kind);
	if (kube_list_all(informer->client, &page, &version, err))
		return INFORMER_LIST_FAILED;
	note_allowed(informer);
	set_resource_version(informer, version);
	informer->listener.list_end(informer->listener.ctx, informer->kind);
	atomic_fetch_add(&informer->lists, 1);
	return informer->mode == INFORMER_POLL ? INFORMER_LIST_POLLED : INFORMER_LIST_DONE;
}

/* ---- watching ---------------------------------------------------------------------------------------------------- */

static void note_watching(struct informer *informer)
{
	if (atomic_exchange(&informer->polling, false))
		log_info("watching again", log_str("kind", kube_kind_plural(informer->kind)));
}

/* The API server has sent an event, or ended a list or a watch normally. */
static void note_success(struct informer *informer)
{
	atomic_store(&informer->failing, 0);
	kube_metrics_fresh(informer->kind);
}

static enum rc take_error(struct informer *informer, const cJSON *status, struct error *err)
{
	const char *message = json_string_at(status, "message");

	informer->expired = json_int_at(status, "code", 0) == 410;
	error_set(err, informer->expired ? RC_EXPIRED : RC_UNAVAILABLE, "the watch reported: %s",
		  message ? message : "an error without a message");
	if (err)
		err->retry_after_s = kube_json_retry_after_s(status);
	return informer->expired ? RC_EXPIRED : RC_UNAVAILABLE;
}

/* Whether `version` is newer than `than`. Only numbers can be compared (KEP-5504); anything else counts as newer. */
static bool is_newer(const char *version, const char *than)
{
	size_t len = version ? strlen(version) : 0;
	size_t than_len = than ? strlen(than) : 0;

	if (!len || !than_len || strspn(version, "0123456789") != len || strspn(than, "0123456789") != than_len)
		return true;
	return len != than_len ? len > than_len : strcmp(version, than) > 0;
}

static enum rc take_event(void *ctx, enum kube_event event, const cJSON *object, struct error *err)
{
	struct informer *informer = ctx;
	const char *version = json_string_at(object, "metadata.resourceVersion");
	enum rc rc = RC_OK;

	if (event == KUBE_ERROR)
		return take_error(informer, object, err);
	informer->event_seen = true;
	note_success(informer);
	note_watching(informer);
	if (event != KUBE_BOOKMARK && event != KUBE_DELETED && !is_newer(version, informer->resource_version))
		return RC_OK; /* a duplicate must not restore a deleted object */
	if (event != KUBE_BOOKMARK) {
		atomic_fetch_add(&informer->events, 1);
		rc = informer->listener.object(informer->listener.ctx, informer->kind, event, object, err);
	}
	if (!rc && version)
		set_resource_version(informer, version);
	return rc;
}

struct watch_run {
	struct kube_watch_parser watch;
	struct informer *informer;
};

static bool feed_watch(void *ctx, const char *bytes, size_t len)
{
	struct watch_run *run = ctx;

	return kube_watch_parser_feed(&run->watch, bytes, len);
}

static bool watch_cancelled(void *ctx)
{
	struct watch_run *run = ctx;

	return is_stopping(run->informer);
}

/* Whether the error applies to all watches. */
static bool refuses_watches(enum rc rc, int status)
{
	return rc == RC_PERMISSION_DENIED || status == 400 || status == 405 || status == 501;
}

static enum informer_event judge_watch(struct informer *informer, const struct watch_run *run, enum rc rc, int status,
				       int64_t lived_ms)
{
	if (informer->expired || (status == 410 && rc == RC_EXPIRED))
		return INFORMER_WATCH_EXPIRED;
	if (run->watch.failed)
		return INFORMER_WATCH_BROKEN;
	if (!rc || (rc == RC_TIMEOUT && status == 200))
		return lived_ms < WATCH_SHORT_MS && !informer->event_seen ? INFORMER_WATCH_SHORT : INFORMER_WATCH_ENDED;
	if (informer->mode == INFORMER_AUTO && refuses_watches(rc, status))
		return INFORMER_WATCH_REFUSED;
	informer->failures_in_row++;
	if (rc == RC_INVALID_ARGUMENT || informer->failures_in_row >= FAILURES_BEFORE_LIST) {
		informer->failures_in_row = 0;
		return INFORMER_WATCH_BROKEN;
	}
	return INFORMER_WATCH_FAILED;
}

static enum informer_event run_watch(struct informer *informer, struct error *err)
{
	int64_t seconds = WATCH_FIRST_S + random_below(WATCH_SPREAD_S);
	int64_t started = clock_mono_ms();
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct watch_run run = { .informer = informer };
	struct kube_request request = {
		.method = "GET",
		.deadline_ms = started + seconds * 1000 + WATCH_GRACE_MS,
		.on_bytes = feed_watch,
		.cancelled = watch_cancelled,
		.ctx = &run,
		.once = true,
	};
	char timeout[24];
	enum rc rc;

	run.watch = kube_watch_parser_make(take_event, informer);
	informer->event_seen = false;
	informer->expired = false;
	snprintf(timeout, sizeof(timeout), "%d", (int)seconds);
	kube_path_add(&path, informer->kind, informer->namespace, NULL);
	kube_path_add_query(&path, "labelSelector", informer->listener.selector);
	kube_path_add_query(&path, "watch", "true");
	kube_path_add_query(&path, "allowWatchBookmarks", "true");
	kube_path_add_query(&path, "resourceVersion", informer->resource_version);
	kube_path_add_query(&path, "timeoutSeconds", timeout);
	request.path = path.data;
	atomic_fetch_add(&informer->watches, 1);
	kube_metrics_watch(informer->kind);
	rc = buf_check(&path, err);
	if (!rc)
		rc = kube_client_do(informer->client, &request, &reply, err);
	if (run.watch.failed && err)
		*err = run.watch.error;
	kube_watch_parser_clear(&run.watch);
	if (informer->event_seen)
		informer->failures_in_row = 0;
	return judge_watch(informer, &run, rc, reply.status, clock_mono_ms() - started);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* Wait, unless stopped. */
static void pause_for(struct informer *informer, int64_t ms)
{
	pthread_mutex_lock(&informer->lock);
	(void)thread_wait_until(&informer->wake, &informer->lock, &informer->stop_asked, ms);
	pthread_mutex_unlock(&informer->lock);
}

/* Short after a change, increasing while nothing changes. */
static int64_t next_poll_ms(struct informer *informer)
{
	if (informer->digest != informer->previous_digest || informer->poll_ms == 0)
		informer->poll_ms = POLL_FIRST_MS;
	else
		informer->poll_ms = informer->poll_ms * 2 < POLL_MAX_MS ? informer->poll_ms * 2 : POLL_MAX_MS;
	return informer->poll_ms;
}

static int64_t pause_ms(struct informer *informer, enum informer_pause pause, const struct error *err)
{
	int64_t ms = 0;

	if (pause == INFORMER_PAUSE_BACKOFF)
		ms = backoff_next_ms(&informer->backoff);
	else if (pause == INFORMER_PAUSE_JITTER)
		ms = random_below(JITTER_MAX_MS);
	else if (pause == INFORMER_PAUSE_POLL)
		ms = next_poll_ms(informer);
	return err->retry_after_s * 1000 > ms ? err->retry_after_s * 1000 : ms;
}

static void log_event(const struct informer *informer, enum informer_event event, const struct error *err, int64_t ms)
{
	bool usual = event == INFORMER_WATCH_ENDED || event == INFORMER_LIST_DONE || event == INFORMER_LIST_POLLED ||
		     event == INFORMER_WATCH_REFUSED || event == INFORMER_PAUSE_OVER;

	if (is_stopping((void *)(uintptr_t)informer))
		return;
	if (usual)
		log_debug("informer", log_str("kind", kube_kind_plural(informer->kind)),
			  log_str("event", informer_event_name(event)));
	else
		log_warn("informer interrupted; retrying", log_str("kind", kube_kind_plural(informer->kind)),
			 log_str("event", informer_event_name(event)), log_err(err), log_num("pause_ms", ms));
}

/* Logged once, when it begins. Returns true if this is why the list failed. */
static bool note_forbidden(struct informer *informer, enum informer_event event, const struct error *err)
{
	bool forbidden = event == INFORMER_LIST_FAILED && err->rc == RC_PERMISSION_DENIED;

	if (!forbidden)
		return false;
	if (!informer->forbidden)
		log_warn("not allowed to list; retrying periodically",
			 log_str("kind", kube_kind_plural(informer->kind)), log_err(err));
	informer->forbidden = true;
	if (informer->listener.list_forbidden)
		informer->listener.list_forbidden(informer->listener.ctx, informer->kind);
	return true;
}

/* Logged once when polling starts, and once when watching resumes. */
static void note_polling(struct informer *informer, enum informer_event event, const struct error *err)
{
	bool polling = event == INFORMER_WATCH_REFUSED || event == INFORMER_LIST_POLLED;
	bool watched = event == INFORMER_WATCH_ENDED || event == INFORMER_WATCH_EXPIRED;

	if (polling && !atomic_exchange(&informer->polling, true))
		log_warn("cannot watch: polling instead, retrying the watch after each list",
			 log_str("kind", kube_kind_plural(informer->kind)),
			 log_str("why", event == INFORMER_LIST_POLLED ? "as configured" : err->text));
	else if (watched)
		note_watching(informer);
}

static void note_failure(struct informer *informer, const struct error *err)
{
	pthread_mutex_lock(&informer->lock);
	informer->failure = *err;
	pthread_mutex_unlock(&informer->lock);
	atomic_fetch_add(&informer->failures, 1);
	atomic_fetch_add(&informer->failing, 1);
	kube_metrics_restart(informer->kind);
}

/* The only place that changes the state. Returns the delay. */
static int64_t take_step(struct informer *informer, enum informer_event event, const struct error *err)
{
	struct informer_step step = informer_step(informer->state, event);
	bool forbidden;
	int64_t ms;

	if (step.impossible)
		log_error("informer: invalid event", log_str("state", informer_state_name(informer->state)),
			  log_str("event", informer_event_name(event)));
	if (event == INFORMER_LIST_DONE || event == INFORMER_LIST_POLLED || event == INFORMER_WATCH_ENDED) {
		backoff_reset(&informer->backoff);
		note_success(informer);
	}
	note_polling(informer, event, err);
	forbidden = note_forbidden(informer, event, err);
	ms = pause_ms(informer, step.pause, err);
	if (step.pause == INFORMER_PAUSE_BACKOFF || step.pause == INFORMER_PAUSE_JITTER)
		note_failure(informer, err);
	if (!forbidden)
		log_event(informer, event, err, ms);
	informer->state = step.next;
	return ms;
}

static void informer_free(struct informer *informer)
{
	kube_client_destroy(informer->client);
	pthread_cond_destroy(&informer->wake);
	pthread_mutex_destroy(&informer->lock);
	free(informer->resource_version);
	free(informer->namespace);
	free(informer);
}

/* If it was abandoned. */
static void end_informer(struct informer *informer)
{
	void (*ended)(void *ctx);
	void *ctx;

	pthread_mutex_lock(&informer->lock);
	ended = informer->ended;
	ctx = informer->ended_ctx;
	pthread_mutex_unlock(&informer->lock);
	if (!ended)
		return;
	informer_free(informer);
	ended(ctx);
}

static void *run_informer(void *ctx)
{
	struct informer *informer = ctx;
	int64_t wait_ms = 0;

	kube_metrics_informer(informer->kind, +1);
	while (!is_stopping(informer)) {
		struct error err = { 0 };
		enum informer_event event = INFORMER_PAUSE_OVER;

		switch (informer->state) {
		case INFORMER_LISTING:
			event = run_list(informer, &err);
			break;
		case INFORMER_WATCHING:
			event = run_watch(informer, &err);
			break;
		case INFORMER_WAITING_LIST:
		case INFORMER_WAITING_WATCH:
		case INFORMER_STATE_COUNT:
			pause_for(informer, wait_ms);
			break;
		}
		wait_ms = take_step(informer, event, &err);
		footprint_trim_heap(); /* after a list, and about every 40 s: release the memory of bursts */
	}
	kube_metrics_informer(informer->kind, -1);
	end_informer(informer);
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

enum rc informer_create(struct kube_auth *auth, const char *namespace, enum kube_kind kind, enum informer_mode mode,
			const struct informer_listener *listener, struct informer **ret_informer, struct error *err)
{
	struct informer *informer = calloc(1, sizeof(*informer));
	enum rc rc;

	if (!informer)
		return error_no_memory(err);
	informer->kind = kind;
	informer->mode = mode;
	informer->listener = *listener;
	informer->backoff = (struct backoff){ .first_ms = PAUSE_FIRST_MS, .max_ms = PAUSE_MAX_MS };
	pthread_mutex_init(&informer->lock, NULL);
	pthread_cond_init(&informer->wake, NULL);
	informer->namespace = str_dup(namespace);
	rc = informer->namespace ? kube_client_create(auth, &informer->client, err) : error_no_memory(err);
	if (!rc)
		rc = thread_start(run_informer, informer, &informer->thread, err);
	if (rc) {
		informer_free(informer);
		return rc;
	}
	*ret_informer = informer;
	return RC_OK;
}

void informer_stop(struct informer *informer)
{
	atomic_store(&informer->stopping, true);
	pthread_mutex_lock(&informer->lock);
	informer->stop_asked = true;
	pthread_cond_broadcast(&informer->wake);
	pthread_mutex_unlock(&informer->lock);
}

void informer_destroy(struct informer *informer)
{
	if (!informer)
		return;
	informer_stop(informer);
	pthread_join(informer->thread, NULL);
	informer_free(informer);
}

/* Atomic: the thread frees the informer when it sees it. */
void informer_abandon(struct informer *informer, void (*ended)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&informer->lock);
	informer->ended = ended;
	informer->ended_ctx = ctx;
	pthread_detach(informer->thread);
	atomic_store(&informer->stopping, true);
	informer->stop_asked = true;
	pthread_cond_broadcast(&informer->wake);
	pthread_mutex_unlock(&informer->lock);
}

struct informer_counts informer_counts(struct informer *informer)
{
	return (struct informer_counts){
		.lists = atomic_load(&informer->lists),
		.watches = atomic_load(&informer->watches),
		.events = atomic_load(&informer->events),
		.failures = atomic_load(&informer->failures),
		.failing = atomic_load(&informer->failing),
		.version = atomic_load(&informer->version),
		.polling = atomic_load(&informer->polling),
	};
}

struct error informer_failure(struct informer *informer)
{
	struct error failure;

	pthread_mutex_lock(&informer->lock);
	failure = informer->failure;
	pthread_mutex_unlock(&informer->lock);
	return failure;
}
