#include "kube-worker/repair/repair.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/container/labels.h"
#include "common/services/log.h"
#include "kube-worker/container/container_make.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/repair/change_repair.h"
#include "kube-worker/repair/repair_call.h"
#include "kube-worker/repair/repair_list.h"
#include "kube-worker/repair/stop_repair.h"
#include "kube-worker/repair/stray_repair.h"

#define INTERVAL_MS 4000
#define PATIENCE_MS 12000 /* longer than between two writes of a running create */
#define AGE_MAX_MS 600000
#define WATCHED_MAX 16384 /* new containers tracked at a time; more wait */
#define REFUSED_PAUSE_MS 60000

/* A new container. */
struct watched {
	struct repair_item item;
	bool noted;
	unsigned missing; /* roles whose object was never seen, as bits */
};

struct repair {
	const struct op_env *env;
	struct kube_client *kube;
	pthread_t thread;
	pthread_mutex_t lock; /* protects stopping */
	pthread_cond_t wake;
	bool stopping;

	/* The thread's own. */
	struct repair_list watched;
	struct repair_list changes;
	struct repair_list strays;
};

static bool is_candidate(const struct fact *fact)
{
	return workload_is_root(fact->kind) && fact->made_here && fact->wanted && !fact->deleting &&
	       !fact->owed_to[0] && clock_wall_ms() - fact->created_ms < AGE_MAX_MS;
}

static void note_candidate(struct repair_list *list, const struct fact *root, const struct fact *const *facts,
			   size_t count)
{
	struct watched *watched = (struct watched *)repair_list_note(list, root, PATIENCE_MS);

	if (!watched)
		return;
	if (!watched->noted)
		watched->missing = root->wanted;
	watched->noted = true;
	watched->missing &= workload_missing(root, facts, count);
}

/* Called for each instance, with the cache locked: collects only. */
static void note_instance(void *ctx, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_candidate(facts[i]))
			note_candidate(ctx, facts[i], facts, count);
}

/* Skip if there is an unfinished create: its attempt, its caller or the sweeper completes it. */
static enum rc check_debt(struct op_call *call, const struct root *root, bool *ret_owed, struct error *err)
{
	struct ledger_entry entry cleanup_ledger_entry = { 0 };
	const char *token = root_token(root);
	char key[DEBT_KEY_MAX];
	enum rc rc;

	*ret_owed = false;
	if (!token)
		return RC_OK;
	debt_key(token, key);
	rc = ledger_get(call->env->ledger, key, &entry, err);
	*ret_owed = entry.sequence && entry.debt.state != DEBT_SETTLED;
	return rc == RC_UNSUPPORTED ? RC_OK : rc;
}

/* The missing objects are derived from the spec in the root's annotation. */
static enum rc complete(struct op_call *call, const struct watched *watched, struct making *making, struct error *err)
{
	const char *text = root_annotation(&making->root, ANNOTATION_SPEC);
	struct workload_source source = { .root = making->root.kind,
					  .id = watched->item.id,
					  .external_service_type = call->env->external_service_type };
	cleanup_json cJSON *spec = NULL;
	enum rc rc = json_parse(text ? text : "", text ? strlen(text) : 0, &spec, err);

	source.spec = spec;
	if (!rc)
		rc = workload_make(&source, &making->workload, err);
	return rc ? rc : container_make(call, making, err);
}

/* Report the problem in the log, in an annotation, and in the container's status message. */
static void note_problem(struct op_call *call, const struct watched *watched, const struct making *making,
			 const struct error *why)
{
	const char *what = making->object ? kube_kind_name(making->object->kind) : "workload";
	char text[ERROR_TEXT_MAX + 64];
	struct error err;

	log_warn("cannot complete an incomplete container", log_str("id", watched->item.id), log_err(why));
	snprintf(text, sizeof(text), "the %s of this container cannot be created: %s", what, why->text);
	if (root_mark_problem(call, watched->item.id, root_uid(&making->root), text, &err))
		log_warn("cannot record the problem of a container", log_str("id", watched->item.id), log_err(&err));
}

static enum rc repair_noted(struct op_call *call, struct watched *watched, struct making *making, struct error *err)
{
	bool owed;
	enum rc rc = check_debt(call, &making->root, &owed, err);

	if (rc || owed)
		return rc;
	rc = complete(call, watched, making, err);
	if (rc) {
		note_problem(call, watched, making, err);
		watched->item.due_ms = clock_mono_ms() + REFUSED_PAUSE_MS;
		return RC_OK;
	}
	watched->missing = 0;
	log_warn("completed an incomplete container", log_str("id", watched->item.id));
	if (!root_annotation(&making->root, ANNOTATION_PROBLEM))
		return RC_OK;
	return root_mark_problem(call, watched->item.id, root_uid(&making->root), NULL, err);
}

static void repair_one(struct repair *repair, struct watched *watched)
{
	struct op_call call = repair_call(repair->env, repair->kube);
	struct making making cleanup_making = { .roles = watched->missing };
	struct error err = { 0 };
	enum rc rc = root_find(&call, watched->item.id, root_has_uid, &watched->item.uid, &making.root, &err);

	if (!rc)
		rc = repair_noted(&call, watched, &making, &err);
	if (rc && rc != RC_NOT_FOUND)
		log_warn("cannot repair an incomplete container; retrying", log_str("id", watched->item.id),
			 log_err(&err));
	buf_clear(&call.faults);
}

static bool is_stopping(struct repair *repair)
{
	bool stopping;

	pthread_mutex_lock(&repair->lock);
	stopping = repair->stopping;
	pthread_mutex_unlock(&repair->lock);
	return stopping;
}

static void complete_creates(struct repair *repair)
{
	struct repair_item *item = NULL;

	repair_list_begin(&repair->watched);
	kube_cache_visit_all(repair->env->cache, note_instance, &repair->watched);
	repair_list_end(&repair->watched);
	while ((item = repair_list_next(&repair->watched, item)) && !is_stopping(repair)) {
		struct watched *watched = (struct watched *)item;

		if (watched->missing && clock_mono_ms() >= item->due_ms)
			repair_one(repair, watched);
	}
}

static void walk(struct repair *repair)
{
	if (!kube_cache_is_synced(repair->env->cache, workload_root_kinds() | workload_child_kinds()))
		return;
	change_repair_walk(&repair->changes, repair->env, repair->kube);
	stop_repair_walk(repair->env, repair->kube);
	stray_repair_walk(&repair->strays, repair->env, repair->kube);
	complete_creates(repair);
}

static void *run_repair(void *ctx)
{
	struct repair *repair = ctx;
	bool stopping = false;

	while (!stopping) {
		walk(repair);
		pthread_mutex_lock(&repair->lock);
		stopping = thread_wait_until(&repair->wake, &repair->lock, &repair->stopping, INTERVAL_MS);
		pthread_mutex_unlock(&repair->lock);
	}
	return NULL;
}

static void repair_free(struct repair *repair)
{
	kube_client_destroy(repair->kube);
	pthread_cond_destroy(&repair->wake);
	pthread_mutex_destroy(&repair->lock);
	repair_list_clear(&repair->watched);
	repair_list_clear(&repair->changes);
	repair_list_clear(&repair->strays);
	free(repair);
}

enum rc repair_create(const struct op_env *env, struct kube_auth *auth, struct repair **ret_repair, struct error *err)
{
	struct repair *repair = calloc(1, sizeof(*repair));
	enum rc rc;

	if (!repair)
		return error_no_memory(err);
	repair->env = env;
	pthread_mutex_init(&repair->lock, NULL);
	pthread_cond_init(&repair->wake, NULL);
	rc = repair_list_init(&repair->watched, sizeof(struct watched), WATCHED_MAX) &&
			     change_repair_init(&repair->changes) && stray_repair_init(&repair->strays)
		     ? kube_client_create(auth, &repair->kube, err)
		     : error_no_memory(err);
	if (!rc)
		rc = thread_start(run_repair, repair, &repair->thread, err);
	if (rc) {
		repair_free(repair);
		return rc;
	}
	*ret_repair = repair;
	return RC_OK;
}

void repair_destroy(struct repair *repair)
{
	if (!repair)
		return;
	pthread_mutex_lock(&repair->lock);
	repair->stopping = true;
	pthread_cond_signal(&repair->wake);
	pthread_mutex_unlock(&repair->lock);
	pthread_join(repair->thread, NULL);
	repair_free(repair);
}
