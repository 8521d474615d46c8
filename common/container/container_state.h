/*
 * What a container's state is, derived from the facts of its root, what that has its Pods through, and its Pods. One
 * rule for GET, LIST and events; pure.
 */
#ifndef COMMON_CONTAINER_CONTAINER_STATE_H
#define COMMON_CONTAINER_CONTAINER_STATE_H

#include "common/container/container_status.h"
#include "common/container/kube_facts.h"

/*
 * The kinds that a state is derived from beside the root, as bits 1u << enum kube_kind; of one kind of root:
 * workload_status_kinds().
 */
#define CONTAINER_STATE_KINDS (1u << KUBE_REPLICASET | 1u << KUBE_CONTROLLER_REVISION | 1u << KUBE_POD)

/* What the configuration says of states. */
struct status_rules {
	int64_t grace_ms;     /* how long a failure must last before it is said */
	bool zero_is_stopped; /* scaled to 0 by others; else that is FAILED */
};

struct container_state {
	enum container_status status;
	bool unchanged;     /* the Pod has succeeded: no news; an earlier status stays */
	bool podless;       /* no Pod speaks that is here to stay, though there should be one */
	int64_t changed_ms; /* wall clock: newest condition transition of the Pod that speaks, else of the root */
	int64_t recheck_ms; /* clock_mono_ms(): the status changes then without any event (a grace ends); 0: it does not */
	const char *ip;     /* of the Pod that speaks, "" when it has none; belongs to the facts */
	const char *host_ip; /* of its node, "" when it is not known; belongs to the facts */
	const char *message; /* human-readable; belongs to the facts or is constant */
};

/* scaled_to_zero: SP_SCALED_TO_ZERO. */
struct status_rules status_rules_make(int64_t grace_ms, const char *scaled_to_zero);

/*
 * Derive the state of the container whose root is given.
 *
 * root        must not be NULL; one with a deletionTimestamp is DELETED.
 * facts       any facts of the instance; only Pods that belong to the root (workload_pod()) count, so Pods of a
 *             predecessor with the same id do not.
 * now_ms      clock_mono_ms().
 * rules       until a failure has lasted for the grace (SP_FAILED_GRACE) it is PENDING, because FAILED makes DCM tear
 *             everything down. Replicas 0 are STOPPED when we have stopped it, from then on, whatever its Pods still
 *             do; set by others they are FAILED once there are no Pods, or STOPPED as well (SP_SCALED_TO_ZERO): a
 *             decision.
 *
 * The Pods that speak: those that are not being deleted before those that are, those of the newest revision before
 * older ones, and a Failed one only when no other is left. Among them the most worrying wins: Unknown, Pending,
 * Running.
 */
struct container_state container_state_derive(const struct fact *root, const struct fact *const *facts,
					      size_t fact_count, int64_t now_ms, const struct status_rules *rules);

#endif
