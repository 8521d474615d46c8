#include "kube-worker/repair/stop_repair.h"

#include "common/container/labels.h"
#include "common/container/workload.h"
#include "common/services/log.h"
#include "kube-worker/change/change_root.h"
#include "kube-worker/repair/repair_call.h"

#define OVER_MAX 64 /* per walk; more wait for the next */

/* By the names of their roots, which may be of other programs. */
struct over {
	struct {
		struct kube_uid uid;
		char name[WORKLOAD_NAME_MAX];
	} roots[OVER_MAX];
	size_t count;
};

/* Called for each instance, with the cache locked: collects only. */
static void note_instance(void *ctx, const struct fact *const *facts, size_t count)
{
	struct over *over = ctx;

	for (size_t i = 0; i < count && over->count < OVER_MAX; i++) {
		if (!workload_is_root(facts[i]->kind) || facts[i]->deleting || !facts[i]->stop_is_over)
			continue;
		over->roots[over->count].uid = facts[i]->uid;
		snprintf(over->roots[over->count++].name, WORKLOAD_NAME_MAX, "%s", facts[i]->name);
	}
}

/* RC_CONFLICT, RC_NOT_FOUND: it has changed or was deleted. */
static enum rc forget_stop(struct op_call *call, struct root *root, struct error *err)
{
	const struct run_state run = run_state_read(root->object);
	cleanup_json cJSON *object = NULL;

	if (!run_state_stop_is_over(&run))
		return RC_OK;
	object = cJSON_Duplicate(root->object, 1);
	if (!object)
		return error_no_memory(err);
	cJSON_DeleteItemFromObjectCaseSensitive(json_at(object, "metadata.annotations"), ANNOTATION_STOPPED);
	return change_root_put(call, root, object, err);
}

static void look_after(const char *name, const struct kube_uid *uid, const struct op_env *env, struct kube_client *kube)
{
	struct op_call call = repair_call(env, kube);
	struct root root cleanup_root = { 0 };
	struct error err = { 0 };
	enum rc rc = root_find(&call, name, root_has_uid, uid, &root, &err);

	if (!rc)
		rc = forget_stop(&call, &root, &err);
	if (rc && rc != RC_NOT_FOUND && rc != RC_CONFLICT)
		log_warn("cannot record the end of a stop; retrying", log_str("name", name), log_err(&err));
	buf_clear(&call.faults);
}

void stop_repair_walk(const struct op_env *env, struct kube_client *kube)
{
	struct over over = { .count = 0 };

	kube_cache_visit_all(env->cache, note_instance, &over);
	for (size_t i = 0; i < over.count; i++)
		look_after(over.roots[i].name, &over.roots[i].uid, env, kube);
}
