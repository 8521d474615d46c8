#include "common/container/container_state.h"

#include <stddef.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/workload.h"

#define ZERO_IS_STOPPED "stopped"

const char *const status_rules_scaled_to_zero[] = { ZERO_IS_STOPPED, "failed", NULL };

struct status_rules status_rules_make(int64_t grace_ms, const char *scaled_to_zero)
{
	return (struct status_rules){ grace_ms, str_equal(scaled_to_zero, ZERO_IS_STOPPED) };
}

struct scope {
	const struct fact *root;
	const struct fact *const *facts;
	size_t count;
	uint64_t newest_rollout;
};

/* Priority of Pods for the status of the container: the highest group present is used. */
enum standing {
	STANDING_NONE, /* not a Pod of the root */
	STANDING_LEAVING_OLD,
	STANDING_LEAVING,
	STANDING_OLD,
	STANDING_CURRENT
};

static enum standing standing_of(const struct scope *s, const struct fact *fact)
{
	static const enum standing standings[][2] = {
		[WORKLOAD_POD_OTHER] = { STANDING_NONE, STANDING_NONE },
		[WORKLOAD_POD_OLD] = { STANDING_OLD, STANDING_LEAVING_OLD },
		[WORKLOAD_POD_CURRENT] = { STANDING_CURRENT, STANDING_LEAVING },
	};

	return standings[workload_pod(s->root, s->newest_rollout, fact, s->facts, s->count)][fact->deleting];
}

/* The worst phase first; a Failed Pod last, it is used only if there is no other. */
static int worry(const struct fact *pod)
{
	static const int by_phase[] = {
		[POD_UNKNOWN] = 4, [POD_PENDING] = 3, [POD_RUNNING] = 2, [POD_SUCCEEDED] = 1, [POD_FAILED] = 0,
	};

	if (pod->node_lost && pod->phase != POD_FAILED && pod->phase != POD_SUCCEEDED)
		return by_phase[POD_UNKNOWN];
	return by_phase[pod->phase];
}

/*
 * Of two Pods of equal priority, the newer one; within the same second (the resolution of Kubernetes), by name: the
 * order of the facts differs between processes, the result must not.
 */
static bool speaks_before(const struct fact *a, const struct fact *b)
{
	if (worry(a) != worry(b))
		return worry(a) > worry(b);
	return a->created_ms != b->created_ms ? a->created_ms > b->created_ms : strcmp(a->name, b->name) < 0;
}

static const struct fact *find_speaker(const struct scope *s, enum standing *ret_standing)
{
	const struct fact *speaker = NULL;

	*ret_standing = STANDING_NONE;
	for (size_t i = 0; i < s->count; i++) {
		enum standing standing = standing_of(s, s->facts[i]);

		if (standing == STANDING_NONE || standing < *ret_standing)
			continue;
		if (standing > *ret_standing || speaks_before(s->facts[i], speaker))
			speaker = s->facts[i];
		*ret_standing = standing;
	}
	return speaker;
}

/* FAILED after the grace period, before that PENDING with a recheck time. */
static void set_failed(struct container_state *state, int64_t since_ms, int64_t now_ms, int64_t grace_ms)
{
	if (now_ms - since_ms >= grace_ms) {
		state->status = CONTAINER_FAILED;
		return;
	}
	state->status = CONTAINER_PENDING;
	state->recheck_ms = since_ms + grace_ms;
}

static struct container_state state_of_pod(const struct fact *pod, int64_t now_ms, int64_t grace_ms)
{
	struct container_state state = {
		.changed_ms = pod->changed_ms, .ip = pod->ip, .host_ip = pod->host_ip, .message = pod->message
	};

	if (pod->phase == POD_FAILED) {
		set_failed(&state, pod->failed_ms, now_ms, grace_ms);
		return state;
	}
	if (pod->node_lost) {
		state.status = CONTAINER_UNKNOWN;
		return state;
	}
	switch (pod->phase) {
	case POD_UNKNOWN:
		state.status = CONTAINER_UNKNOWN;
		break;
	case POD_SUCCEEDED:
		state.unchanged = true;
		state.status = CONTAINER_RUNNING;
		break;
	case POD_RUNNING:
		state.status = CONTAINER_RUNNING;
		break;
	case POD_PENDING:
	case POD_FAILED:
		state.status = CONTAINER_PENDING;
		break;
	}
	return state;
}

/* A root that was just read may also be among the facts, in an older version. */
static int64_t failed_since(const struct scope *s)
{
	int64_t since_ms = s->root->failed_ms;

	for (size_t i = 0; i < s->count; i++)
		if (kube_uid_equal(&s->facts[i]->uid, &s->root->uid) && s->facts[i]->failed_ms &&
		    s->facts[i]->failed_ms < since_ms)
			since_ms = s->facts[i]->failed_ms;
	return since_ms;
}

static struct container_state state_of_root(const struct scope *s, int64_t now_ms, const struct status_rules *rules)
{
	const struct fact *root = s->root;
	struct container_state state = {
		.changed_ms = root->changed_ms, .ip = "", .host_ip = "", .message = root->message
	};

	if (root->deleting) {
		state.status = CONTAINER_DELETED;
	} else if (root->stopped) {
		state.status = CONTAINER_STOPPED;
		state.message = "the container was stopped";
	} else if (root->replicas == 0) {
		state.status = rules->zero_is_stopped ? CONTAINER_STOPPED : CONTAINER_FAILED;
		state.message = "the container is scaled to 0 replicas";
	} else if (root->failed_ms) {
		set_failed(&state, failed_since(s), now_ms, rules->grace_ms);
	}
	return state;
}

struct container_state container_state_derive(const struct fact *root, const struct fact *const *facts,
					      size_t fact_count, int64_t now_ms, const struct status_rules *rules)
{
	struct scope scope = { .root = root, .facts = facts, .count = fact_count };
	struct container_state state;
	enum standing standing;
	const struct fact *speaker;

	scope.newest_rollout = workload_newest_rollout(root, facts, fact_count);
	speaker = find_speaker(&scope, &standing);
	if (!speaker || root->deleting || root->stopped || (root->replicas == 0 && standing < STANDING_OLD))
		state = state_of_root(&scope, now_ms, rules);
	else
		state = state_of_pod(speaker, now_ms, rules->grace_ms);
	if (!state.message[0])
		state.message = root->problem;
	state.podless = standing < STANDING_OLD && root->replicas != 0;
	return state;
}
