/*
 * What creates, updates and patches share. A function that returns false, and every function here that stores, has
 * filled the response, unless it says otherwise.
 */
#ifndef KUBESIM_WRITE_H
#define KUBESIM_WRITE_H

#include "tests/kubesim/api.h"
#include "tests/kubesim/objects.h"

/* The request's body as a tree of that kind, checked for types, without nulls. Given to the caller. */
bool sim_write_decode(const struct sim_kind *kind, const struct sim_request *rq, struct sim_response *rs,
		      cJSON **ret_tree);

/* metadata.name must be the name of the path. */
bool sim_write_check_name(const struct sim_target *t, const cJSON *tree, struct sim_response *rs);

/*
 * Store `tree` in the place of `current`: completed, checked, with what clients cannot change taken from `current`.
 * The tree is changed. RC_OK: the response is filled, with the object or with what is wrong. RC_CONFLICT and
 * RC_NOT_FOUND: `current` is not the current version any more, the response is untouched, try again.
 */
enum rc sim_write_store(struct sim *sim, const struct sim_target *t, const struct sim_object *current, cJSON *tree,
			bool dry_run, struct sim_response *rs) must_check;

/* The same for a Scale. */
enum rc sim_write_scale(struct sim *sim, const struct sim_target *t, const struct sim_object *current,
			const cJSON *scale, bool dry_run, struct sim_response *rs) must_check;

#endif
