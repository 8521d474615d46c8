/*
 * Derives the state of a container from the facts of its root, ReplicaSets or ControllerRevisions, and Pods. The same
 * rule for GET, LIST and events; pure.
 */
#ifndef COMMON_CONTAINER_CONTAINER_STATE_H
#define COMMON_CONTAINER_CONTAINER_STATE_H

#include "common/container/container_status.h"
#include "common/container/fact.h"
#include "common/services/config.h"

/*
 * The kinds that a state is derived from, in addition to the root, as bits 1u << enum kube_kind; for one kind of root:
 * workload_status_kinds().
 */
#define CONTAINER_STATE_KINDS (1u << KUBE_REPLICASET | 1u << KUBE_CONTROLLER_REVISION | 1u << KUBE_POD)

/* The configuration of states. */
struct status_rules {
	int64_t grace_ms;     /* how long a failure must persist before it is reported */
	bool zero_is_stopped; /* scaled to 0 by another program: STOPPED, else FAILED */
};

struct container_state {
	enum container_status status;
	bool unchanged;      /* the Pod has succeeded: keep the previous status */
	bool podless;        /* there should be a Pod, but none that is not being deleted */
	int64_t changed_ms;  /* wall clock: newest condition transition of the selected Pod, else of the root */
	int64_t recheck_ms;  /* clock_mono_ms(): the status may change then without an event (grace period); 0: never */
	const char *ip;      /* of the selected Pod, "" if none; owned by the facts */
	const char *host_ip; /* of its node, "" if unknown; owned by the facts */
	const char *message; /* human-readable; owned by the facts, or constant */
};

extern const char *const status_rules_scaled_to_zero[]; /* the values of SP_SCALED_TO_ZERO */

/* clang-format off */
/* For the processes that derive states; `config` (the struct) has the members failed_grace_ms and scaled_to_zero. */
#define CONFIG_ROWS_STATUS_RULES(config) \
	{ .env = "SP_FAILED_GRACE", .type = CONFIG_DURATION, .offset = offsetof(config, failed_grace_ms), \
	  .fallback = "5s", .max = 3600000, .help = "How long a failure must persist before a container is FAILED" }, \
	{ .env = "SP_SCALED_TO_ZERO", .offset = offsetof(config, scaled_to_zero), .fallback = "failed", \
	  .choices = status_rules_scaled_to_zero, \
	  .help = "Status of a container that another program scaled to 0 replicas: stopped or failed" }
/* clang-format on */

/* scaled_to_zero: SP_SCALED_TO_ZERO. */
struct status_rules status_rules_make(int64_t grace_ms, const char *scaled_to_zero);

/*
 * Derive the state of the container with the given root.
 *
 * root        must not be NULL; one with a deletionTimestamp is DELETED.
 * facts       any facts of the instance; only Pods of the root (workload_pod()) are considered, not those of a
 *             predecessor with the same id.
 * now_ms      clock_mono_ms().
 * rules       until a failure has persisted for SP_FAILED_GRACE the status is PENDING, because DCM tears everything
 *             down on FAILED. 0 replicas by :stop are STOPPED immediately, regardless of remaining Pods; set by another
 *             program, they are FAILED once there are no Pods, or STOPPED (SP_SCALED_TO_ZERO).
 *
 * Selection of the Pod: not being deleted before being deleted, the newest revision before older ones, and a Failed one
 * only if there is no other. Among these the worst phase wins: Unknown, Pending, Running.
 */
struct container_state container_state_derive(const struct fact *root, const struct fact *const *facts,
					      size_t fact_count, int64_t now_ms, const struct status_rules *rules);

#endif
