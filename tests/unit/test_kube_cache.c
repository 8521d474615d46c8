#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/container/container_state.h"
#include "common/container/kube_cache.h"
#include "common/container/labels.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/kube_objects.h"

static const struct status_rules rules = { .grace_ms = 5000 };

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

Test(kube_cache, objects_missing_from_a_new_list_are_removed)
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

Test(kube_cache, an_object_with_a_changed_instance_id_moves)
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

Test(kube_cache, the_time_of_an_observed_failure_is_kept)
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

/* The i-th of many Pods, two per instance. */
static void tell_pod(struct kube_cache *cache, enum kube_event event, int i)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"metadata\":{\"name\":\"n%d\",\"uid\":\"00000000-0000-4000-8000-%012d\","
		 "\"labels\":{\"dcm.project/dcm-instance-id\":\"i%d\"}}}",
		 i, i, i / 2);
	tell(cache, KUBE_POD, event, text);
}

/* A Service with a long name, which is stored untruncated. */
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

Test(kube_cache, a_kind_above_the_memory_limit_is_an_error_and_dropped)
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
	cr_expect(count > 500 && count <= (int)(KUBE_CACHE_MAX / 60000), "%d: the name is stored twice", count);
	cr_expect_not(kube_cache_is_synced(cache, 1u << KUBE_SERVICE));
	cr_expect(kube_cache_is_synced(cache, 1u << KUBE_POD), "the other kinds are unchanged");
	cr_expect_eq(kube_cache_size(cache).facts, 1);
	listener.list_begin(listener.ctx, KUBE_SERVICE);
	cr_expect_eq(tell_large(&listener, 1, &err), RC_OK, "memory was released");
	listener.list_end(listener.ctx, KUBE_SERVICE);
	cr_expect(kube_cache_is_synced(cache, 1u << KUBE_SERVICE));
	kube_cache_destroy(cache);
}

Test(kube_cache, thousands_of_objects_are_found_and_counted_once)
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
	bool owners_first;
	struct container_state state;
};

static void see(void *ctx, const struct fact *const *facts, size_t count)
{
	struct seen *seen = ctx;
	const struct fact *deployment = NULL;

	*seen = (struct seen){ .owners_first = true };
	for (size_t i = 0; i < count; i++) {
		seen->counts[facts[i]->kind]++;
		seen->owners_first = seen->owners_first && (facts[i]->kind == KUBE_POD || !seen->counts[KUBE_POD]);
		if (facts[i]->kind == KUBE_DEPLOYMENT)
			deployment = facts[i];
	}
	if (deployment)
		seen->state = container_state_derive(deployment, facts, count, clock_mono_ms(), &rules);
}

Test(kube_cache, a_thousand_evicted_pods_do_not_hide_other_objects)
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
	cr_expect(seen.owners_first);
	cr_expect_eq(seen.state.status, CONTAINER_RUNNING);
	kube_cache_destroy(cache);
}

Test(kube_cache, a_forbidden_optional_kind_counts_as_synced)
{
	const unsigned sets = 1u << KUBE_STATEFULSET;
	struct informer_listener listener;
	struct kube_cache *cache = NULL;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	listener = kube_cache_listener(cache);
	listener.list_forbidden(listener.ctx, KUBE_STATEFULSET);
	listener.list_forbidden(listener.ctx, KUBE_DEPLOYMENT);
	cr_expect(kube_cache_is_synced(cache, sets));
	cr_expect_not(kube_cache_is_synced(cache, 1u << KUBE_DEPLOYMENT));
	cr_expect_eq(kube_cache_forbidden(cache, sets | 1u << KUBE_DEPLOYMENT | 1u << KUBE_POD), 1u << KUBE_DEPLOYMENT);
	listener.list_begin(listener.ctx, KUBE_STATEFULSET);
	listener.list_end(listener.ctx, KUBE_STATEFULSET);
	cr_expect(kube_cache_is_synced(cache, sets));
	listener.list_end(listener.ctx, KUBE_DEPLOYMENT);
	cr_expect_eq(kube_cache_forbidden(cache, 1u << KUBE_DEPLOYMENT), 0);
	kube_cache_destroy(cache);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static void note_change(void *ctx, enum kube_kind kind, const char *instance_id)
{
	buf_addf(ctx, "%s:%s ", kube_kind_name(kind), instance_id);
}

static void expect_changes(struct buf *changes, const char *expected)
{
	cr_expect_str_eq(changes->data ? changes->data : "", expected);
	buf_reset(changes);
}

#define SERVICE(id)                                                                                                    \
	"{\"metadata\":{\"name\":\"s\",\"uid\":\"" UID(9) "\",\"labels\":{\"dcm.project/dcm-instance-id\":\"" id "\"}" \
							  "}}"

Test(kube_cache, each_changed_instance_is_reported)
{
	struct buf changes cleanup_buf = buf_make(1000);
	struct informer_listener listener;
	struct kube_cache *cache = NULL;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	kube_cache_on_change(cache, note_change, &changes);
	listener = kube_cache_listener(cache);
	tell(cache, KUBE_DEPLOYMENT, KUBE_ADDED, DEPLOYMENT("", ""));
	tell(cache, KUBE_POD, KUBE_ADDED, POD(3, 2, "", RUNNING));
	expect_changes(&changes, "Deployment:web Pod:web ");
	tell(cache, KUBE_DEPLOYMENT, KUBE_MODIFIED, DEPLOYMENT("", ""));
	expect_changes(&changes, "Deployment:web ");
	tell(cache, KUBE_SERVICE, KUBE_ADDED, SERVICE("web"));
	tell(cache, KUBE_SERVICE, KUBE_MODIFIED, SERVICE("db"));
	expect_changes(&changes, "Service:web Service:web Service:db ");
	tell(cache, KUBE_SERVICE, KUBE_DELETED, SERVICE("db"));
	tell(cache, KUBE_SERVICE, KUBE_DELETED, SERVICE("db"));
	expect_changes(&changes, "Service:db Service:db ");
	listener.list_begin(cache, KUBE_POD);
	listener.list_end(cache, KUBE_POD);
	expect_changes(&changes, "Pod:web ");
	tell(cache, KUBE_POD, KUBE_ADDED, "{\"metadata\":{\"name\":\"p\",\"uid\":\"" UID(4) "\"}}");
	tell(cache, KUBE_POD, KUBE_ADDED, "{\"metadata\":{\"name\":\"p\"}}");
	expect_changes(&changes, "");
	kube_cache_destroy(cache);
}

static void note_instance(void *ctx, const struct fact *const *facts, size_t count)
{
	buf_addf(ctx, "%s:%zu ", facts[0]->instance_id, count);
}

Test(kube_cache, each_instance_is_visited_once)
{
	struct buf visits cleanup_buf = buf_make(1000);
	struct kube_cache *cache = NULL;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	tell(cache, KUBE_DEPLOYMENT, KUBE_ADDED, DEPLOYMENT("", ""));
	tell(cache, KUBE_REPLICASET, KUBE_ADDED, REPLICASET(2, 1, "1"));
	tell(cache, KUBE_POD, KUBE_ADDED, POD(3, 2, "", RUNNING));
	tell(cache, KUBE_SERVICE, KUBE_ADDED, SERVICE("db"));
	kube_cache_visit_all(cache, note_instance, &visits);
	cr_expect_not_null(strstr(visits.data, "web:3 "), "%s", visits.data);
	cr_expect_not_null(strstr(visits.data, "db:1 "), "%s", visits.data);
	cr_expect_eq(visits.len, strlen("web:3 db:1 "), "%s", visits.data);
	kube_cache_destroy(cache);
}

/* ---- reading without informers ----------------------------------------------------------------------------------- */

#define PODS "/api/v1/namespaces/ns/pods"

Test(kube_cache, a_cache_without_informers_reads_objects_on_request)
{
	const struct kube_page page = { .kind = KUBE_POD, .namespace = "ns", .limit = 500, .deadline_ms = INT64_MAX };
	struct kube_cache *cache = NULL;
	struct kube_client *client = NULL;
	struct error err;

	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &cache, NULL), RC_OK);
	cr_assert_eq(kube_client_create(NULL, &client, NULL), RC_OK);
	fake_kube_set(PODS, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" POD(3, 2, "", RUNNING) "," POD(
				    4, 2, "", PENDING) "]}");
	cr_expect_eq(kube_cache_read(cache, client, &page, NULL, &err), RC_OK);
	cr_expect_eq(facts_of(cache, "web"), 2);
	cr_expect_eq(kube_cache_read(cache, client, &page, "web", &err), RC_OK);
	cr_expect_eq(facts_of(cache, "web"), 2, "the same objects");
	cr_expect_eq(fake_kube_count("GET", PODS), 2);
	cr_expect_not_null(strstr(fake_kube_query(1), "dcm-instance-id%3Dweb"), "%s", fake_kube_query(1));
	cr_expect_null(strstr(fake_kube_query(0), "dcm-instance-id%3D"), "%s", fake_kube_query(0));
	cr_expect_not(kube_cache_is_synced(cache, 1u << KUBE_POD), "later changes are not received");
	fake_kube_refuse("GET", RC_UNAVAILABLE, "etcd is unavailable");
	cr_expect_eq(kube_cache_read(cache, client, &page, NULL, &err), RC_UNAVAILABLE);
	cr_expect_eq(facts_of(cache, "web"), 2);
	kube_client_destroy(client);
	kube_cache_destroy(cache);
}
