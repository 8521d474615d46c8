#include "kube-worker/repair/stray_repair.h"

#include <stdlib.h>

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

/* A container with a stray object, identified by its root. */
struct stray {
	struct kube_uid uid;
	char id[PROTOCOL_ID_MAX + 1];
	int64_t due_ms; /* monotonic */
	bool seen;      /* in the current walk */
};

struct stray_repair {
	struct stray strays[STRAYS_MAX];
	size_t count;
};

struct stray_repair *stray_repair_create(void)
{
	return calloc(1, sizeof(struct stray_repair));
}

void stray_repair_destroy(struct stray_repair *repair)
{
	free(repair);
}

static struct stray *find_or_add(struct stray_repair *repair, const struct fact *root)
{
	struct stray *stray;

	for (size_t i = 0; i < repair->count; i++)
		if (kube_uid_equal(&repair->strays[i].uid, &root->uid))
			return &repair->strays[i];
	if (repair->count == STRAYS_MAX)
		return NULL;
	stray = &repair->strays[repair->count++];
	*stray = (struct stray){ .uid = root->uid, .due_ms = clock_mono_ms() + PATIENCE_MS + random_below(SPREAD_MS) };
	snprintf(stray->id, sizeof(stray->id), "%s", root->instance_id);
	return stray;
}

/* Called for each instance, with the cache locked: collects only. */
static void note_instance(void *ctx, const struct fact *const *facts, size_t count)
{
	struct stray_repair *repair = ctx;

	for (size_t i = 0; i < count; i++) {
		const struct fact *root = facts[i];
		struct stray *stray = NULL;

		if (workload_is_root(root->kind) && !root->deleting && !root->changing[0] && !root->owed_to[0] &&
		    workload_stray(root, facts, count))
			stray = find_or_add(repair, root);
		if (stray)
			stray->seen = true;
	}
}

static void forget_unseen(struct stray_repair *repair)
{
	size_t kept = 0;

	for (size_t i = 0; i < repair->count; i++)
		if (repair->strays[i].seen)
			repair->strays[kept++] = repair->strays[i];
	repair->count = kept;
}

static void look_after(struct stray *stray, const struct op_env *env, struct kube_client *kube)
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

void stray_repair_walk(struct stray_repair *repair, const struct op_env *env, struct kube_client *kube)
{
	for (size_t i = 0; i < repair->count; i++)
		repair->strays[i].seen = false;
	kube_cache_visit_all(env->cache, note_instance, repair);
	forget_unseen(repair);
	for (size_t i = 0; i < repair->count; i++)
		if (clock_mono_ms() >= repair->strays[i].due_ms)
			look_after(&repair->strays[i], env, kube);
}
