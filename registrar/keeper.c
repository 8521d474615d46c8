#include "registrar/keeper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "registrar/api_watch.h"
#include "registrar/poster.h"
#include "registrar/registrar_metrics.h"

#define ONCE_ATTEMPTS 3
#define ONCE_LAST_MS 1000                /* minimum remaining time for another attempt */
#define STUCK_MS (3 * POSTER_TIMEOUT_MS) /* above any step of the thread */
#define REASON_NONE (-1)

struct keeper {
	const struct registrar_config *config;
	struct poster *poster;
	struct api_watch *watch; /* NULL with --once */
	struct registration registration;
	int reason; /* the last logged reason why our API does not respond: enum api_watch_answer or REASON_NONE */
	enum keeper_result result;
	pthread_t thread;
	bool started;
	atomic_bool stopping;
	_Atomic int64_t moved_ms; /* last step of the thread */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* of stopping, or ended */
	bool ended;             /* protected by the lock */
};

/* ---- waiting ---- */

/*
 * Wait for the flag with a timeout; changes of the flag are signalled with the lock held. Returns it.
 */
static bool wait_locked(struct keeper *keeper, bool (*flag)(struct keeper *keeper), int64_t timeout_ms)
{
	int64_t until_ms = clock_mono_ms() + timeout_ms;

	while (!flag(keeper) && thread_wait(&keeper->changed, &keeper->lock, until_ms))
		;
	return flag(keeper);
}

static bool is_stopping(struct keeper *keeper)
{
	return atomic_load(&keeper->stopping);
}

static bool is_ended(struct keeper *keeper)
{
	return keeper->ended;
}

/* Sleep, unless stopping. */
static void rest(struct keeper *keeper, int64_t ms)
{
	pthread_mutex_lock(&keeper->lock);
	(void)wait_locked(keeper, is_stopping, ms); /* the caller checks */
	pthread_mutex_unlock(&keeper->lock);
}

static bool is_cancelled(void *ctx)
{
	return is_stopping(ctx);
}

/* ---- one step ---- */

/* Logged before and after an outage, and if the reason changes; not for every attempt. */
static void log_asked(struct keeper *keeper, enum registration_state before, enum api_watch_answer answer)
{
	enum registration_state state = keeper->registration.state;

	if (state == REGISTRATION_WAITING && before != REGISTRATION_WAITING)
		log_warn("our API does not respond; registering again when it recovers",
			 log_str("reason", api_watch_answer_text(answer)));
	else if (state == REGISTRATION_WAITING && keeper->reason != (int)answer)
		log_info("waiting for our API", log_str("reason", api_watch_answer_text(answer)));
	else if (state != before)
		log_info("our API responds; registering");
	keeper->reason = state == REGISTRATION_WAITING ? (int)answer : REASON_NONE;
	if (state != before)
		lifecycle_notify_status(registration_state_name(state));
}

static void ask(struct keeper *keeper)
{
	enum registration_state before = keeper->registration.state;
	enum api_watch_answer answer = api_watch_ask(keeper->watch);

	if (answer == API_WATCH_STOPPED)
		return;
	registration_asked(&keeper->registration, answer == API_WATCH_ANSWERS, clock_mono_ms());
	log_asked(keeper, before, answer);
}

static void log_posted(enum registration_event meaning, const struct registration_answer *answer, int attempt,
		       int64_t ms, int64_t next_ms)
{
	struct log_field n = log_num("attempt", attempt);
	struct log_field status = log_num("status", answer->status);
	struct log_field took = log_num("ms", ms);
	struct log_field next = log_num("next_ms", next_ms);
	struct log_field wished = answer->retry_after_s ? log_num("retry_after_s", answer->retry_after_s)
							: log_str("retry_after_s", NULL);
	struct log_field code = log_str("code", answer->rc ? rc_name(answer->rc) : NULL);

	if (meaning == REGISTRATION_ACCEPT)
		log_info(answer->status == 201 ? "registered" : "registered: updated an existing registration", n,
			 status, took, next);
	else if (meaning == REGISTRATION_RETRY)
		log_warn("the registration failed; retrying", n, status, took, next, code, wished,
			 log_str("error", answer->rc ? answer->text : NULL));
	else
		log_error("the registry rejected the registration; retrying with the slow re-check", n, status, took,
			  next, code, log_str(answer->rc ? "error" : "answer", answer->text));
}

static void post(struct keeper *keeper)
{
	struct registration *r = &keeper->registration;
	struct registration_answer answer;
	int64_t begun_ms = clock_mono_ms();
	int64_t now_ms;
	int attempt;

	registration_begin(r);
	attempt = r->attempt;
	poster_post(keeper->poster, POSTER_TIMEOUT_MS, is_cancelled, keeper, &answer);
	if (is_stopping(keeper))
		return;
	now_ms = clock_mono_ms();
	registration_posted(r, &answer, now_ms);
	registrar_metrics_posted(registration_meaning(&answer));
	log_posted(registration_meaning(&answer), &answer, attempt, now_ms - begun_ms, r->post_at_ms - now_ms);
	lifecycle_notify_status(registration_state_name(r->state));
}

/* ---- the thread ---- */

static void keep(struct keeper *keeper)
{
	registration_init(&keeper->registration, keeper->config->interval_ms, clock_mono_ms());
	while (!is_stopping(keeper)) {
		int64_t wait_ms = 0;

		atomic_store(&keeper->moved_ms, clock_mono_ms());
		registrar_metrics_state(keeper->registration.state);
		switch (registration_todo(&keeper->registration, clock_mono_ms(), &wait_ms)) {
		case REGISTRATION_ASK:
			ask(keeper);
			break;
		case REGISTRATION_POST:
			post(keeper);
			break;
		case REGISTRATION_WAIT:
			rest(keeper, wait_ms);
			break;
		}
	}
}

/* One attempt of --once. Returns the delay of the next; < 0: final result. */
static int64_t try_once(struct keeper *keeper, struct backoff *backoff, int attempt, int64_t until_ms)
{
	int64_t begun_ms = clock_mono_ms();
	int64_t left_ms = until_ms - begun_ms;
	struct registration_answer answer;
	enum registration_event meaning;
	int64_t next_ms = -1;

	poster_post(keeper->poster, left_ms < POSTER_TIMEOUT_MS ? left_ms : POSTER_TIMEOUT_MS, is_cancelled, keeper,
		    &answer);
	if (is_stopping(keeper))
		return -1;
	meaning = registration_meaning(&answer);
	if (meaning == REGISTRATION_RETRY && attempt < ONCE_ATTEMPTS)
		next_ms = registration_retry_ms(backoff, &answer);
	if (clock_mono_ms() + next_ms > until_ms - ONCE_LAST_MS)
		next_ms = -1;
	log_posted(meaning, &answer, attempt, clock_mono_ms() - begun_ms, next_ms);
	if (meaning == REGISTRATION_ACCEPT)
		keeper->result = KEEPER_REGISTERED;
	else if (meaning == REGISTRATION_REFUSE)
		keeper->result = KEEPER_REFUSED;
	return next_ms;
}

static void register_once(struct keeper *keeper)
{
	struct backoff backoff = { .first_ms = REGISTRATION_BACKOFF_FIRST_MS, .max_ms = REGISTRATION_BACKOFF_MAX_MS };
	int64_t until_ms = clock_mono_ms() + KEEPER_ONCE_MS;

	for (int attempt = 1; !is_stopping(keeper); attempt++) {
		int64_t next_ms = try_once(keeper, &backoff, attempt, until_ms);

		if (next_ms < 0)
			break;
		rest(keeper, next_ms);
	}
	lifecycle_stop();
}

static void *run(void *ctx)
{
	struct keeper *keeper = ctx;

	if (keeper->config->once)
		register_once(keeper);
	else
		keep(keeper);
	pthread_mutex_lock(&keeper->lock);
	keeper->ended = true;
	pthread_cond_broadcast(&keeper->changed);
	pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

/* ---- for main() ---- */

enum rc keeper_create(const struct registrar_config *config, enum resource_type type, struct bus *bus,
		      struct keeper **ret_keeper, struct error *err)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	enum rc rc;

	if (!keeper)
		return error_no_memory(err);
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_cond_init(&keeper->changed, NULL);
	keeper->config = config;
	keeper->reason = REASON_NONE;
	keeper->result = KEEPER_UNREACHABLE;
	*ret_keeper = keeper;
	rc = poster_create(config, type, &keeper->poster, err);
	return rc || !bus ? rc : api_watch_create(bus, config->name, &keeper->watch, err);
}

enum rc keeper_start(struct keeper *keeper, struct error *err)
{
	enum rc rc;

	atomic_store(&keeper->moved_ms, clock_mono_ms());
	rc = thread_start(run, keeper, &keeper->thread, err);
	keeper->started = rc == RC_OK;
	return rc;
}

bool keeper_alive(void *ctx)
{
	struct keeper *keeper = ctx;

	return clock_mono_ms() - atomic_load(&keeper->moved_ms) < STUCK_MS;
}

bool keeper_stop(struct keeper *keeper, int64_t timeout_ms)
{
	bool ended;

	if (!keeper->started)
		return true;
	atomic_store(&keeper->stopping, true); /* first, so that no new attempt is started */
	if (keeper->watch)
		api_watch_stop(keeper->watch);
	pthread_mutex_lock(&keeper->lock);
	pthread_cond_broadcast(&keeper->changed);
	ended = wait_locked(keeper, is_ended, timeout_ms);
	pthread_mutex_unlock(&keeper->lock);
	if (ended)
		pthread_join(keeper->thread, NULL);
	return ended;
}

enum keeper_result keeper_result(const struct keeper *keeper)
{
	return keeper->result;
}

void keeper_destroy(struct keeper *keeper)
{
	if (!keeper)
		return;
	api_watch_destroy(keeper->watch);
	poster_destroy(keeper->poster);
	pthread_cond_destroy(&keeper->changed);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}
