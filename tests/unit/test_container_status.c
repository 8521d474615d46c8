/* kube_facts, container_status, kube_cache, pod_message, service_view: from objects to a state. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/container/container_status.h"
#include "common/container/kube_cache.h"
#include "common/container/labels.h"

#define UID(n) "00000000-0000-4000-8000-00000000000" #n
#define LABELS "\"labels\":{\"dcm.project/dcm-instance-id\":\"web\"}"
#define OWNER(n) "\"ownerReferences\":[{\"uid\":\"" UID(n) "\",\"controller\":true}]"

#define DEPLOYMENT(spec, status)                                                                   \
	"{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID(                                          \
		1) "\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"," LABELS "},\"spec\":{" spec \
		   "},\"status\":{" status "}}"
#define REPLICASET(uid, owner, revision)                                            \
	"{\"metadata\":{\"name\":\"web-" #uid "\",\"uid\":\"" UID(uid) "\"," OWNER( \
		owner) "," LABELS ",\"annotations\":{\"deployment.kubernetes.io/revision\":\"" revision "\"}}}"
#define POD(uid, owner, extra, status)                                                                  \
	"{\"metadata\":{\"name\":\"p" #uid "\",\"uid\":\"" UID(uid) "\"," OWNER(owner) "," LABELS extra \
										       "},\"status\":{" status "}}"
#define DELETING ",\"deletionTimestamp\":\"2026-01-01T00:01:00Z\""
#define RUNNING "\"phase\":\"Running\",\"podIP\":\"10.0.0.1\""
#define PENDING "\"phase\":\"Pending\""
#define FAILED \
	"\"phase\":\"Failed\",\"conditions\":[{\"type\":\"Ready\",\"lastTransitionTime\":\"2026-01-01T00:10:00Z\"}]"
#define LOST                                                                                           \
	"\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\",\"reason\":" \
	"\"NodeStatusUnknown\"}]"
#define READY(reason, containers)                                                                                      \
	"\"phase\":\"Running\",\"podIP\":\"10.0.0.1\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"" reason \
	"},{\"type\":\"ContainersReady\",\"status\":\"" containers "\"}]"
#define QUOTA                                                                                              \
	"\"conditions\":[{\"type\":\"ReplicaFailure\",\"status\":\"True\",\"message\":\"exceeded quota\"," \
	"\"lastTransitionTime\":\"2026-01-01T00:10:00Z\"}]"

#define FAILED_AT 1767226200000 /* 2026-01-01T00:10:00Z */
#define GRACE_MS 5000

static const struct status_rules rules = { .grace_ms = GRACE_MS };

static const struct status_case {
	const char *name;
	const char *deployment;
	const char *parts[5]; /* "kind object" */
	int64_t now_ms;
	enum container_status status;
	const char *ip;
} cases[] = {
	{ "nothing yet", DEPLOYMENT("", ""), { NULL }, 0, CONTAINER_PENDING, "" },
	{ "available, no Pod seen",
	  DEPLOYMENT("", "\"conditions\":[{\"type\":\"Available\",\"status\":\"True\"}]"),
	  { NULL },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "scaled to 0", DEPLOYMENT("\"replicas\":0", ""), { NULL }, 0, CONTAINER_FAILED, "" },
	{ "scaled to 0, the Pod is leaving",
	  DEPLOYMENT("\"replicas\":0", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, DELETING, RUNNING) },
	  0,
	  CONTAINER_FAILED,
	  "" },
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
	{ "the Pod of a predecessor",
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
	{ "rollout: the new Pod speaks",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "R" REPLICASET(4, 1, "2"), "P" POD(3, 2, "", RUNNING),
	    "P" POD(5, 4, "", PENDING) },
	  0,
	  CONTAINER_PENDING,
	  "" },
	{ "rollout: only the old Pod is there",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "R" REPLICASET(4, 1, "2"), "P" POD(3, 2, "", RUNNING) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "replaced: the leaving Pod is silent",
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
	{ "not ready, and the kubelet says why",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", READY(",\"reason\":\"ReadinessGatesNotReady\"", "True")) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "not ready, nor are its containers",
	  DEPLOYMENT("", ""),
	  { "R" REPLICASET(2, 1, "1"), "P" POD(3, 2, "", READY("", "False")) },
	  0,
	  CONTAINER_RUNNING,
	  "10.0.0.1" },
	{ "two Pods: the worrying one wins",
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

static struct fact *fact_of(enum kube_kind kind, const char *text)
{
	cleanup_json cJSON *object = NULL;
	struct fact *fact = NULL;
	struct error err = { 0 };

	cr_assert_eq(json_parse(text, strlen(text), &object, &err), RC_OK, "%s in %s", err.text, text);
	cr_assert_eq(fact_from_object(kind, object, &fact, &err), RC_OK, "%s in %s", err.text, text);
	return fact;
}

/* The cases are written in times of day, which are whole seconds; both clocks are read one after the other. */
static void date_by_wall(struct fact *fact)
{
	if (fact->failed_ms)
		fact->failed_ms = (clock_wall_ms() - (clock_mono_ms() - fact->failed_ms) + 500) / 1000 * 1000;
}

Test(container_status, table)
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
		state = container_status_derive(deployment, (const struct fact *const *)parts, count, c->now_ms,
						&rules);
		cr_expect_eq(state.status, c->status, "%s: %s", c->name, container_status_name(state.status));
		cr_expect_str_eq(state.ip, c->ip, "%s", c->name);
		/* A failure within its grace says when to look again. */
		if (state.recheck_ms)
			cr_expect_eq(state.recheck_ms, FAILED_AT + GRACE_MS, "%s", c->name);
		for (size_t k = 0; k < count; k++)
			free(parts[k]);
		free(deployment);
	}
}

Test(container_status, a_failure_that_was_seen_before_lasts_from_then)
{
	cleanup_free struct fact *seen = fact_of(KUBE_DEPLOYMENT, DEPLOYMENT("", QUOTA));
	cleanup_free struct fact *read = fact_of(KUBE_DEPLOYMENT, DEPLOYMENT("", QUOTA));
	const struct fact *const facts[] = { seen };

	seen->failed_ms = 1000;
	read->failed_ms = 7000;
	cr_expect_eq(container_status_derive(read, NULL, 0, 7000, &rules).status, CONTAINER_PENDING);
	cr_expect_eq(container_status_derive(read, facts, 1, 7000, &rules).status, CONTAINER_FAILED);
	read->failed_ms = 0;
	cr_expect_eq(container_status_derive(read, facts, 1, 7000, &rules).status, CONTAINER_PENDING);
}

Test(container_status, a_deployment_that_is_being_deleted_is_deleted)
{
	cleanup_free struct fact *deployment = fact_of(
		KUBE_DEPLOYMENT, "{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID(1) "\"" DELETING "}}");

	cr_expect_eq(container_status_derive(deployment, NULL, 0, 0, &rules).status, CONTAINER_DELETED);
}

Test(kube_facts, a_failure_of_the_future_begins_when_it_is_seen)
{
	int64_t before_ms = clock_mono_ms();
	cleanup_free struct fact *pod = fact_of(KUBE_POD,
						POD(3, 2, "",
						    "\"phase\":\"Failed\",\"conditions\":[{\"type\":\"Ready\","
						    "\"lastTransitionTime\":\"2100-01-01T00:00:00Z\"}]"));

	cr_expect_geq(pod->failed_ms, before_ms);
	cr_expect_leq(pod->failed_ms, clock_mono_ms());
}

Test(kube_facts, a_message_for_people)
{
	cleanup_free struct fact *pod = fact_of(
		KUBE_POD, POD(3, 2, "",
			      "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"web\",\"restartCount\":7,"
			      "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 5m0s\"}},"
			      "\"lastState\":{\"terminated\":{\"reason\":\"OOMKilled\",\"exitCode\":137}}}]"));

	cr_expect_str_eq(pod->message,
			 "web: CrashLoopBackOff: back-off 5m0s; last run: OOMKilled, exit code 137; 7 restarts");
}

Test(kube_facts, a_sidecar_speaks_under_its_own_name)
{
	cleanup_free struct fact *pod = fact_of(
		KUBE_POD, POD(3, 2, "",
			      "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"proxy\",\"restartCount\":3,"
			      "\"lastState\":{\"terminated\":{\"reason\":\"Error\",\"exitCode\":1}}},"
			      "{\"name\":\"web\",\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}}]"));

	cr_expect_str_eq(pod->message, "proxy: last run: Error, exit code 1; proxy: 3 restarts; web: ImagePullBackOff");
}

Test(kube_facts, a_long_message_is_cut_and_not_lost)
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

Test(kube_facts, a_number_of_replicas_that_cannot_be_one_is_none)
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

Test(kube_facts, an_object_with_nothing_in_it_is_refused_and_one_with_nonsense_is_not)
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

Test(kube_facts, uids_there_and_back)
{
	struct kube_uid uid = kube_uid_parse("0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6");
	char text[KUBE_UID_TEXT_MAX];

	kube_uid_format(&uid, text);
	cr_expect_str_eq(text, "0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6");
	cr_expect(kube_uid_is_set(&uid));
	uid = kube_uid_parse("no uid");
	cr_expect_not(kube_uid_is_set(&uid));
}

/* ---- the cache ----------------------------------------------------------------------------------------------------
 */

static void tell(struct kube_cache *cache, enum kube_kind kind, enum kube_event event, const char *text)
{
	struct informer_listener listener = kube_cache_listener(cache);
	cleanup_json cJSON *object = cJSON_Parse(text);

	cr_assert_not_null(object);
	cr_assert_eq(listener.object(listener.ctx, kind, event, object, NULL), RC_OK);
}

static void count_facts(void *ctx, const struct fact *const *facts unused, size_t count)
{
	*(size_t *)ctx = count;
}

static size_t facts_of(struct kube_cache *cache, const char *id)
{
	size_t count = 0;

	kube_cache_visit(cache, id, count_facts, &count);
	return count;
}

Test(kube_cache, what_a_new_list_does_not_tell_has_vanished)
{
	struct kube_cache *cache = NULL;
	struct informer_listener listener;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	listener = kube_cache_listener(cache);
	listener.list_begin(cache, KUBE_POD);
	cr_expect_not(kube_cache_is_synced(cache, 1u << KUBE_POD));
	tell(cache, KUBE_POD, KUBE_ADDED, POD(3, 2, "", RUNNING));
	tell(cache, KUBE_POD, KUBE_ADDED, POD(4, 2, "", RUNNING));
	tell(cache, KUBE_REPLICASET, KUBE_ADDED, REPLICASET(2, 1, "1"));
	listener.list_end(cache, KUBE_POD);
	cr_expect(kube_cache_is_synced(cache, 1u << KUBE_POD));
	cr_expect_not(kube_cache_is_synced(cache, 1u << KUBE_POD | 1u << KUBE_SERVICE));
	cr_expect_eq(facts_of(cache, "web"), 3);
	listener.list_begin(cache, KUBE_POD);
	tell(cache, KUBE_POD, KUBE_ADDED, POD(4, 2, "", RUNNING));
	listener.list_end(cache, KUBE_POD);
	cr_expect_eq(facts_of(cache, "web"), 2);
	tell(cache, KUBE_POD, KUBE_DELETED, POD(4, 2, "", RUNNING));
	cr_expect_eq(facts_of(cache, "web"), 1);
	cr_expect_eq(facts_of(cache, "other"), 0);
	kube_cache_destroy(cache);
}

Test(kube_cache, an_object_that_changes_its_instance_moves)
{
	struct kube_cache *cache = NULL;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	tell(cache, KUBE_SERVICE, KUBE_ADDED, "{\"metadata\":{\"name\":\"s\",\"uid\":\"" UID(1) "\"," LABELS "}}");
	tell(cache, KUBE_SERVICE, KUBE_MODIFIED,
	     "{\"metadata\":{\"name\":\"s\",\"uid\":\"" UID(
		     1) "\",\"labels\":{\"dcm.project/dcm-instance-id\":\"db\"}}}");
	cr_expect_eq(facts_of(cache, "web"), 0);
	cr_expect_eq(facts_of(cache, "db"), 1);
	kube_cache_destroy(cache);
}

static void first_failure(void *ctx, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_POD)
			*(int64_t *)ctx = facts[i]->failed_ms;
}

Test(kube_cache, a_failure_that_was_seen_to_begin_lasts_from_then)
{
	struct kube_cache *cache = NULL;
	int64_t before = clock_mono_ms();
	int64_t failed = 0;
	int64_t again = 0;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	tell(cache, KUBE_POD, KUBE_ADDED, POD(3, 2, "", RUNNING));
	tell(cache, KUBE_POD, KUBE_MODIFIED, POD(3, 2, "", FAILED));
	kube_cache_visit(cache, "web", first_failure, &failed);
	cr_expect_geq(failed, before);
	tell(cache, KUBE_POD, KUBE_MODIFIED, POD(3, 2, "", FAILED));
	kube_cache_visit(cache, "web", first_failure, &again);
	cr_expect_eq(again, failed);
	kube_cache_destroy(cache);
}

/* The i-th of many Pods; two by two they belong to one instance. */
static void tell_pod(struct kube_cache *cache, enum kube_event event, int i)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"metadata\":{\"name\":\"n%d\",\"uid\":\"00000000-0000-4000-8000-%012d\","
		 "\"labels\":{\"dcm.project/dcm-instance-id\":\"i%d\"}}}",
		 i, i, i / 2);
	tell(cache, KUBE_POD, event, text);
}

/* An object of the kind with a message that is kept whole. */
static enum rc tell_large(const struct informer_listener *listener, int number, struct error *err)
{
	struct buf text cleanup_buf = buf_make(100000);
	cleanup_json cJSON *object = NULL;

	buf_addf(&text,
		 "{\"metadata\":{\"name\":\"%060000d\",\"uid\":\"00000000-0000-0000-0000-%012d\",\"labels\":{"
		 "\"" LABEL_INSTANCE_ID "\":\"i%d\"}}}",
		 number, number, number);
	object = cJSON_Parse(text.data);
	return listener->object(listener->ctx, KUBE_SERVICE, KUBE_ADDED, object, err);
}

Test(kube_cache, names_without_end_are_an_error_and_forgotten)
{
	struct kube_cache *cache = NULL;
	struct informer_listener listener;
	struct error err = { 0 };
	enum rc rc = RC_OK;
	int count = 0;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	listener = kube_cache_listener(cache);
	listener.list_begin(listener.ctx, KUBE_POD);
	tell(cache, KUBE_POD, KUBE_ADDED, POD(3, 2, "", "\"phase\":\"Running\""));
	listener.list_end(listener.ctx, KUBE_POD);
	listener.list_begin(listener.ctx, KUBE_SERVICE);
	listener.list_end(listener.ctx, KUBE_SERVICE);
	while (!rc && count < 10000)
		rc = tell_large(&listener, ++count, &err);
	cr_expect_eq(rc, RC_UNAVAILABLE);
	cr_expect_neq(strstr(err.text, "64 MiB"), NULL, "%s", err.text);
	cr_expect(count > 500 && count <= (int)(KUBE_CACHE_MAX / 60000), "%d: the name is kept twice", count);
	cr_expect_not(kube_cache_is_synced(cache, 1u << KUBE_SERVICE));
	cr_expect(kube_cache_is_synced(cache, 1u << KUBE_POD), "the other kinds are as they were");
	cr_expect_eq(kube_cache_size(cache).facts, 1);
	listener.list_begin(listener.ctx, KUBE_SERVICE);
	cr_expect_eq(tell_large(&listener, 1, &err), RC_OK, "there is room again");
	listener.list_end(listener.ctx, KUBE_SERVICE);
	cr_expect(kube_cache_is_synced(cache, 1u << KUBE_SERVICE));
	kube_cache_destroy(cache);
}

Test(kube_cache, thousands_are_found_and_counted_once)
{
	struct kube_cache *cache = NULL;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	for (int i = 0; i < 6000; i++)
		tell_pod(cache, KUBE_ADDED, i);
	cr_expect_eq(kube_cache_size(cache).instances, 3000);
	cr_expect_eq(kube_cache_size(cache).facts, 6000);
	cr_expect_eq(facts_of(cache, "i2999"), 2);
	tell_pod(cache, KUBE_MODIFIED, 0);
	tell_pod(cache, KUBE_DELETED, 2);
	cr_expect_eq(kube_cache_size(cache).instances, 3000);
	tell_pod(cache, KUBE_DELETED, 3);
	cr_expect_eq(kube_cache_size(cache).instances, 2999);
	cr_expect_eq(kube_cache_size(cache).facts, 5998);
	kube_cache_destroy(cache);
}

struct seen {
	size_t counts[KUBE_KIND_COUNT];
	bool frame_first;
	struct container_state state;
};

static void see(void *ctx, const struct fact *const *facts, size_t count)
{
	struct seen *seen = ctx;
	const struct fact *deployment = NULL;

	*seen = (struct seen){ .frame_first = true };
	for (size_t i = 0; i < count; i++) {
		seen->counts[facts[i]->kind]++;
		seen->frame_first = seen->frame_first && (facts[i]->kind == KUBE_POD || !seen->counts[KUBE_POD]);
		if (facts[i]->kind == KUBE_DEPLOYMENT)
			deployment = facts[i];
	}
	if (deployment)
		seen->state = container_status_derive(deployment, facts, count, clock_mono_ms(), &rules);
}

Test(kube_cache, a_thousand_evicted_pods_hide_nothing)
{
	struct kube_cache *cache = NULL;
	struct seen seen = { 0 };
	char text[512];

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	tell(cache, KUBE_DEPLOYMENT, KUBE_ADDED, DEPLOYMENT("", ""));
	tell(cache, KUBE_REPLICASET, KUBE_ADDED, REPLICASET(2, 1, "1"));
	tell(cache, KUBE_SERVICE, KUBE_ADDED, "{\"metadata\":{\"name\":\"s\",\"uid\":\"" UID(9) "\"," LABELS "}}");
	tell(cache, KUBE_POD, KUBE_ADDED, POD(3, 2, "", RUNNING));
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text),
			 "{\"metadata\":{\"name\":\"n%d\",\"uid\":\"00000000-0000-4000-8001-%012d\"," OWNER(
				 2) "," LABELS "},\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\"}}",
			 i, i);
		tell(cache, KUBE_POD, KUBE_ADDED, text);
	}
	kube_cache_visit(cache, "web", see, &seen);
	cr_expect_eq(seen.counts[KUBE_DEPLOYMENT], 1);
	cr_expect_eq(seen.counts[KUBE_REPLICASET], 1);
	cr_expect_eq(seen.counts[KUBE_SERVICE], 1);
	cr_expect_eq(seen.counts[KUBE_POD], 1001);
	cr_expect(seen.frame_first);
	cr_expect_eq(seen.state.status, CONTAINER_RUNNING);
	kube_cache_destroy(cache);
}
