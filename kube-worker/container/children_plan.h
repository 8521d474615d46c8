/*
 * A container's objects beside its root, when its spec changes: each is made, changed or removed, whatever others have
 * put into it stays. Done again it changes nothing.
 */
#ifndef KUBE_WORKER_CONTAINER_CHILDREN_PLAN_H
#define KUBE_WORKER_CONTAINER_CHILDREN_PLAN_H

#include "common/container/workload.h"
#include "kube-worker/container/root.h"

/* What a child is to become. */
struct child_plan {
	enum { CHILD_STAYS, CHILD_IS_MADE, CHILD_IS_CHANGED, CHILD_IS_REMOVED } step;
	struct workload_object object; /* with the name that it has */
	struct kube_uid uid;           /* of the one that exists */
	struct buf body;               /* of what is made, or what it is changed to */
};

struct children_plan {
	struct child_plan children[WORKLOAD_ROLE_COUNT];
};

void children_plan_clear(struct children_plan *plan);
#define cleanup_children_plan cleanup_with(children_plan_clear)

/* Is any child to be made, changed or removed? */
bool children_plan_is_any(const struct children_plan *plan);

/*
 * Look up the children that differ between two specs, and say what becomes of each. Nothing is looked up when none
 * does.
 *
 * root  the container's, which owns them.
 * plan  zeroed; children_plan_clear() by the caller, also after an error.
 * Errors: RC_ALREADY_EXISTS a name belongs to an object that is not the container's; as op_kube_get(), RC_NO_MEMORY.
 */
enum rc children_plan_make(struct op_call *call, const struct root *root, const char *id, const cJSON *from,
			   const cJSON *to, struct children_plan *plan, struct error *err) must_check;

/* Would Kubernetes take all of it? Errors: as op_kube_try(). */
enum rc children_plan_try(struct op_call *call, const struct children_plan *plan, struct error *err) must_check;

/*
 * Carry it out; removals come last. Needs the permission (permission.h), and holds it before each write.
 *
 * Errors: RC_CONFLICT a child has changed since it was looked up; as op_kube_update(), op_kube_create(),
 * op_kube_delete(); RC_CANCELLED.
 */
enum rc children_plan_run(struct op_call *call, const struct children_plan *plan, struct error *err) must_check;

#endif
