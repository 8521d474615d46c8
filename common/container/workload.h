/*
 * A container's workload: the objects that should exist, from its spec, and those that exist, from the facts of the
 * cluster. Pure. Kinds of roots and other objects are rows of tables in workload.c.
 */
#ifndef COMMON_CONTAINER_WORKLOAD_H
#define COMMON_CONTAINER_WORKLOAD_H

#include "common/container/container_write.h"

/*
 * The role of an object, in the order of creation. The root's name is the container's id, and it owns the rest.
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

/* The input for a workload; borrowed. */
struct workload_source {
	enum kube_kind root; /* of a new one workload_root_kind() of its spec; else the existing kind */
	const char *id;
	const cJSON *spec;                     /* if no root is written, its skeleton (ANNOTATION_SPEC) is sufficient */
	const struct container_origin *origin; /* of the root; NULL if it exists */
	const struct run_state *run;           /* of the root; NULL: of a new one, by the spec */
	const char *external_service_type;     /* of a Service with an external port */
};

struct workload_object {
	enum workload_role role;
	enum kube_kind kind;
	char name[WORKLOAD_NAME_MAX];
};

struct workload {
	struct workload_source source;
	struct workload_object objects[WORKLOAD_ROLE_COUNT]; /* starting with the root */
	size_t count;
};

/* ---- what should exist ------------------------------------------------------------------------------------------- */

/* The roles that a spec requires in addition to a root of that kind, as bits. */
unsigned workload_wanted(enum kube_kind root, const cJSON *spec);

/* The kind of root of a spec, and of the hint `kind` (NULL: none). */
enum kube_kind workload_root_kind(const cJSON *spec);
enum kube_kind workload_root_kind_by_hint(const char *hint);

/* Maximum bytes of the id of a root of that kind: Kubernetes derives labels of its Pods from it. */
size_t workload_id_max(enum kube_kind kind);

/* List the objects that should exist. Errors: RC_INTERNAL deriving a name failed. */
enum rc workload_make(const struct workload_source *source, struct workload *ret_workload, struct error *err)
	must_check;

/*
 * Append an object of the list as JSON.
 *
 * root_uid  of the root, the owner; not used for the root itself.
 * Errors: as the writers of container_write.h.
 */
enum rc workload_write(const struct workload *workload, const struct workload_object *object, const char *root_uid,
		       struct buf *out, struct error *err) must_check;

/*
 * Kind and name of the object with a role for the container with that id; not for the root. Errors: as workload_make().
 */
enum rc workload_child(enum workload_role role, const char *id, struct workload_object *ret_object, struct error *err)
	must_check;

/* ---- the kinds --------------------------------------------------------------------------------------------------- */

/*
 * Kinds of roots, and of the objects that they own and that are watched, as bits 1u << enum kube_kind. Objects that are
 * not visible to clients are not watched: they are read on updates, and garbage collected with their root.
 */
unsigned workload_root_kinds(void);
unsigned workload_child_kinds(void);

/* Kinds of all objects that roots own, watched or not, for the removal of obsolete objects. */
unsigned workload_owned_kinds(void);

/* The roles whose objects are watched, as bits. */
unsigned workload_watched_roles(void);

/*
 * The optional kinds, as bits, which an older Role does not allow. A forbidden object counts as missing, unless it is
 * known to exist.
 */
unsigned workload_optional_kinds(void);

/* The kind of the revisions of a root of that kind. */
enum kube_kind workload_revision_kind(enum kube_kind kind);

/*
 * Whether the controller of that kind of root keeps the annotations of the current revision equal to the root's.
 * Otherwise they are those at the creation of the revision.
 */
bool workload_revisions_follow(enum kube_kind kind);

/* The kinds that the state of a root of that kind is derived from, in addition to the root, as bits. */
unsigned workload_status_kinds(enum kube_kind kind);

bool workload_is_root(enum kube_kind kind);

/* The first kind of a root from `kind` on; KUBE_KIND_COUNT: none. For iteration. */
int workload_root_from(int kind);

/* ---- what exists ------------------------------------------------------------------------------------------------- */

/* The relation of an object with a container's id to a root. In the order of removal, except for the last. */
enum workload_tie {
	WORKLOAD_OWNERLESS, /* created by other programs. Removed before the root, or it would be left behind */
	WORKLOAD_IS_ROOT,
	WORKLOAD_OWNED,     /* by the root. Removed after it: on failure garbage collection removes it */
	WORKLOAD_UNRELATED, /* owned by another object, such as a predecessor; or not part of it, such as a Pod */
	WORKLOAD_TIE_COUNT
};

enum workload_tie workload_tie(const struct kube_uid *root, const struct fact *fact);

/*
 * The watched roles that the root requires, but for which it owns no object, as bits.
 *
 * facts  any facts of the instance.
 */
unsigned workload_missing(const struct fact *root, const struct fact *const *facts, size_t count);

/*
 * The roles that the root's spec does not require, but for which it owns an object with the derived name, as bits: 0 if
 * the root was not created here, or has no spec.
 */
unsigned workload_stray(const struct fact *root, const struct fact *const *facts, size_t count);

/*
 * The visible object in a role other than the root: not being deleted, owned by the root or else ownerless. NULL: none.
 */
const struct fact *workload_find(const struct fact *root, enum workload_role role, const struct fact *const *facts,
				 size_t count);

/*
 * Which of two roots with the same name is the container: the one created first, in wall clock ms; else by kind.
 */
bool workload_root_precedes(int64_t created_ms, enum kube_kind kind, int64_t other_ms, enum kube_kind other);

/*
 *  Whether there is an older root with the same name and another kind, which is then the container; this one is from a
 * create that will be rejected. facts: all of the instance.
 */
bool workload_is_younger_twin(const struct fact *root, const struct fact *const *facts, size_t count);

/* The relation of a Pod to a root. */
enum workload_pod {
	WORKLOAD_POD_OTHER, /* not the root's, possibly of a predecessor with the same id; or not a Pod */
	WORKLOAD_POD_OLD,   /* of an earlier rollout */
	WORKLOAD_POD_CURRENT
};

/* The identifier of the newest rollout of a root, for workload_pod(); 0: unknown. facts: all of the instance. */
uint64_t workload_newest_rollout(const struct fact *root, const struct fact *const *facts, size_t count);

/*
 * The relation of a Pod to the root. A Deployment owns its Pods through ReplicaSets, a StatefulSet directly.
 *
 * newest  workload_newest_rollout().
 * facts   all of the instance.
 */
enum workload_pod workload_pod(const struct fact *root, uint64_t newest, const struct fact *pod,
			       const struct fact *const *facts, size_t count);

/* Whether a root owns that Pod, of any rollout. root: its uid; facts: all of the instance. */
bool workload_has_pod(const struct kube_uid *root, const struct fact *pod, const struct fact *const *facts,
		      size_t count);

/* The current revision number of a root; 0: unknown. facts: all of the instance. */
int32_t workload_revision(const struct fact *root, const struct fact *const *facts, size_t count);

/* Whether an object has that role, for any root. */
bool workload_has_role(const struct fact *fact, enum workload_role role);

/* The owner of an existing object with the name of one to create. */
enum workload_holder {
	WORKLOAD_HELD_BY_ROOT,        /* the wanted object exists */
	WORKLOAD_HELD_BY_PREDECESSOR, /* of a deleted container with the same id: may be removed */
	WORKLOAD_HELD_BY_OTHERS,      /* must not be modified */
};

/* object: in a role other than the root, as read. */
enum workload_holder workload_holder(const cJSON *object, const char *id, const struct kube_uid *root);

#endif
