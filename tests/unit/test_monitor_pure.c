/* reconcile, event, record, lease: the monitor's pure parts. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/container/record.h"
#include "common/protocol.h"
#include "common/services/json.h"
#include "monitor/event.h"
#include "monitor/lease.h"
#include "monitor/reconcile.h"

/* ---- reconcile --------------------------------------------------------------------------------------------------- */

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

Test(monitor_reconcile, without_a_deployment_there_is_nothing)
{
	struct reconciled reconciled;

	reconcile(NULL, 0, 0, &rules, NULL, &reconciled);
	cr_expect_not(reconciled.exists);
}

Test(monitor_reconcile, of_several_deployments_the_one_speaks_that_get_shows)
{
	const struct fact older = deployment("older", 1000, false);
	const struct fact newer = deployment("newer", 2000, false);
	const struct fact own = deployment("web", 3000, false);
	const struct fact leaving = deployment("web", 1, true);
	static const struct {
		int use[3]; /* indices into all, -1: end */
		const char *name;
	} cases[] = {
		{ { 1, 0, -1 }, "older" },
		{ { 0, 1, 2 }, "web" },
		{ { 3, 1, -1 }, "newer" },
		{ { 3, -1, -1 }, "web" },
	};
	const struct fact *all[] = { &older, &newer, &own, &leaving };

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
	const struct fact *only[] = { &leaving };
	struct reconciled reconciled;

	reconcile(only, 1, 0, &rules, NULL, &reconciled);
	cr_expect_eq(reconciled.status, CONTAINER_DELETED);
}

Test(monitor_reconcile, a_grace_gives_a_time_to_look_again_and_digests_tell_states_apart)
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

Test(monitor_reconcile, where_it_is_reached_belongs_to_running_and_a_change_is_told)
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

/* ---- event ------------------------------------------------------------------------------------------------------- */

Test(monitor_event, it_is_a_structured_cloudevent)
{
	char source[EVENT_SOURCE_MAX];
	struct buf out cleanup_buf = buf_make(EVENT_MAX);
	cleanup_json cJSON *tree = NULL;
	const struct event event = { .source = source,
				     .instance_id = "web",
				     .status = CONTAINER_FAILED,
				     .message = "say \"why\"\n",
				     .id = { 1, 2, 3 },
				     .time_ms = 1767226200123 };
	static const struct {
		const char *path;
		const char *value;
	} expected[] = {
		{ "specversion", "1.0" },
		{ "id", "01020300-0000-4000-8000-000000000000" },
		{ "source", "dcm/providers/a%20b%2F%C3%BC" },
		{ "type", "dcm.status.container" },
		{ "subject", "dcm.container" },
		{ "time", "2026-01-01T00:10:00.123Z" },
		{ "datacontenttype", "application/json" },
		{ "data.id", "web" },
		{ "data.status", "FAILED" },
		{ "data.message", "say \"why\"\n" },
		{ "data.timestamp", "2026-01-01T00:10:00.123Z" },
	};

	event_write_source("a b/ü", source);
	event_write(&event, &out);
	cr_assert_eq(json_parse_strict(out.data, out.len, &tree, NULL), RC_OK, "%s", out.data);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		cr_expect_str_eq(json_string_at(tree, expected[i].path), expected[i].value, "%s", expected[i].path);
	cr_expect_eq(cJSON_GetArraySize(tree), 8);
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "data")), 4);
}

Test(monitor_event, the_longest_name_fits_into_the_source)
{
	char source[EVENT_SOURCE_MAX];
	char name[129];

	memset(name, ' ', 128);
	name[128] = '\0';
	event_write_source(name, source);
	cr_expect_eq(strlen(source), strlen("dcm/providers/") + 3 * 128);
}

/* ---- record ------------------------------------------------------------------------------------------------------ */

Test(monitor_record, buckets_of_different_providers_differ_and_are_legal)
{
	static const char *const legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char long_a[129], long_b[129];
	const char *const names[] = { "a", "A", "a.b", "a b", "a_b", "a_2Eb", ">", "*", "ü", long_a, long_b };
	char buckets[ARRAY_LEN(names)][BUS_BUCKET_MAX];

	memset(long_a, '.', sizeof(long_a) - 1);
	memset(long_b, '.', sizeof(long_b) - 1);
	long_b[127] = ',';
	long_a[128] = long_b[128] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		record_bucket(names[i], buckets[i]);
		cr_expect_eq(strspn(buckets[i], legal), strlen(buckets[i]), "%s", buckets[i]);
		cr_expect_lt(strlen(buckets[i]) + strlen("KV_"), (size_t)256);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(buckets[i], buckets[j]);
	}
	cr_expect_str_eq(buckets[0], "k8s-container-sp-a");
}

Test(monitor_record, it_comes_back_as_it_was)
{
	const struct record record = {
		.id = "We_b", .name = "another", .status = CONTAINER_UNKNOWN, .version = 1234567
	};
	struct buf out cleanup_buf = buf_make(RECORD_MAX);
	cleanup_json cJSON *tree = NULL;
	struct record read;
	char key[RECORD_KEY_MAX];

	record_write(&record, &out);
	cr_assert_eq(record_read(out.data, out.len, &tree, &read, NULL), RC_OK);
	cr_expect_str_eq(read.id, record.id);
	cr_expect_str_eq(read.name, record.name);
	cr_expect_eq(read.status, record.status);
	cr_expect_eq(read.version, record.version);
	record_key(RESOURCE_CONTAINER, "a.B_c", key);
	cr_expect_str_eq(key, "state.a_2EB_5Fc");
}

Test(monitor_record, anything_else_is_refused)
{
	static const char *const bad[] = { "",
					   "x",
					   "[]",
					   "{}",
					   "{\"id\":\"a\",\"name\":\"a\"}",
					   "{\"id\":\"\",\"name\":\"a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"a\",\"status\":\"DELETED\"}",
					   "{\"id\":\"a\",\"name\":1,\"status\":\"RUNNING\"}",
					   "{\"id\":\"a b\",\"name\":\"a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\\r\\nPUB\",\"name\":\"a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"../a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"a\",\"status\":\"RUNNING\",\"version\":-1}" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cJSON *tree = NULL;
		struct record record;

		cr_expect_eq(record_read(bad[i], strlen(bad[i]), &tree, &record, NULL), RC_INVALID_ARGUMENT, "%s",
			     bad[i]);
		cr_expect_null(tree);
	}
}

/* ---- lease ------------------------------------------------------------------------------------------------------- */

Test(monitor_lease, a_free_or_released_key_is_taken_at_once_and_a_silent_one_after_its_time)
{
	struct lease lease = { 0 };

	cr_expect_not(lease_may_take(&lease, 0), "it was not looked at yet");
	lease_see(&lease, 0, false, 0);
	cr_expect(lease_may_take(&lease, 0), "the key does not exist");
	lease_see(&lease, 7, false, 1000);
	cr_expect_not(lease_may_take(&lease, 1000 + LEASE_TAKE_MS - 1));
	lease_see(&lease, 7, false, 3000);
	cr_expect(lease_may_take(&lease, 1000 + LEASE_TAKE_MS), "the same sequence all the time");
	lease_see(&lease, 8, false, 5000);
	cr_expect_not(lease_may_take(&lease, 1000 + LEASE_TAKE_MS), "it was renewed");
	lease_see(&lease, 9, true, 5500);
	cr_expect(lease_may_take(&lease, 5500), "given back");
}

Test(monitor_lease, the_holder_has_stopped_before_anybody_can_take_it)
{
	struct lease holder = { 0 };
	struct lease waiting = { 0 };
	const int64_t asked_ms = 10000;  /* the holder begins its last renewal */
	const int64_t stored_ms = 10800; /* the server takes it late; the waiting one may see it from now on */

	lease_renewed(&holder, 5, asked_ms);
	lease_see(&waiting, 5, false, stored_ms);
	for (int64_t now = asked_ms; now < asked_ms + 2 * LEASE_TAKE_MS; now += 50)
		cr_expect_not(lease_held(&holder, now) && lease_may_take(&waiting, now), "both at %d", (int)now);
	cr_expect(lease_held(&holder, asked_ms + LEASE_HOLD_MS - 1));
	cr_expect_not(lease_held(&holder, asked_ms + LEASE_HOLD_MS));
}

Test(monitor_lease, takeover_is_possible_within_ten_seconds)
{
	cr_expect_leq(LEASE_TAKE_MS + 2 * LEASE_RENEW_MS, 10000 - 3000, "three seconds are left for the first lists");
	cr_expect_gt(LEASE_TAKE_MS - LEASE_HOLD_MS, 1000);
	cr_expect_gt(LEASE_HOLD_MS, 3 * LEASE_RENEW_MS, "three renewals may fail");
}
