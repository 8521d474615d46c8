#include <criterion/criterion.h>

#include "monitor/reconcile.h"

static struct fact deployment(const char *name, int64_t created_ms, bool deleting)
{
	return (struct fact){ .kind = KUBE_DEPLOYMENT,
			      .replicas = 1,
			      .created_ms = created_ms,
			      .deleting = deleting,
			      .name = name,
			      .instance_id = "web",
			      .ip = "",
			      .message = "",
			      .service = "" };
}

static const struct status_rules rules = { .grace_ms = 5000 };

Test(reconcile, without_a_deployment_the_container_does_not_exist)
{
	struct reconciled reconciled;

	reconcile(NULL, 0, 0, &rules, NULL, &reconciled);
	cr_expect_not(reconciled.exists);
}

Test(reconcile, of_several_deployments_the_same_one_as_in_get_counts)
{
	const struct fact older = deployment("older", 1000, false);
	const struct fact newer = deployment("newer", 2000, false);
	const struct fact own = deployment("web", 3000, false);
	const struct fact deleting_one = deployment("web", 1, true);
	static const struct {
		int use[3]; /* indices into all, -1: end */
		const char *name;
	} cases[] = {
		{ { 1, 0, -1 }, "older" },
		{ { 0, 1, 2 }, "web" },
		{ { 3, 1, -1 }, "newer" },
		{ { 3, -1, -1 }, "web" },
	};
	const struct fact *all[] = { &older, &newer, &own, &deleting_one };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fact *facts[3];
		struct reconciled reconciled;
		size_t count = 0;

		while (count < 3 && cases[i].use[count] >= 0) {
			facts[count] = all[cases[i].use[count]];
			count++;
		}
		reconcile(facts, count, 0, &rules, NULL, &reconciled);
		cr_expect_str_eq(reconciled.name, cases[i].name, "case %zu", i);
	}
	const struct fact *only[] = { &deleting_one };
	struct reconciled reconciled;

	reconcile(only, 1, 0, &rules, NULL, &reconciled);
	cr_expect_eq(reconciled.status, CONTAINER_DELETED);
}

Test(reconcile, a_grace_period_has_a_recheck_time_and_digests_distinguish_states)
{
	struct fact failing = deployment("web", 1000, false);
	const struct fact *facts[] = { &failing };
	struct reconciled early, late;

	failing.failed_ms = 10000;
	failing.message = "exceeded quota";
	reconcile(facts, 1, 12000, &rules, NULL, &early);
	reconcile(facts, 1, 15000, &rules, NULL, &late);
	cr_expect_eq(early.status, CONTAINER_PENDING);
	cr_expect_eq(early.recheck_ms, 15000);
	cr_expect_eq(late.status, CONTAINER_FAILED);
	cr_expect_eq(late.recheck_ms, 0);
	cr_expect_str_eq(late.message, "exceeded quota");
	cr_expect_neq(early.digest, late.digest);
	cr_expect_neq(reconcile_digest(CONTAINER_RUNNING, "a"), reconcile_digest(CONTAINER_RUNNING, "b"));
}

Test(reconcile, endpoints_are_part_of_running_and_change_the_digest)
{
	struct fact root = deployment("web", 1000, false);
	struct fact set = {
		.kind = KUBE_REPLICASET, .uid = { { 2 } }, .owner = { { 1 } }, .name = "rs", .instance_id = "web"
	};
	struct fact pod = { .kind = KUBE_POD,
			    .phase = POD_RUNNING,
			    .uid = { { 3 } },
			    .owner = { { 2 } },
			    .name = "",
			    .instance_id = "web",
			    .ip = "",
			    .host_ip = "10.0.0.1",
			    .message = "" };
	struct fact service = { .kind = KUBE_SERVICE,
				.uid = { { 4 } },
				.owner = { { 1 } },
				.name = "web",
				.instance_id = "web",
				.service = "{\"name\":\"web\",\"type\":\"ClusterIP\",\"ports\":[{\"port\":80}]}" };
	const struct fact *facts[] = { &root, &set, &pod, &service };
	struct reconciled none cleanup_reconciled = { .exists = false };
	struct reconciled without cleanup_reconciled = { .exists = false };
	struct reconciled with cleanup_reconciled = { .exists = false };

	root.uid.bytes[0] = 1;
	root.external_ports = "";
	root.problem = "";
	reconcile(facts, 4, 0, &rules, NULL, &none);
	reconcile(facts, 3, 0, &rules, "ns", &without);
	reconcile(facts, 4, 0, &rules, "ns", &with);
	cr_expect_eq(none.status, CONTAINER_RUNNING);
	cr_expect_eq(none.output.len, 0);
	cr_expect_eq(none.digest, reconcile_digest(CONTAINER_RUNNING, ""));
	cr_expect_str_eq(without.output.data, "{\"namespace\":\"ns\",\"endpoints\":[]}");
	cr_expect_neq(with.digest, without.digest);
	cr_expect_neq(without.digest, none.digest);
	with.status = CONTAINER_FAILED;
	reconcile_seal(&with);
	cr_expect_eq(with.output.len, 0);
	cr_expect_eq(with.digest, reconcile_digest(CONTAINER_FAILED, ""));
}
