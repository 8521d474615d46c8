/*
 * A container's root (common/container/workload.h) in Kubernetes: reading it by name, its annotations, and the marks on
 * it that change after its creation: its debt when that is in no record, and what is wrong with the container.
 */
#ifndef KUBE_WORKER_CONTAINER_ROOT_H
#define KUBE_WORKER_CONTAINER_ROOT_H

#include "kube-worker/operation/op_call.h"

/* Zeroed: none. */
struct root {
	enum kube_kind kind;
	cJSON *object; /* as the API server has it */
};

void root_clear(struct root *root);
#define cleanup_root cleanup_with(root_clear)

/* The kinds of which the cache shows a root of ours with that name, which is its id; as bits. */
unsigned root_kinds_seen(struct kube_cache *cache, const char *name);

/*
 * The kinds of roots, in the order in which one of a name is best asked for: those first of which the cache shows one.
 * Of two, the older: the other may be what a create makes that will be refused.
 *
 * ret_kinds  filled. Returns how many there are.
 */
size_t root_kinds(struct kube_cache *cache, const char *name, enum kube_kind ret_kinds[KUBE_KIND_COUNT]);

/*
 * Does this answer mean that there is no root of that kind and name? Also RC_PERMISSION_DENIED of a kind that can be
 * done without (workload_optional_kinds()), which an older Role lacks, unless the cache shows one.
 */
bool root_is_absent(struct kube_cache *cache, enum kube_kind kind, const char *name, enum rc rc);

/* The same of an answer about all of a kind. */
bool root_kind_is_absent(struct kube_cache *cache, enum kube_kind kind, enum rc rc);

/*
 * Get the root of that kind and name.
 *
 * root  cleared, then filled on RC_OK; root_clear() by the caller.
 * Errors: RC_NOT_FOUND as root_is_absent(); else as op_kube_get().
 */
enum rc root_get(struct op_call *call, enum kube_kind kind, const char *name, struct root *root, struct error *err)
	must_check;

/* What a root is looked for by; `what` as each of them says. */
typedef bool (*root_test)(const struct root *root, const void *what);
bool root_has_uid(const struct root *root, const void *uid);     /* a struct kube_uid */
bool root_has_token(const struct root *root, const void *token); /* a creation token */
bool root_is_live_of(const struct root *root, const void *id);   /* as root_is_live() */

/*
 * Get the root of that name that passes the test, whichever kind it has: one call for each kind, in the order of
 * root_kinds(), until it is found. Errors: RC_NOT_FOUND there is none; else as op_kube_get().
 */
enum rc root_find(struct op_call *call, const char *name, root_test test, const void *what, struct root *root,
		  struct error *err) must_check;

/* Facts of the root; given to the caller (free()). Errors: as fact_from_object(). */
enum rc root_fact(const struct root *root, struct fact **ret_fact, struct error *err) must_check;

/* metadata.uid; NULL: there is no root. Belongs to the object. */
const char *root_uid(const struct root *root);

/* Does it carry the labels of a container of that id, and is it not being deleted? */
bool root_is_live(const struct root *root, const char *id);

/* The annotation of that name; NULL: there is none. Belongs to the object. */
const char *root_annotation(const struct root *root, const char *name);

/* The creation token; NULL: it has none. */
const char *root_token(const struct root *root);

/* Whom it is owed to (ANNOTATION_OWED); NULL: it is settled, or its debt is a record. */
const char *root_owed_to(const struct root *root);

/*
 * Is, or was, its debt a record? Not of one that was made without JetStream, or for an api-svc of v0.1: whatever a
 * record of its token says, it is not about this root.
 */
bool root_has_record(const struct root *root);

/*
 * Owe it to another attempt. A merge patch with the version as precondition: of two, one comes first. Errors:
 * RC_NOT_FOUND it has changed, or is gone; else as op_kube_patch().
 */
enum rc root_mark_owed(struct op_call *call, const struct root *root, const char *caller, struct error *err) must_check;

/*
 * Settle the debt, or set (NULL: remove) the problem of the root of that name, if it still has the uid. RC_OK also when
 * it is gone or another one. Errors: as op_kube_patch().
 */
enum rc root_mark_settled(struct op_call *call, const char *name, const char *uid, struct error *err) must_check;
enum rc root_mark_problem(struct op_call *call, const char *name, const char *uid, const char *problem,
			  struct error *err) must_check;

#endif
