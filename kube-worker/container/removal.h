/*
 * Deletes a container: every object is read first, and then deleted by name and uid, so that a late deletion never
 * affects a successor with the same id.
 */
#ifndef KUBE_WORKER_CONTAINER_REMOVAL_H
#define KUBE_WORKER_CONTAINER_REMOVAL_H

#include "kube-worker/container/root.h"

/* The objects to delete. Zeroed: none. */
struct removal {
	/* Set before anything is added: */
	bool exact; /* the first root only in the version that was read */
	bool owned; /* skip ownerless objects, which other programs may have created for another root with the id */
	struct removal_object *objects;
	size_t count;
	size_t capacity;
};

void removal_clear(struct removal *removal);
#define cleanup_removal cleanup_with(removal_clear)

/*
 * Add a root and its children (common/container/workload.h): owned ones, and ownerless ones with the same id.
 *
 * root as read.
 * Errors: as op_kube_get(); RC_NO_MEMORY.
 */
enum rc removal_add(struct op_call *call, struct removal *removal, const struct root *root, struct error *err)
	must_check;

/*
 * Delete all added objects, in the order of enum workload_tie. ReplicaSets and Pods follow in the background. Requires
 * the permission (permission.h), and renews it before each call.
 *
 * Errors: as op_kube_delete(), if a root or an ownerless object still exists; RC_CANCELLED; RC_CONFLICT the root of an
 * exact removal has changed. Owned objects that could not be deleted are garbage collected with their root.
 */
enum rc removal_run(struct op_call *call, const struct removal *removal, struct error *err) must_check;

/* Identifies the container of a create: only one that matches all members is removed. */
struct undo_what {
	const char *id;
	const char *token;
	const char *uid;     /* of its root; NULL: any */
	const char *owed_to; /* its mark (ANNOTATION_OWED), verified until the deletion; NULL: any or none */
	bool by_record;      /* by a record: only a root with a record (root_has_record()) */
};

/*
 * Remove it, with a separate timeout and without a permission. RC_OK if there is nothing to remove. Errors: as
 * removal_run(). Blocks: 2 s at most.
 */
enum rc removal_undo(struct op_call *call, const struct undo_what *what, struct error *err) must_check;

#endif
