#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/unit/kube_objects.h"

Test(fact, a_failure_with_a_future_time_starts_when_it_is_read)
{
	int64_t before_ms = clock_mono_ms();
	cleanup_free struct fact *pod = fact_of(KUBE_POD,
						POD(3, 2, "",
						    "\"phase\":\"Failed\",\"conditions\":[{\"type\":\"Ready\","
						    "\"lastTransitionTime\":\"2100-01-01T00:00:00Z\"}]"));

	cr_expect_geq(pod->failed_ms, before_ms);
	cr_expect_leq(pod->failed_ms, clock_mono_ms());
}

Test(fact, the_message_summarizes_container_states)
{
	cleanup_free struct fact *pod = fact_of(
		KUBE_POD, POD(3, 2, "",
			      "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"web\",\"restartCount\":7,"
			      "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 5m0s\"}},"
			      "\"lastState\":{\"terminated\":{\"reason\":\"OOMKilled\",\"exitCode\":137}}}]"));

	cr_expect_str_eq(pod->message,
			 "web: CrashLoopBackOff: back-off 5m0s; last run: OOMKilled, exit code 137; 7 restarts");
}

Test(fact, messages_of_a_sidecar_have_its_name)
{
	cleanup_free struct fact *pod = fact_of(
		KUBE_POD, POD(3, 2, "",
			      "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"proxy\",\"restartCount\":3,"
			      "\"lastState\":{\"terminated\":{\"reason\":\"Error\",\"exitCode\":1}}},"
			      "{\"name\":\"web\",\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}}]"));

	cr_expect_str_eq(pod->message, "proxy: last run: Error, exit code 1; proxy: 3 restarts; web: ImagePullBackOff");
}

Test(fact, a_long_message_is_truncated)
{
	struct buf text cleanup_buf = buf_make(100000);
	cleanup_free struct fact *pod = NULL;

	buf_addf(&text, "{\"metadata\":{\"name\":\"p\",\"uid\":\"" UID(3) "\"},\"status\":{\"message\":\"%050000d\"}}",
		 7);
	pod = fact_of(KUBE_POD, text.data);
	cr_expect_eq(strlen(pod->message), FACT_MESSAGE_MAX);
}

static const struct {
	const char *value;
	int replicas;
} replica_rows[] = {
	{ "0", 0 },   { "2147483647", INT32_MAX }, { "4294967296", 1 }, { "-1", 1 }, { "1e300", 1 }, { "\"2\"", 1 },
	{ "1.5", 1 },
};

Test(fact, invalid_replica_counts_are_ignored)
{
	for (size_t i = 0; i < ARRAY_LEN(replica_rows); i++) {
		struct buf text cleanup_buf = buf_make(1000);
		cleanup_free struct fact *fact = NULL;

		buf_addf(&text, "{\"metadata\":{\"name\":\"d\",\"uid\":\"" UID(1) "\"},\"spec\":{\"replicas\":%s}}",
			 replica_rows[i].value);
		fact = fact_of(KUBE_DEPLOYMENT, text.data);
		cr_expect_eq(fact->replicas, replica_rows[i].replicas, "%s", replica_rows[i].value);
	}
}

Test(fact, an_empty_object_is_rejected_and_one_with_malformed_members_is_not)
{
	cleanup_json cJSON *empty = cJSON_Parse("{}");
	struct fact *none = NULL;
	cleanup_free struct fact *odd = fact_of(KUBE_DEPLOYMENT,
						"{\"metadata\":{\"name\":\"x\",\"uid\":\"" UID(
							1) "\",\"labels\":[1],\"annotations\":\"a\"},"
							   "\"spec\":7,\"status\":{\"conditions\":{\"type\":1}}}");

	cr_expect_eq(fact_from_object(KUBE_POD, empty, &none, NULL), RC_UNAVAILABLE);
	cr_expect_str_eq(odd->instance_id, "");
	cr_expect_eq(odd->replicas, 1);
}

Test(fact, the_runs_of_the_containers_of_a_pod_are_read)
{
	static const char pod[] =
		"{\"metadata\":{\"name\":\"p\",\"uid\":\"00000000-0000-0000-0000-000000000001\"},\"status\":{"
		"\"initContainerStatuses\":[{\"name\":\"i\",\"restartCount\":0,\"state\":{\"terminated\":{}}}],"
		"\"containerStatuses\":[{\"name\":\"a\",\"restartCount\":3,\"state\":{\"running\":{}},"
		"\"lastState\":{\"terminated\":{}}},"
		"{\"name\":\"b\",\"restartCount\":2,\"state\":{\"waiting\":{}},\"lastState\":{\"terminated\":{}}},"
		"{\"name\":\"c\",\"restartCount\":0,\"state\":{\"waiting\":{}}},"
		"{\"name\":\"d\",\"restartCount\":1,\"state\":{\"terminated\":{}},\"lastState\":{\"terminated\":{}}},"
		"{\"name\":\"e\",\"restartCount\":1,\"state\":{\"running\":{}}}]}}";
	static const struct pod_run wanted[] = {
		{ "i", 0, -1, true, false },  { "a", 3, 2, true, true },  { "b", 2, 2, true, false },
		{ "c", 0, -1, false, false }, { "d", 1, 0, true, false }, { "e", 1, -1, true, true },
	};
	cleanup_json cJSON *object = NULL;
	struct fact *fact = NULL;
	struct pod_run run;
	const char *at;
	size_t count = 0;

	cr_assert_eq(json_parse(pod, strlen(pod), &object, NULL), RC_OK);
	cr_assert_eq(fact_from_object(KUBE_POD, object, &fact, NULL), RC_OK);
	cr_expect_str_eq(fact->name, "p");
	for (at = fact->runs; fact_next_run(&at, &run) && count < ARRAY_LEN(wanted); count++) {
		cr_expect_str_eq(run.container, wanted[count].container);
		cr_expect_eq(run.restarts, wanted[count].restarts);
		cr_expect_eq(run.previous, wanted[count].previous, "%s", run.container);
		cr_expect_eq(run.started, wanted[count].started);
		cr_expect_eq(run.goes_on, wanted[count].goes_on);
	}
	cr_expect_eq(count, ARRAY_LEN(wanted));
	free(fact);
}
