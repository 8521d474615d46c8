#include "kube-worker/repair/change_repair.h"

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
	struct repair_item item;
	char name[WORKLOAD_NAME_MAX];
	char caller[FACT_OWED_TO_MAX];
};

bool change_repair_init(struct repair_list *changes)
{
	return repair_list_init(changes, sizeof(struct open_change), CHANGES_MAX);
}

/* ---- existing objects -------------------------------------------------------------------------------------------- */

static void note_change(struct repair_list *changes, const struct fact *root)
{
	int64_t patience_ms = PATIENCE_MS + random_below(SPREAD_MS);
	struct open_change *change = (struct open_change *)repair_list_note(changes, root, patience_ms);

	if (!change || str_equal(change->caller, root->changing))
		return;
	change->item.due_ms = clock_mono_ms() + patience_ms; /* a new mark, perhaps in place of another */
	snprintf(change->name, sizeof(change->name), "%s", root->name);
	snprintf(change->caller, sizeof(change->caller), "%s", root->changing);
}

/* Called for each instance, with the cache locked: collects only. */
static void note_instance(void *ctx, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (workload_is_root(facts[i]->kind) && facts[i]->changing[0] && !facts[i]->deleting)
			note_change(ctx, facts[i]);
}

/* ---- completion -------------------------------------------------------------------------------------------------- */

static enum rc settle(struct op_call *call, const struct open_change *change, bool *ret_undone, struct error *err)
{
	struct root root cleanup_root = { 0 };
	enum rc rc = root_find(call, change->name, root_has_uid, &change->item.uid, &root, err);

	*ret_undone = false;
	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	return change_settle(call, change->item.id, &root, ret_undone, err);
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
			 log_str("id", change->item.id), undone ? log_err(&err) : log_str("by", "repair"));
	} else {
		log_warn("cannot complete an incomplete change; retrying", log_str("id", change->item.id),
			 log_err(&err));
		change->item.due_ms = clock_mono_ms() + (call.refused ? FAILED_PAUSE_MS : 0);
	}
	buf_clear(&call.faults);
}

void change_repair_walk(struct repair_list *changes, const struct op_env *env, struct kube_client *kube)
{
	struct repair_item *item = NULL;

	repair_list_begin(changes);
	kube_cache_visit_all(env->cache, note_instance, changes);
	repair_list_end(changes);
	while ((item = repair_list_next(changes, item)))
		if (clock_mono_ms() >= item->due_ms)
			look_after((struct open_change *)item, env, kube);
}
