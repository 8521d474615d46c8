/*
 * How a container runs, beside what its spec says: how many replicas its root has, whether we have stopped it, when it
 * was restarted, and which call has changed it last. Kept by the root itself, so that one write changes it with the
 * spec. Pure.
 */
#ifndef COMMON_CONTAINER_RUN_STATE_H
#define COMMON_CONTAINER_RUN_STATE_H

#include "common/services/json.h"

#define REPLICAS_MAX 1000
#define RUN_STATE_RUNS (-1) /* run_state.kept: we have not stopped it */

/* Texts are borrowed: of the root that it was read from. */
struct run_state {
	int64_t replicas;      /* the root's */
	int64_t kept;          /* ANNOTATION_STOPPED: the replicas before it was stopped; RUN_STATE_RUNS: it was not */
	const char *restarted; /* ANNOTATION_RESTARTED of its template; NULL: never */
	const char *change;    /* ANNOTATION_CHANGE; NULL: it has not been changed */
};

/* Of a container that is to be made: as many replicas as its hints say, or one; none: it is stopped. */
struct run_state run_state_of_spec(const cJSON *spec);

/* Of a root as the API server has it. */
struct run_state run_state_read(const cJSON *root);

/* Whether it has no replicas because :stop was used. */
bool run_state_is_stopped(const struct run_state *state);

/* Whether it was stopped by :stop and scaled up by another program since. */
bool run_state_stop_is_over(const struct run_state *state);

/* Stop it; nothing when it is stopped already. Start it with what was kept, or one replica; nothing when it runs. */
void run_state_stop(struct run_state *state);
void run_state_start(struct run_state *state);

/* Give it so many replicas; 0 stops it. */
void run_state_scale(struct run_state *state, int64_t replicas);

/*
 * What follows from a spec that changes: replicas that the client changed count. Of a container that was stopped they
 * are kept, unless it is stopped because the spec said 0. Replicas that it does not say any more are one, unless an
 * autoscaler has the count; what it never said is left to others.
 */
void run_state_follow(struct run_state *state, const cJSON *old_spec, const cJSON *new_spec);

/* ---- in the spec ------------------------------------------------------------------------------------------------- */

/* provider_hints.kubernetes.replicas. False: there is none that is a number of replicas. */
bool spec_replicas(const cJSON *spec, int64_t *ret_replicas);

/* Whether the spec requests an autoscaler. */
bool spec_wants_autoscaler(const cJSON *spec);

/*
 * Set the replicas of a spec, whatever its hints are now. False: out of memory.
 */
bool spec_set_replicas(cJSON *spec, int64_t replicas) must_check;

/*
 * The provider_hints as clients see them: as they were written, but for `replicas`, which shows those that there are,
 * or that are kept. An autoscaler's do not show: then it says where that begins.
 *
 * hints  as written; NULL: none.
 * Returns the hints themselves, or a copy in *ret_own for the caller to free; those as written when out of memory.
 */
const cJSON *run_state_show_hints(const struct run_state *state, const cJSON *hints, cJSON **ret_own);

#endif
