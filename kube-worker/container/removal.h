/*
 * Removing a container, and nothing but it: every object is looked up first, and then deleted by name and uid, so that
 * a successor with the same id is never hit, however late the deletion comes.
 */
#ifndef KUBE_WORKER_CONTAINER_REMOVAL_H
#define KUBE_WORKER_CONTAINER_REMOVAL_H

#include "kube-worker/container/root.h"

/* What is to be deleted. Zeroed: nothing. */
struct removal {
	/* Set before anything is added: */
	bool exact; /* the first root only in the version that was looked up */
	bool owned; /* no object without an owner, which other programs may have made for another root of the id */
	struct removal_object *objects;
	size_t count;
	size_t capacity;
};

void removal_clear(struct removal *removal);
#define cleanup_removal cleanup_with(removal_clear)

/*
 * Note a root and its children (common/container/workload.h): those that it owns, and those of the same id without an
 * owner.
 *
 * root  as it was looked up.
 * Errors: as op_kube_get(); RC_NO_MEMORY.
 */
enum rc removal_add(struct op_call *call, struct removal *removal, const struct root *root, struct error *err)
	must_check;

/*
 * Delete all that was noted, in the order of enum workload_tie. ReplicaSets and Pods follow in the background. Needs
 * the permission (permission.h), and holds it before each call.
 *
 * Errors: as op_kube_delete(), when a root or an object without owner still exists; RC_CANCELLED; RC_CONFLICT an exact
 * removal whose root has been changed. An owned object that could not be deleted goes with its root by garbage
 * collection.
 */
enum rc removal_run(struct op_call *call, const struct removal *removal, struct error *err) must_check;

/* What a create has made: only a container that has all of it is taken back. */
struct undo_what {
	const char *id;
	const char *token;
	const char *uid;     /* of its root; NULL: any */
	const char *owed_to; /* its mark (ANNOTATION_OWED), until the deletion; NULL: any, or none */
	bool by_record;      /* a record says so: only one that has a record (root_has_record()) */
};

/*
 * Take it back, within a time of its own and without a permission. RC_OK when there is nothing to take back.
 * Errors: as removal_run(). Blocks: 2 s at most.
 */
enum rc removal_undo(struct op_call *call, const struct undo_what *what, struct error *err) must_check;

#endif
