#include "kube-worker/debt/sweeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/services/log.h"
#include "kube-worker/container/root.h"
#include "kube-worker/debt/debt_list.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/operation/permission.h"

#define INTERVAL_MS 2000
#define BUSY_INTERVAL_MS 500 /* while objects of void debts may still be created, or marks must be settled */
#define CALL_TIMEOUT_MS 8000
#define SETTLES_MAX 4096

/* A mark to settle. */
struct settle {
	struct settle *next;
	char id[PROTOCOL_ID_MAX + 1];
	char uid[KUBE_UID_TEXT_MAX];
};

struct sweeper {
	const struct op_env *env;
	struct kube_client *kube;
	struct debt_list *debts;
	pthread_t thread;

	pthread_mutex_t lock; /* protects all below */
	pthread_cond_t wake;
	bool woken;             /* stopping, or a mark must be settled */
	atomic_bool stopping;   /* also read without the lock */
	struct settle *settles; /* in order of arrival */
	struct settle **last;
	size_t settle_count;
};

static struct op_call make_call(struct sweeper *sweeper)
{
	return (struct op_call){
		.env = sweeper->env,
		.kube = sweeper->kube,
		.deadline_ms = clock_mono_ms() + CALL_TIMEOUT_MS,
		.attempt = 1,
		.request_id = "sweeper",
		.faults = buf_make(OP_FAULTS_MAX),
	};
}

/* ---- settling objects -------------------------------------------------------------------------------------------- */

enum rc sweeper_settle(struct sweeper *sweeper, const char *value, size_t len, struct error *err)
{
	cleanup_json cJSON *tree = NULL;
	struct settle *settle;
	struct debt debt;
	enum rc rc = debt_read(value, len, &tree, &debt, err);

	if (rc || debt.state != DEBT_SETTLED || !debt.uid[0])
		return error_set(err, RC_INTERNAL, "malformed settle request");
	settle = calloc(1, sizeof(*settle));
	if (!settle)
		return error_no_memory(err);
	snprintf(settle->id, sizeof(settle->id), "%s", debt.id);
	snprintf(settle->uid, sizeof(settle->uid), "%s", debt.uid);
	pthread_mutex_lock(&sweeper->lock);
	if (sweeper->settle_count < SETTLES_MAX) {
		sweeper->settle_count++;
		*sweeper->last = settle;
		sweeper->last = &settle->next;
		sweeper->woken = true;
		pthread_cond_signal(&sweeper->wake);
		settle = NULL;
	}
	pthread_mutex_unlock(&sweeper->lock);
	if (!settle)
		return RC_OK;
	free(settle);
	return error_set(err, RC_BUSY, "too many creates are being settled");
}

static struct settle *first_settle(struct sweeper *sweeper)
{
	struct settle *settle;

	pthread_mutex_lock(&sweeper->lock);
	settle = sweeper->settles;
	pthread_mutex_unlock(&sweeper->lock);
	return settle;
}

static void drop_first_settle(struct sweeper *sweeper)
{
	struct settle *settle;

	pthread_mutex_lock(&sweeper->lock);
	settle = sweeper->settles;
	sweeper->settles = settle->next;
	if (!sweeper->settles)
		sweeper->last = &sweeper->settles;
	sweeper->settle_count--;
	pthread_mutex_unlock(&sweeper->lock);
	free(settle);
}

/* Settle all marks; if Kubernetes fails, the next turn continues. */
static void settle_all(struct sweeper *sweeper)
{
	const struct settle *settle;
	enum rc rc = RC_OK;

	while (!rc && (settle = first_settle(sweeper))) {
		struct op_call call = make_call(sweeper);
		struct error err;

		rc = root_mark_settled(&call, settle->id, settle->uid, &err);
		buf_clear(&call.faults);
		if (!rc)
			drop_first_settle(sweeper);
		else
			log_warn("cannot mark a container as settled; retrying", log_str("id", settle->id),
				 log_err(&err));
	}
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static bool wait_for_turn(struct sweeper *sweeper, int64_t interval_ms)
{
	bool stopping;

	pthread_mutex_lock(&sweeper->lock);
	(void)thread_wait_until(&sweeper->wake, &sweeper->lock, &sweeper->woken, interval_ms);
	sweeper->woken = sweeper->stopping;
	stopping = sweeper->stopping;
	pthread_mutex_unlock(&sweeper->lock);
	return !stopping;
}

static void *run_sweeper(void *ctx)
{
	struct sweeper *sweeper = ctx;
	int64_t next_ms = 0;
	int64_t next_all_ms = 0;
	bool busy = false;
	struct error err;

	if (ledger_open(sweeper->env->ledger, &err))
		log_debug("the key-value bucket is not open yet", log_err(&err));
	do {
		settle_all(sweeper);
		if (clock_mono_ms() >= next_ms && !sweeper->stopping) {
			struct op_call call = make_call(sweeper);
			bool all = clock_mono_ms() >= next_all_ms;

			busy = debt_list_sweep(sweeper->debts, &call, all, &sweeper->stopping);
			buf_clear(&call.faults);
			if (all)
				next_all_ms = clock_mono_ms() + INTERVAL_MS;
			next_ms = clock_mono_ms() + (busy ? BUSY_INTERVAL_MS : INTERVAL_MS);
		}
	} while (wait_for_turn(sweeper, busy || first_settle(sweeper) ? BUSY_INTERVAL_MS : INTERVAL_MS));
	settle_all(sweeper); /* accepted by this worker */
	return NULL;
}

static void sweeper_free(struct sweeper *sweeper)
{
	while (sweeper->settles)
		drop_first_settle(sweeper);
	debt_list_destroy(sweeper->debts);
	kube_client_destroy(sweeper->kube);
	pthread_cond_destroy(&sweeper->wake);
	pthread_mutex_destroy(&sweeper->lock);
	free(sweeper);
}

enum rc sweeper_create(const struct op_env *env, struct kube_auth *auth, struct sweeper **ret_sweeper,
		       struct error *err)
{
	struct sweeper *sweeper = calloc(1, sizeof(*sweeper));
	enum rc rc;

	if (!sweeper)
		return error_no_memory(err);
	sweeper->env = env;
	sweeper->last = &sweeper->settles;
	pthread_mutex_init(&sweeper->lock, NULL);
	pthread_cond_init(&sweeper->wake, NULL);
	rc = kube_client_create(auth, &sweeper->kube, err);
	if (!rc)
		rc = debt_list_create(&sweeper->debts, err);
	if (!rc)
		rc = thread_start(run_sweeper, sweeper, &sweeper->thread, err);
	if (rc) {
		sweeper_free(sweeper);
		return rc;
	}
	*ret_sweeper = sweeper;
	return RC_OK;
}

void sweeper_destroy(struct sweeper *sweeper)
{
	if (!sweeper)
		return;
	pthread_mutex_lock(&sweeper->lock);
	sweeper->stopping = true;
	sweeper->woken = true;
	pthread_cond_signal(&sweeper->wake);
	pthread_mutex_unlock(&sweeper->lock);
	pthread_join(sweeper->thread, NULL);
	sweeper_free(sweeper);
}
