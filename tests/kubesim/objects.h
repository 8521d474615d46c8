/*
 * What happens to every object whatever its kind: birth, change, death. Used by the API and by the controllers.
 */
#ifndef KUBESIM_OBJECTS_H
#define KUBESIM_OBJECTS_H

#include "tests/kubesim/sim.h"

/* Write a random UUID, and five random characters as generateName appends them. */
void sim_random_uid(char out[SIM_UID_MAX]);
void sim_random_suffix(char out[6]);

/* Give a new object its uid, creationTimestamp, generation, and, from generateName, its name. */
void sim_objects_stamp(const struct sim_kind *kind, cJSON *tree, const char *ns);

/* Store a stamped tree as a new object. Consumes nothing. ret_object may be NULL. */
enum rc sim_objects_insert(struct sim *sim, const struct sim_kind *kind, cJSON *tree, struct sim_object **ret_object)
	must_check;

/* Store a changed tree in the place of `old`. */
enum rc sim_objects_replace(struct sim *sim, const struct sim_object *old, cJSON *tree, struct sim_object **ret_object)
	must_check;

/*
 * Change an object as it is now, again and again until nobody else was faster.
 *
 * object  which one: by key and uid.
 * change  edits the tree; false: leave it as it is.
 *
 * Does nothing when the object is gone.
 */
void sim_objects_change(struct sim *sim, const struct sim_object *object, bool (*change)(cJSON *tree, void *ctx),
			void *ctx);

enum sim_propagation { PROPAGATION_BACKGROUND, PROPAGATION_FOREGROUND, PROPAGATION_ORPHAN };

struct sim_delete_options {
	enum sim_propagation propagation;
	int64_t grace_s; /* -1: as the Pod says */
};

/*
 * Delete this version of an object, or begin to: with finalizers, or a grace period, it stays and says so.
 *
 * ret_object   its last or its new state; may be NULL.
 * ret_removed  is it gone? May be NULL.
 * RC_CONFLICT when it is not the current version, RC_NOT_FOUND when it is gone.
 */
enum rc sim_objects_delete(struct sim *sim, const struct sim_object *object, const struct sim_delete_options *options,
			   struct sim_object **ret_object, bool *ret_removed) must_check;

/* Delete it whatever its version, in the background. */
void sim_objects_delete_now(struct sim *sim, const struct sim_object *object);

/* Take it out of the store, finalizers or not, and give back what it held. */
enum rc sim_objects_remove(struct sim *sim, const struct sim_object *object, struct sim_object **ret_object) must_check;

/* Create a namespace; one that is there already is left alone. */
void sim_objects_make_namespace(struct sim *sim, const char *name);

#endif
