#include "kube-worker/repair/change_repair.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "common/services/log.h"
#include "kube-worker/change/change_settle.h"
#include "kube-worker/operation/permission.h"
#include "kube-worker/repair/repair_call.h"

#define CHANGES_MAX 256 /* marks tracked at a time; more wait */
#define PATIENCE_MS 5000
#define SPREAD_MS 4000 /* random delay, so that not all workers act at once */
#define FAILED_PAUSE_MS 20000

/* A mark, identified by root and caller. */
struct open_change {
	struct kube_uid uid;
	char id[PROTOCOL_ID_MAX + 1];
	char name[WORKLOAD_NAME_MAX];
	char caller[FACT_OWED_TO_MAX];
	int64_t due_ms; /* monotonic */
	bool seen;      /* in the current walk */
};

struct change_repair {
	struct open_change changes[CHANGES_MAX];
	size_t count;
};

struct change_repair *change_repair_create(void)
{
	return calloc(1, sizeof(struct change_repair));
}

void change_repair_destroy(struct change_repair *repair)
{
	free(repair);
}

/* ---- existing objects -------------------------------------------------------------------------------------------- */

static struct open_change *find_or_add(struct change_repair *repair, const struct fact *root)
{
	struct open_change *change;

	for (size_t i = 0; i < repair->count; i++) {
		change = &repair->changes[i];
		if (kube_uid_equal(&change->uid, &root->uid) && str_equal(change->caller, root->changing))
			return change;
	}
	if (repair->count == CHANGES_MAX)
		return NULL;
	change = &repair->changes[repair->count++];
	*change = (struct open_change){ .uid = root->uid,
					.due_ms = clock_mono_ms() + PATIENCE_MS + random_below(SPREAD_MS) };
	snprintf(change->id, sizeof(change->id), "%s", root->instance_id);
	snprintf(change->name, sizeof(change->name), "%s", root->name);
	snprintf(change->caller, sizeof(change->caller), "%s", root->changing);
	return change;
}

/* Called for each instance, with the cache locked: collects only. */
static void note_instance(void *ctx, const struct fact *const *facts, size_t count)
{
	struct change_repair *repair = ctx;

	for (size_t i = 0; i < count; i++) {
		struct open_change *change = NULL;

		if (workload_is_root(facts[i]->kind) && facts[i]->changing[0] && !facts[i]->deleting)
			change = find_or_add(repair, facts[i]);
		if (change)
			change->seen = true;
	}
}

static void forget_unseen(struct change_repair *repair)
{
	size_t kept = 0;

	for (size_t i = 0; i < repair->count; i++)
		if (repair->changes[i].seen)
			repair->changes[kept++] = repair->changes[i];
	repair->count = kept;
}

/* ---- completion -------------------------------------------------------------------------------------------------- */

static enum rc settle(struct op_call *call, const struct open_change *change, bool *ret_undone, struct error *err)
{
	struct root root cleanup_root = { 0 };
	enum rc rc = root_find(call, change->name, root_has_uid, &change->uid, &root, err);

	*ret_undone = false;
	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	return change_settle(call, change->id, &root, ret_undone, err);
}

static void look_after(struct open_change *change, const struct op_env *env, struct kube_client *kube)
{
	struct op_call call = repair_call(env, kube);
	enum caller_word word = permission_probe(env->caller, change->caller, "");
	struct error err = { 0 };
	bool undone;

	if (word == CALLER_OPEN || word == CALLER_SILENT)
		return;
	if (settle(&call, change, &undone, &err) == RC_OK) {
		log_warn(undone ? "rolled back an incomplete change" : "completed an incomplete change",
			 log_str("id", change->id), undone ? log_err(&err) : log_str("by", "repair"));
	} else {
		log_warn("cannot complete an incomplete change; retrying", log_str("id", change->id), log_err(&err));
		change->due_ms = clock_mono_ms() + (call.refused ? FAILED_PAUSE_MS : 0);
	}
	buf_clear(&call.faults);
}

void change_repair_walk(struct change_repair *repair, const struct op_env *env, struct kube_client *kube)
{
	for (size_t i = 0; i < repair->count; i++)
		repair->changes[i].seen = false;
	kube_cache_visit_all(env->cache, note_instance, repair);
	forget_unseen(repair);
	for (size_t i = 0; i < repair->count; i++)
		if (clock_mono_ms() >= repair->changes[i].due_ms)
			look_after(&repair->changes[i], env, kube);
}
