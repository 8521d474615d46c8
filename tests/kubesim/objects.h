/*
 * Create, update and delete, independent of the kind. Used by the API and the controllers.
 */
#ifndef KUBESIM_OBJECTS_H
#define KUBESIM_OBJECTS_H

#include "tests/kubesim/sim.h"

/* Give a new object its namespace, uid, creationTimestamp, generation, and, from generateName, its name. */
void sim_objects_stamp(const struct sim_kind *kind, cJSON *tree, const char *ns);

/* Store a new tree, or a changed one instead of `old`. ret_object: owned by the caller; may be NULL. */
enum rc sim_objects_insert(struct sim *sim, const struct sim_kind *kind, cJSON *tree, struct sim_object **ret_object)
	must_check;
enum rc sim_objects_replace(struct sim *sim, const struct sim_object *old, cJSON *tree, struct sim_object **ret_object)
	must_check;

/* The same for controllers: the object is re-queued on a conflict. True: stored. */
bool sim_objects_update(struct sim *sim, const struct sim_object *old, cJSON *tree);

/*
 * Delete this version of an object; with finalizers or a grace period it is only marked.
 *
 * grace_s     grace period of a Pod in seconds; -1: its own.
 * ret_object  its new state, owned by the caller; NULL if it was removed. May be NULL.
 *
 * RC_CONFLICT if it is not the current version, RC_NOT_FOUND if it does not exist.
 */
enum rc sim_objects_delete(struct sim *sim, struct sim_object *object, int64_t grace_s, struct sim_object **ret_object)
	must_check;

/* Delete it, unless it is being deleted; on a conflict `why` is queued again. */
void sim_objects_delete_now(struct sim *sim, struct sim_object *object, const struct sim_object *why);

/* Remove it from the store despite finalizers; it is re-queued on a conflict. True: removed. */
bool sim_objects_remove(struct sim *sim, const struct sim_object *object);

/* Whether it is being deleted, and nothing blocks the deletion. (A namespace waits for its objects.) */
bool sim_objects_finished(const struct sim_object *object, const cJSON *tree);

/* Create a namespace if it does not exist. */
void sim_objects_make_namespace(struct sim *sim, const char *name);

#endif
