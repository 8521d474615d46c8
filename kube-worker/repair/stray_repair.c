#include "kube-worker/repair/stray_repair.h"

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/container/workload.h"
#include "common/services/log.h"
#include "kube-worker/change/change_stray.h"
#include "kube-worker/repair/repair_call.h"

#define STRAYS_MAX 256 /* containers tracked at a time; more wait */
#define PATIENCE_MS 12000
#define SPREAD_MS 4000 /* random delay, so that not all workers act at once */
#define PAUSE_MS 20000

bool stray_repair_init(struct repair_list *strays)
{
	return repair_list_init(strays, sizeof(struct repair_item), STRAYS_MAX);
}

/* Called for each instance, with the cache locked: collects only. */
static void note_instance(void *ctx, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct fact *root = facts[i];

		if (workload_is_root(root->kind) && !root->deleting && !root->changing[0] && !root->owed_to[0] &&
		    workload_stray(root, facts, count))
			(void)repair_list_note(ctx, root, PATIENCE_MS + random_below(SPREAD_MS));
	}
}

static void look_after(struct repair_item *stray, const struct op_env *env, struct kube_client *kube)
{
	struct op_call call = repair_call(env, kube);
	struct root root cleanup_root = { 0 };
	struct error err = { 0 };
	bool removed = false;
	enum rc rc = root_find(&call, stray->id, root_has_uid, &stray->uid, &root, &err);

	if (!rc && root_is_live(&root, stray->id))
		rc = change_stray_remove(&call, stray->id, &root, &removed, &err);
	if (removed)
		log_warn("removed a stray object of a container", log_str("id", stray->id));
	else if (rc && rc != RC_NOT_FOUND && rc != RC_CONFLICT)
		log_warn("cannot remove a stray object of a container; retrying", log_str("id", stray->id),
			 log_err(&err));
	stray->due_ms = clock_mono_ms() + PAUSE_MS;
	buf_clear(&call.faults);
}

void stray_repair_walk(struct repair_list *strays, const struct op_env *env, struct kube_client *kube)
{
	struct repair_item *stray = NULL;

	repair_list_begin(strays);
	kube_cache_visit_all(env->cache, note_instance, strays);
	repair_list_end(strays);
	while ((stray = repair_list_next(strays, stray)))
		if (clock_mono_ms() >= stray->due_ms)
			look_after(stray, env, kube);
}
