#include "common/container/container_status.h"

#include <stddef.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "common/kube/kube_auth.h"

static const char *const names[] = {
	[CONTAINER_PENDING] = "PENDING", [CONTAINER_RUNNING] = "RUNNING", [CONTAINER_FAILED] = "FAILED",
	[CONTAINER_UNKNOWN] = "UNKNOWN", [CONTAINER_STOPPED] = "STOPPED", [CONTAINER_DELETED] = "DELETED",
};

struct status_rules status_rules_make(int64_t grace_ms, const char *scaled_to_zero)
{
	return (struct status_rules){ grace_ms, str_equal(scaled_to_zero, SCALED_TO_ZERO_STOPPED) };
}

const char *container_status_name(enum container_status status)
{
	return names[status];
}

bool container_status_from_name(const char *name, enum container_status *ret_status)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (i == CONTAINER_DELETED || strcmp(names[i], name) != 0)
			continue;
		*ret_status = (enum container_status)i;
		return true;
	}
	return false;
}

struct scope {
	const struct fact *deployment;
	const struct fact *const *facts;
	size_t count;
	int32_t newest_revision;
};

static int32_t newest_revision(const struct scope *s)
{
	int32_t newest = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->facts[i]->kind == KUBE_REPLICASET && kube_uid_equal(&s->facts[i]->owner, &s->deployment->uid) &&
		    s->facts[i]->revision > newest)
			newest = s->facts[i]->revision;
	return newest;
}

/* How well a Pod may speak for the container: the group with the highest number does. */
enum standing {
	STANDING_NONE, /* not ours */
	STANDING_LEAVING_OLD,
	STANDING_LEAVING,
	STANDING_OLD,
	STANDING_CURRENT
};

static enum standing standing_of(const struct scope *s, const struct fact *fact)
{
	const struct fact *replicaset = workload_replicaset(&s->deployment->uid, fact, s->facts, s->count);
	bool old;

	if (!replicaset)
		return STANDING_NONE;
	old = replicaset->revision < s->newest_revision;
	if (fact->deleting)
		return old ? STANDING_LEAVING_OLD : STANDING_LEAVING;
	return old ? STANDING_OLD : STANDING_CURRENT;
}

/* The most worrying first; a Failed Pod comes last, it speaks only when no other does. */
static int worry(const struct fact *pod)
{
	static const int by_phase[] = {
		[POD_UNKNOWN] = 4, [POD_PENDING] = 3, [POD_RUNNING] = 2, [POD_SUCCEEDED] = 1, [POD_FAILED] = 0,
	};

	if (pod->node_lost && pod->phase != POD_FAILED && pod->phase != POD_SUCCEEDED)
		return by_phase[POD_UNKNOWN];
	return by_phase[pod->phase];
}

/* Of two Pods that worry alike, the newer one. */
static bool speaks_before(const struct fact *a, const struct fact *b)
{
	return worry(a) != worry(b) ? worry(a) > worry(b) : a->created_ms > b->created_ms;
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

/* FAILED when it has lasted, PENDING with a time to look again until then. */
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

/* A Deployment that was read just now may also be among the facts, as it was seen before. */
static int64_t failed_since(const struct scope *s)
{
	int64_t since_ms = s->deployment->failed_ms;

	for (size_t i = 0; i < s->count; i++)
		if (kube_uid_equal(&s->facts[i]->uid, &s->deployment->uid) && s->facts[i]->failed_ms &&
		    s->facts[i]->failed_ms < since_ms)
			since_ms = s->facts[i]->failed_ms;
	return since_ms;
}

static struct container_state state_of_deployment(const struct scope *s, int64_t now_ms,
						  const struct status_rules *rules)
{
	const struct fact *deployment = s->deployment;
	struct container_state state = {
		.changed_ms = deployment->changed_ms, .ip = "", .host_ip = "", .message = deployment->message
	};

	if (deployment->deleting) {
		state.status = CONTAINER_DELETED;
	} else if (deployment->stopped) {
		state.status = CONTAINER_STOPPED;
		state.message = "the container was stopped";
	} else if (deployment->replicas == 0) {
		state.status = rules->zero_is_stopped ? CONTAINER_STOPPED : CONTAINER_FAILED;
		state.message = "the Deployment is scaled to 0 replicas";
	} else if (deployment->failed_ms) {
		set_failed(&state, failed_since(s), now_ms, rules->grace_ms);
	}
	return state;
}

struct container_state container_status_derive(const struct fact *deployment, const struct fact *const *facts,
					       size_t fact_count, int64_t now_ms, const struct status_rules *rules)
{
	struct scope scope = { .deployment = deployment, .facts = facts, .count = fact_count };
	struct container_state state;
	enum standing standing;
	const struct fact *speaker;

	scope.newest_revision = newest_revision(&scope);
	speaker = find_speaker(&scope, &standing);
	if (!speaker || deployment->deleting || deployment->stopped ||
	    (deployment->replicas == 0 && standing < STANDING_OLD))
		state = state_of_deployment(&scope, now_ms, rules);
	else
		state = state_of_pod(speaker, now_ms, rules->grace_ms);
	if (!state.message[0])
		state.message = deployment->problem;
	state.podless = standing < STANDING_OLD && deployment->replicas != 0;
	return state;
}
