/*
 * The run state of a container, in addition to its spec: replicas of its root, stopped or not, last restart, and last
 * update. Stored in the root, so that it changes atomically with the spec. Pure.
 */
#ifndef COMMON_CONTAINER_RUN_STATE_H
#define COMMON_CONTAINER_RUN_STATE_H

#include "common/services/json.h"

#define REPLICAS_MAX 1000
#define RUN_STATE_RUNS (-1) /* run_state.kept: not stopped */

/* Texts are borrowed from the root. */
struct run_state {
	int64_t replicas;      /* the root's */
	int64_t kept;          /* ANNOTATION_STOPPED: the replicas before it was stopped; RUN_STATE_RUNS: not stopped */
	const char *restarted; /* ANNOTATION_RESTARTED of its template; NULL: never */
	const char *change;    /* ANNOTATION_CHANGE; NULL: never updated */
};

/* Of a new container: replicas of its hints, or one; 0: stopped. */
struct run_state run_state_of_spec(const cJSON *spec);

/* Of a root read from the API server. */
struct run_state run_state_read(const cJSON *root);

/* Whether it has no replicas because :stop was used. */
bool run_state_is_stopped(const struct run_state *state);

/* Whether it was stopped by :stop and scaled up by another program since. */
bool run_state_stop_is_over(const struct run_state *state);

/* Stop it; no effect if already stopped. Start it with the kept replicas, or one; no effect if running. */
void run_state_stop(struct run_state *state);
void run_state_start(struct run_state *state);

/* Set the replicas; 0 stops it. */
void run_state_scale(struct run_state *state, int64_t replicas);

/*
 * Apply an update of the spec: replicas changed by the client are set. For a stopped container they are kept for the
 * start, unless it is stopped by 0 replicas in the spec. If the spec no longer has replicas, the count becomes one,
 * unless an autoscaler sets it; if it never had, the count is not changed.
 */
void run_state_follow(struct run_state *state, const cJSON *old_spec, const cJSON *new_spec);

/* ---- in the spec ------------------------------------------------------------------------------------------------- */

/* provider_hints.kubernetes.replicas. Returns false if missing or invalid. */
bool spec_replicas(const cJSON *spec, int64_t *ret_replicas);

/* Whether the spec requests an autoscaler. */
bool spec_wants_autoscaler(const cJSON *spec);

/*
 * Set the replicas of a spec, creating the hints if necessary. Returns false if out of memory.
 */
bool spec_set_replicas(cJSON *spec, int64_t replicas) must_check;

/*
 * The provider_hints as shown to clients: as written, except for `replicas`, which shows the current or kept number.
 * With an autoscaler it stays as written, the initial number.
 *
 * hints  as written; NULL: none.
 * Returns the hints themselves, or a copy in *ret_own, freed by the caller; those as written if out of memory.
 */
const cJSON *run_state_show_hints(const struct run_state *state, const cJSON *hints, cJSON **ret_own);

#endif
