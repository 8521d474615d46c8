/*
 * A container's workload: the objects that should exist for it, from its spec, and which of them exist, from the facts
 * of the cluster. Pure. A kind of root is one row of workload.c, any other object of a container is one row there.
 */
#ifndef COMMON_CONTAINER_WORKLOAD_H
#define COMMON_CONTAINER_WORKLOAD_H

#include "common/container/container_object.h"

/*
 * What an object is for; in the order in which they are made. The root is named by the container's id and owns the
 * rest.
 */
enum workload_role {
	WORKLOAD_ROOT,
	WORKLOAD_SERVICE,
	WORKLOAD_HEADLESS_SERVICE,
	WORKLOAD_AUTOSCALER,
	WORKLOAD_ROLE_COUNT
};

#define WORKLOAD_NAME_MAX 64                                 /* bytes of an object's name with its NUL */
#define WORKLOAD_ALL_ROLES ((1u << WORKLOAD_ROLE_COUNT) - 1) /* as bits 1u << role */

/* What a workload is made from; borrowed. */
struct workload_source {
	enum kube_kind root; /* of a new one workload_root_kind() of its spec; else what there is */
	const char *id;
	const cJSON *spec;                     /* without a root to write, its skeleton (ANNOTATION_SPEC) does */
	const struct container_origin *origin; /* of the root; NULL when that exists */
	const struct run_state *run;           /* of the root; NULL: as the spec says for a new one */
	const char *external_service_type;     /* of a Service with a port that is reached from outside */
};

struct workload_object {
	enum workload_role role;
	enum kube_kind kind;
	char name[WORKLOAD_NAME_MAX];
};

struct workload {
	struct workload_source source;
	struct workload_object objects[WORKLOAD_ROLE_COUNT]; /* the root first */
	size_t count;
};

/* ---- what should exist ------------------------------------------------------------------------------------------- */

/* The roles that a spec wants beside a root of that kind, as bits. */
unsigned workload_wanted(enum kube_kind root, const cJSON *spec);

/* The kind of root that a spec asks for, and that the hint `kind` asks for (NULL: there is none). */
enum kube_kind workload_root_kind(const cJSON *spec);
enum kube_kind workload_root_kind_by_hint(const char *hint);

/* Bytes that the id of a root of that kind may have: Kubernetes derives labels of its Pods from it. */
size_t workload_id_max(enum kube_kind kind);

/* List the objects that should exist. Errors: RC_INTERNAL when a name cannot be made. */
enum rc workload_make(const struct workload_source *source, struct workload *ret_workload, struct error *err)
	must_check;

/*
 * Append an object of the list as JSON.
 *
 * root_uid  of the root, which becomes its owner; not used for the root itself.
 * Errors: as the writers of container_object.h.
 */
enum rc workload_write(const struct workload *workload, const struct workload_object *object, const char *root_uid,
		       struct buf *out, struct error *err) must_check;

/*
 * Kind and name of the object that has a role for the container of that id; not of the root. Errors: as
 * workload_make().
 */
enum rc workload_child(enum workload_role role, const char *id, struct workload_object *ret_object, struct error *err)
	must_check;

/* ---- the kinds --------------------------------------------------------------------------------------------------- */

/*
 * Kinds of roots, and of the objects that they own and that are watched, as bits 1u << enum kube_kind. What clients see
 * nothing of is not relied on in a cache: it is looked up when it changes, and goes with its root by garbage
 * collection.
 */
unsigned workload_root_kinds(void);
unsigned workload_child_kinds(void);

/* Kinds of all objects that roots own, watched or not: what no root wants any more is looked for among them. */
unsigned workload_owned_kinds(void);

/* The roles whose objects are watched, as bits. */
unsigned workload_watched_roles(void);

/*
 * The kinds without which the rest continues, as bits: an older Role does not allow them. What is forbidden of them
 * counts as not there, unless it is known that it is.
 */
unsigned workload_optional_kinds(void);

/* The kind in which a root of that kind keeps its revisions. */
enum kube_kind workload_revision_kind(enum kube_kind kind);

/*
 * Whether the controller of that kind of root keeps the annotations of the current revision equal to the root's. Else
 * they are those of the moment in which its template was first seen.
 */
bool workload_revisions_follow(enum kube_kind kind);

/* The kinds that the state of a root of that kind is made of beside it, as bits. */
unsigned workload_status_kinds(enum kube_kind kind);

bool workload_is_root(enum kube_kind kind);

/* The first kind of a root from `kind` on; KUBE_KIND_COUNT when there is no more. To go through them in their order. */
int workload_root_from(int kind);

/* ---- what exists ------------------------------------------------------------------------------------------------- */

/* How an object with a container's id relates to a root. In the order of removal, but for the last. */
enum workload_tie {
	WORKLOAD_OWNERLESS, /* other programs make such. Goes before the root: without that, nothing leads to it */
	WORKLOAD_IS_ROOT,
	WORKLOAD_OWNED,     /* by the root. Goes after it: should that fail, garbage collection removes it */
	WORKLOAD_UNRELATED, /* owned by another object, such as a predecessor; or no object of a workload, such as a Pod */
	WORKLOAD_TIE_COUNT
};

enum workload_tie workload_tie(const struct kube_uid *root, const struct fact *fact);

/*
 * The roles that are watched, that the root wants, and for which it owns no object, as bits.
 *
 * facts  any facts of the instance.
 */
unsigned workload_missing(const struct fact *root, const struct fact *const *facts, size_t count);

/*
 * The roles that the root's spec does not want, and for which it owns an object with the name that we give, as bits: 0
 * when the root is not one of ours, or has no spec.
 */
unsigned workload_stray(const struct fact *root, const struct fact *const *facts, size_t count);

/*
 * The object that clients see in a role other than the root: not being deleted, owned by the root or, when there is
 * none, ownerless. NULL: there is none.
 */
const struct fact *workload_find(const struct fact *root, enum workload_role role, const struct fact *const *facts,
				 size_t count);

/*
 * Of two roots of a name: which is the container? The one that was created first, in wall clock ms; else by the kind.
 */
bool workload_root_precedes(int64_t created_ms, enum kube_kind kind, int64_t other_ms, enum kube_kind other);

/*
 *  Whether there is an older root of the same name and another kind. Then that one is the container: this one is what a
 * create has made that will be rejected. facts: all of the instance.
 */
bool workload_is_younger_twin(const struct fact *root, const struct fact *const *facts, size_t count);

/* A Pod, as a root sees it. */
enum workload_pod {
	WORKLOAD_POD_OTHER, /* not the root's: it may be a predecessor's, with the same id; or no Pod at all */
	WORKLOAD_POD_OLD,   /* of an earlier rollout than the newest */
	WORKLOAD_POD_CURRENT
};

/* What the newest rollout of a root is known by, for workload_pod(); 0: it is not known. facts: all of the instance. */
uint64_t workload_newest_rollout(const struct fact *root, const struct fact *const *facts, size_t count);

/*
 * The root that owns the Pod. A Deployment has its Pods through ReplicaSets, a StatefulSet has them itself.
 *
 * newest  workload_newest_rollout().
 * facts   all of the instance.
 */
enum workload_pod workload_pod(const struct fact *root, uint64_t newest, const struct fact *pod,
			       const struct fact *const *facts, size_t count);

/* Whether a root owns that Pod, of any rollout. root: its uid; facts: all of the instance. */
bool workload_has_pod(const struct kube_uid *root, const struct fact *pod, const struct fact *const *facts,
		      size_t count);

/* The number of the revision that a root is at; 0: it is not known. facts: all of the instance. */
int32_t workload_revision(const struct fact *root, const struct fact *const *facts, size_t count);

/* Whether an object has that role, for any root. */
bool workload_has_role(const struct fact *fact, enum workload_role role);

/* Who has the name of an object that should be made. */
enum workload_holder {
	WORKLOAD_HELD_BY_ROOT,        /* it is the one that should exist */
	WORKLOAD_HELD_BY_PREDECESSOR, /* a container of the same id that is gone: it may be removed */
	WORKLOAD_HELD_BY_OTHERS,      /* it must not be touched */
};

/* object: in a role other than the root, as it was read. */
enum workload_holder workload_holder(const cJSON *object, const char *id, const struct kube_uid *root);

#endif
