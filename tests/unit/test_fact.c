#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/unit/kube_objects.h"

Test(fact, a_failure_of_the_future_begins_when_it_is_seen)
{
	int64_t before_ms = clock_mono_ms();
	cleanup_free struct fact *pod = fact_of(KUBE_POD,
						POD(3, 2, "",
						    "\"phase\":\"Failed\",\"conditions\":[{\"type\":\"Ready\","
						    "\"lastTransitionTime\":\"2100-01-01T00:00:00Z\"}]"));

	cr_expect_geq(pod->failed_ms, before_ms);
	cr_expect_leq(pod->failed_ms, clock_mono_ms());
}

Test(fact, a_message_for_people)
{
	cleanup_free struct fact *pod = fact_of(
		KUBE_POD, POD(3, 2, "",
			      "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"web\",\"restartCount\":7,"
			      "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 5m0s\"}},"
			      "\"lastState\":{\"terminated\":{\"reason\":\"OOMKilled\",\"exitCode\":137}}}]"));

	cr_expect_str_eq(pod->message,
			 "web: CrashLoopBackOff: back-off 5m0s; last run: OOMKilled, exit code 137; 7 restarts");
}

Test(fact, a_sidecar_speaks_under_its_own_name)
{
	cleanup_free struct fact *pod = fact_of(
		KUBE_POD, POD(3, 2, "",
			      "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"proxy\",\"restartCount\":3,"
			      "\"lastState\":{\"terminated\":{\"reason\":\"Error\",\"exitCode\":1}}},"
			      "{\"name\":\"web\",\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}}]"));

	cr_expect_str_eq(pod->message, "proxy: last run: Error, exit code 1; proxy: 3 restarts; web: ImagePullBackOff");
}

Test(fact, a_long_message_is_cut_and_not_lost)
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

Test(fact, a_number_of_replicas_that_cannot_be_one_is_none)
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

Test(fact, an_object_with_nothing_in_it_is_refused_and_one_with_nonsense_is_not)
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

Test(fact, uids_there_and_back)
{
	struct kube_uid uid = kube_uid_parse("0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6");
	char text[KUBE_UID_TEXT_MAX];

	kube_uid_format(&uid, text);
	cr_expect_str_eq(text, "0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6");
	cr_expect(kube_uid_is_set(&uid));
	uid = kube_uid_parse("no uid");
	cr_expect_not(kube_uid_is_set(&uid));
}
