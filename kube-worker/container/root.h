/*
 * A container's root (common/container/workload.h) in Kubernetes: reading it by name, its annotations, and the marks
 * that change after its creation: a debt without a record, and the problem of the container.
 */
#ifndef KUBE_WORKER_CONTAINER_ROOT_H
#define KUBE_WORKER_CONTAINER_ROOT_H

#include "kube-worker/operation/op_call.h"

/* Zeroed: none. */
struct root {
	enum kube_kind kind;
	cJSON *object; /* as returned by the API server */
};

void root_clear(struct root *root);
#define cleanup_root cleanup_with(root_clear)

/* The kinds of our roots with that name (which equals the id) in the cache, as bits. */
unsigned root_kinds_seen(struct kube_cache *cache, const char *name);

/*
 * The kinds of roots, in the order for reading a name: first those in the cache. Of two, the older first: the other may
 * be from a create that will be rejected.
 *
 * ret_kinds filled. Returns the number.
 */
size_t root_kinds(struct kube_cache *cache, const char *name, enum kube_kind ret_kinds[KUBE_KIND_COUNT]);

/*
 * Whether the error means that there is no root with that kind and name. Includes RC_PERMISSION_DENIED for optional
 * kinds (workload_optional_kinds()), not allowed by older Roles, unless the cache has one.
 */
bool root_is_absent(struct kube_cache *cache, enum kube_kind kind, const char *name, enum rc rc);

/* The same for a list of a kind. */
bool root_kind_is_absent(struct kube_cache *cache, enum kube_kind kind, enum rc rc);

/*
 * Read the root with that kind and name.
 *
 * root  cleared, then filled on RC_OK; root_clear() by the caller.
 * Errors: RC_NOT_FOUND as root_is_absent(); else as op_kube_get().
 */
enum rc root_get(struct op_call *call, enum kube_kind kind, const char *name, struct root *root, struct error *err)
	must_check;

/* Search conditions for a root; `what` as documented for each. */
typedef bool (*root_test)(const struct root *root, const void *what);
bool root_has_uid(const struct root *root, const void *uid);     /* a struct kube_uid */
bool root_has_token(const struct root *root, const void *token); /* a creation token */
bool root_is_live_of(const struct root *root, const void *id);   /* as root_is_live() */

/*
 * Read the root with that name, of any kind, that passes the test: one call per kind, in the order of root_kinds(),
 * until found. Errors: RC_NOT_FOUND none; else as op_kube_get().
 */
enum rc root_find(struct op_call *call, const char *name, root_test test, const void *what, struct root *root,
		  struct error *err) must_check;

/* Facts of the root; owned by the caller (free()). Errors: as fact_from_object(). */
enum rc root_fact(const struct root *root, struct fact **ret_fact, struct error *err) must_check;

/* metadata.uid; NULL: no root. Owned by the object. */
const char *root_uid(const struct root *root);

/* Whether it has the labels of a container with that id, and is not being deleted. */
bool root_is_live(const struct root *root, const char *id);

/* The annotation with that name; NULL: none. Owned by the object. */
const char *root_annotation(const struct root *root, const char *name);

/* The creation token; NULL: none. */
const char *root_token(const struct root *root);

/* ANNOTATION_OWED; NULL: settled, or its debt is a record. */
const char *root_owed_to(const struct root *root);

/*
 * Whether its debt is, or was, a record. Not if it was created without JetStream, or for an api-svc of v0.1: then a
 * record with its token is not about this root.
 */
bool root_has_record(const struct root *root);

/*
 * Set the mark of another attempt, by a merge patch with the version as precondition. Errors: RC_NOT_FOUND it has
 * changed, or was deleted; else as op_kube_patch().
 */
enum rc root_mark_owed(struct op_call *call, const struct root *root, const char *caller, struct error *err) must_check;

/*
 * Settle the debt, or set (NULL: remove) the problem of the root with that name, if it still has the uid. RC_OK also if
 * it was deleted or replaced. Errors: as op_kube_patch().
 */
enum rc root_mark_settled(struct op_call *call, const char *name, const char *uid, struct error *err) must_check;
enum rc root_mark_problem(struct op_call *call, const char *name, const char *uid, const char *problem,
			  struct error *err) must_check;

#endif
