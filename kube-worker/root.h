/*
 * A container's root (common/container/workload.h) in Kubernetes: reading it by name, its annotations, and the marks on it
 * that change after its creation: its debt when that is in no record, and what is wrong with the container.
 */
#ifndef KUBE_WORKER_ROOT_H
#define KUBE_WORKER_ROOT_H

#include "kube-worker/op.h"

/* Zeroed: none. */
struct root {
	enum kube_kind kind;
	cJSON *object; /* as the API server has it */
};

void root_clear(struct root *root);
#define cleanup_root cleanup_with(root_clear)

/*
 * Get the root of that name, whichever of their kinds it has: one call for each kind until it is found.
 *
 * root  cleared, then filled on RC_OK; root_clear() by the caller.
 * Errors: as op_kube_get().
 */
enum rc root_get(struct op_call *call, const char *name, struct root *root, struct error *err) must_check;

/* Facts of the root; given to the caller (free()). Errors: as fact_from_object(). */
enum rc root_fact(const struct root *root, struct fact **ret_fact, struct error *err) must_check;

/* metadata.uid; NULL: there is no root. Belongs to the object. */
const char *root_uid(const struct root *root);

/* Does it have that uid? */
bool root_is(const struct root *root, const struct kube_uid *uid);

/* Does it carry the labels of a container of that id, and is it not being deleted? */
bool root_is_live(const struct root *root, const char *id);

/* The annotation of that name; NULL: there is none. Belongs to the object. */
const char *root_annotation(const struct root *root, const char *name);

/* The creation token; NULL: it has none. */
const char *root_token(const struct root *root);

/* Whom it is owed to (ANNOTATION_OWED); NULL: it is settled, or its debt is a record. */
const char *root_owed_to(const struct root *root);

/*
 * Owe it to another call. A merge patch with the uid as precondition. Errors: RC_NOT_FOUND it is gone or another one; else
 * as op_kube_patch().
 */
enum rc root_mark_owed(struct op_call *call, const struct root *root, const char *caller, struct error *err) must_check;

/*
 * Remove the debt, or set (NULL: remove) the problem of the root of that name, if it still has the uid. RC_OK also when it
 * is gone or another one. Errors: as op_kube_patch().
 */
enum rc root_mark_settled(struct op_call *call, const char *name, const char *uid, struct error *err) must_check;
enum rc root_mark_problem(struct op_call *call, const char *name, const char *uid, const char *problem,
			  struct error *err) must_check;

#endif
