/*
 * Updates a container's children when its spec changes: each is created, updated or removed, keeping what other
 * programs added. Idempotent.
 */
#ifndef KUBE_WORKER_CONTAINER_CHILDREN_PLAN_H
#define KUBE_WORKER_CONTAINER_CHILDREN_PLAN_H

#include "common/container/workload.h"
#include "kube-worker/container/root.h"

/* The plan for a child. */
struct child_plan {
	enum { CHILD_STAYS, CHILD_IS_MADE, CHILD_IS_CHANGED, CHILD_IS_REMOVED } step;
	struct workload_object object; /* with its actual name */
	struct kube_uid uid;           /* of the existing one */
	struct buf body;               /* of the object to create, or to replace it */
};

struct children_plan {
	struct child_plan children[WORKLOAD_ROLE_COUNT];
};

void children_plan_clear(struct children_plan *plan);
#define cleanup_children_plan cleanup_with(children_plan_clear)

/* Whether any child must be created, updated or removed. */
bool children_plan_is_any(const struct children_plan *plan);

/*
 * Read the children that differ between two specs, and plan their changes. Nothing is read if none differs.
 *
 * root  of the container, the owner.
 * plan  zeroed; children_plan_clear() by the caller, also after an error.
 * Errors: RC_ALREADY_EXISTS a name is used by another object; as op_kube_get(), RC_NO_MEMORY.
 */
enum rc children_plan_make(struct op_call *call, const struct root *root, const char *id, const cJSON *from,
			   const cJSON *to, struct children_plan *plan, struct error *err) must_check;

/* Try all writes of the plan. Errors: as op_kube_try(). */
enum rc children_plan_try(struct op_call *call, const struct children_plan *plan, struct error *err) must_check;

/*
 * Execute it; removals come last. Requires the permission (permission.h), and renews it before each write.
 *
 * Errors: RC_CONFLICT a child has changed since it was read; as op_kube_update(), op_kube_create(), op_kube_delete();
 * RC_CANCELLED.
 */
enum rc children_plan_run(struct op_call *call, const struct children_plan *plan, struct error *err) must_check;

#endif
