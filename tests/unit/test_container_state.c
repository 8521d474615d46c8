#include <criterion/criterion.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/container/container_state.h"
#include "common/container/workload.h"
#include "tests/unit/kube_objects.h"

#define FAILED_AT 1767226200000 /* 2026-01-01T00:10:00Z */
#define GRACE_MS 5000

static const struct status_rules rules = { .grace_ms = GRACE_MS };

#define STOPPED_DEPLOYMENT(replicas)                                                                                 \
	"{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID(                                                            \
		1) "\"," LABELS ",\"annotations\":{\"dcm.project/stopped\":\"3\"}},\"spec\":{\"replicas\":" replicas \
		   "}}"

static const struct status_case {
	const char *name;
	const char *deployment;
	const char *parts[5]; /* "kind object" */
	int64_t now_ms;
	enum container_status status;
	const char *ip;
} cases[] = {
	{ "nothing yet", DEPLOYMENT("", ""), { NULL }, 0, CONTAINER_PENDING, "" },
	{ "available, without a Pod",
	  DEPLOYMENT("", "\"conditions\":[{\"type\":\"Available\",\"status\":\"True\"}]"),
	  { NULL },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "scaled to 0", DEPLOYMENT("\"replicas\":0", ""), { NULL }, 0, CONTAINER_FAILED, "" },
	{ "scaled to 0, the Pod is being deleted",
	  DEPLOYMENT("\"replicas\":0", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, DELETING, RUNNING) },
	  0,
	  CONTAINER_FAILED,
	  "" },
	{ "stopped by us, the Pod still runs",
	  STOPPED_DEPLOYMENT("0"),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", RUNNING) },
	  0,
	  CONTAINER_STOPPED,
	  "" },
	{ "stopped by us, scaled up by others",
	  STOPPED_DEPLOYMENT("1"),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", RUNNING) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "quota, just now", DEPLOYMENT("", QUOTA), { NULL }, FAILED_AT + 3000, CONTAINER_PENDING, "" },
	{ "quota, lasting", DEPLOYMENT("", QUOTA), { NULL }, FAILED_AT + GRACE_MS, CONTAINER_FAILED, "" },
	{ "running",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", RUNNING) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "pending",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", PENDING) },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "the Pod of a previous Deployment",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 9, "1"), "P" POD(3, 2, "", RUNNING) },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "a Pod of an unknown ReplicaSet",
	  DEPLOYMENT("", ""),
	  { "P" POD(3, 2, "", RUNNING) },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "rollout: the new Pod counts",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "R" REPLICASET(4, 1, "2"), "P" POD(3, 2, "", RUNNING),
	    "P" POD(5, 4, "", PENDING) },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "rollout: only the old Pod exists",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "R" REPLICASET(4, 1, "2"), "P" POD(3, 2, "", RUNNING) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "replaced: the Pod being deleted does not count",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, DELETING, RUNNING), "P" POD(5, 2, "", PENDING) },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "evicted, with a successor",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", FAILED), "P" POD(5, 2, "", RUNNING) },
	  FAILED_AT + 60000,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "failed, just now",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", FAILED) },
	  FAILED_AT + 4999,
	  CONTAINER_PENDING,
	  "" },
	{ "failed, lasting",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", FAILED) },
	  FAILED_AT + 5000,
	  CONTAINER_FAILED,
	  "" },
	{ "lost node",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", LOST) },
	  0,
	  CONTAINER_UNKNOWN,
	  "" },
	{ "lost node, as the node lifecycle controller marks it",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", READY("", "True")) },
	  0,
	  CONTAINER_UNKNOWN,
	  "10.0.0.1" },
	{ "not ready, with a reason from the kubelet",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", READY(",\"reason\":\"ReadinessGatesNotReady\"", "True")) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "not ready, with containers not ready",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", READY("", "False")) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "two Pods: the worse state counts",
	  DEPLOYMENT("\"replicas\":2", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", RUNNING), "P" POD(5, 2, "", PENDING) },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "two Pods: one lost",
	  DEPLOYMENT("\"replicas\":2", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", LOST), "P" POD(5, 2, "", PENDING) },
	  0,
	  CONTAINER_UNKNOWN,
	  "" },
};

/* The times of the cases are wall-clock times in whole seconds; the two clocks are read one after the other. */
static void date_by_wall(struct fact *fact)
{
	if (fact->failed_ms)
		fact->failed_ms = (clock_wall_ms() - (clock_mono_ms() - fact->failed_ms) + 500) / 1000 * 1000;
}

Test(container_state, is_derived_from_a_deployment_and_its_pods)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct status_case *c = &cases[i];
		struct fact *deployment = fact_of(KUBE_DEPLOYMENT, c->deployment);
		struct fact *parts[5];
		struct container_state state;
		size_t count = 0;

		date_by_wall(deployment);
		for (; count < 5 && c->parts[count]; count++) {
			parts[count] = fact_of(c->parts[count][0] == 'R' ? KUBE_REPLICASET : KUBE_POD,
					       c->parts[count] + 1);
			date_by_wall(parts[count]);
		}
		state = container_state_derive(deployment, (const struct fact *const *)parts, count, c->now_ms, &rules);
		cr_expect_eq(state.status, c->status, "%s: %s", c->name, container_status_name(state.status));
		cr_expect_str_eq(state.ip, c->ip, "%s", c->name);
		/* A failure within its grace period has a time to recheck. */
		if (state.recheck_ms)
			cr_expect_eq(state.recheck_ms, FAILED_AT + GRACE_MS, "%s", c->name);
		for (size_t k = 0; k < count; k++)
			free(parts[k]);
		free(deployment);
	}
}

Test(container_state, the_grace_period_starts_when_a_failure_is_first_seen)
{
	cleanup_free struct fact *seen = fact_of(KUBE_DEPLOYMENT, DEPLOYMENT("", QUOTA));
	cleanup_free struct fact *read = fact_of(KUBE_DEPLOYMENT, DEPLOYMENT("", QUOTA));
	const struct fact *const facts[] = { seen };

	seen->failed_ms = 1000;
	read->failed_ms = 7000;
	cr_expect_eq(container_state_derive(read, NULL, 0, 7000, &rules).status, CONTAINER_PENDING);
	cr_expect_eq(container_state_derive(read, facts, 1, 7000, &rules).status, CONTAINER_FAILED);
	read->failed_ms = 0;
	cr_expect_eq(container_state_derive(read, facts, 1, 7000, &rules).status, CONTAINER_PENDING);
}

Test(container_state, of_replicas_of_the_same_age_the_same_address_is_shown)
{
	cleanup_free struct fact *deployment = fact_of(KUBE_DEPLOYMENT, DEPLOYMENT("\"replicas\":2", ""));
	cleanup_free struct fact *replicaset = fact_of(KUBE_REPLICASET, REPLICASET(2, 1, "1"));
	cleanup_free struct fact *first = fact_of(KUBE_POD, POD(3, 2, "", RUNNING));
	cleanup_free struct fact *second = fact_of(KUBE_POD,
						   POD(4, 2, "", "\"phase\":\"Running\",\"podIP\":\"10.0.0.2\""));
	const struct fact *const facts[] = { replicaset, first, second };
	const struct fact *const others[] = { replicaset, second, first };

	cr_expect_str_eq(container_state_derive(deployment, facts, 3, 0, &rules).ip, "10.0.0.1");
	cr_expect_str_eq(container_state_derive(deployment, others, 3, 0, &rules).ip, "10.0.0.1");
}

Test(container_state, a_deployment_being_deleted_is_shown_as_deleted)
{
	cleanup_free struct fact *deployment = fact_of(
		KUBE_DEPLOYMENT, "{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID(1) "\"" DELETING "}}");

	cr_expect_eq(container_state_derive(deployment, NULL, 0, 0, &rules).status, CONTAINER_DELETED);
}

/* ---- StatefulSets: they own their Pods; a label has the name of the rollout -------------------------------------- */

#define STATEFULSET(update)                                                                                         \
	"{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID(1) "\"," LABELS "},\"spec\":{\"replicas\":2},\"status\":{" \
							    "\"updateRevision\":\"" update "\"}}"
#define POD_OF(uid, owner, revision, extra, status)                                                                    \
	"{\"metadata\":{\"name\":\"web-" #uid "\",\"uid\":\"" UID(uid) "\"," OWNER(                                    \
		owner) ",\"labels\":{\"dcm.project/dcm-instance-id\":\"web\",\"controller-revision-hash\":\"" revision \
		       "\"}" extra "},\"status\":{" status "}}"
#define REVISION_OF(uid, name, number)                                                                                 \
	"{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" UID(uid) "\"," OWNER(1) "," LABELS "},\"revision\":" #number \
										  "}"

static const struct {
	const char *name;
	const char *pods[2];
	enum container_status status;
	bool podless;
} set_cases[] = {
	{ "no Pod", { NULL }, CONTAINER_PENDING, true },
	{ "a Pod of the newest template", { POD_OF(3, 1, "web-b", "", RUNNING) }, CONTAINER_RUNNING, false },
	{ "a Pod of a previous StatefulSet", { POD_OF(3, 9, "web-b", "", RUNNING) }, CONTAINER_PENDING, true },
	{ "rollout: the new Pod counts",
	  { POD_OF(3, 1, "web-a", "", RUNNING), POD_OF(4, 1, "web-b", "", PENDING) },
	  CONTAINER_PENDING,
	  false },
	{ "rollout: only the old Pod exists", { POD_OF(3, 1, "web-a", "", RUNNING) }, CONTAINER_RUNNING, false },
	{ "a Pod being deleted", { POD_OF(3, 1, "web-b", DELETING, RUNNING) }, CONTAINER_RUNNING, true },
};

Test(container_state, is_derived_from_a_statefulset_and_its_pods)
{
	for (size_t i = 0; i < ARRAY_LEN(set_cases); i++) {
		struct fact *facts[4] = { fact_of(KUBE_STATEFULSET, STATEFULSET("web-b")),
					  fact_of(KUBE_CONTROLLER_REVISION, REVISION_OF(2, "web-b", 7)) };
		struct container_state state;
		size_t count = 2;

		for (size_t k = 0; k < ARRAY_LEN(set_cases[i].pods) && set_cases[i].pods[k]; k++)
			facts[count++] = fact_of(KUBE_POD, set_cases[i].pods[k]);
		state = container_state_derive(facts[0], (const struct fact *const *)facts, count, 0, &rules);
		cr_expect_eq(state.status, set_cases[i].status, "%s: %s", set_cases[i].name,
			     container_status_name(state.status));
		cr_expect_eq(state.podless, set_cases[i].podless, "%s", set_cases[i].name);
		cr_expect_eq(workload_revision(facts[0], (const struct fact *const *)facts, count), 7);
		for (size_t k = 0; k < count; k++)
			free(facts[k]);
	}
}
