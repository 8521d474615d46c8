#include <criterion/criterion.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/container/record.h"
#include "monitor/coordinator.h"
#include "monitor/lease.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/kube_objects.h"

#define BUCKET "k8s-container-sp-p"
#define LEADER "$KV." BUCKET ".leader"
#define EVENTS "dcm.container"
#define CONSUMERS "$JS.API.CONSUMER.CREATE.>"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/ns/deployments"
#define OTHER "22222222-0000-4000-8000-000000000000"
#define OLD "{\"id\":\"old\",\"name\":\"old\",\"status\":\"RUNNING\""

/* A monitor in a namespace with the container "web". */
struct monitor {
	struct monitor_config config;
	struct fake_jetstream js;
	struct delivery *delivery;
	struct coordinator *coordinator;
};

static void prepare(struct monitor *m)
{
	*m = (struct monitor){
		.config = { .name = "p",
			    .namespace = "ns",
			    .mode = "poll",
			    .resync_ms = 3600000,
			    .shutdown_timeout_ms = 50 },
		.js = { .listens = true },
	};
	m->js.bus = fake_bus_create();
	fake_jetstream_start(&m->js);
	fake_kube_set(DEPLOYMENTS, "{\"metadata\":{\"resourceVersion\":\"50\"},\"items\":[" DEPLOYMENT("", "") "]}");
}

static void on_doubt(void *ctx)
{
	coordinator_doubt(*(struct coordinator **)ctx);
}

static void start(struct monitor *m)
{
	const struct delivery_options delivery = {
		.bus = m->js.bus,
		.provider_name = "p",
		.namespace = "ns",
		.on_doubt = on_doubt,
		.ctx = &m->coordinator,
	};
	struct coordinator_options options = { .config = &m->config, .bus = m->js.bus };

	cr_assert_eq(delivery_create(&delivery, &m->delivery, NULL), RC_OK);
	options.delivery = m->delivery;
	cr_assert_eq(coordinator_create(&options, &m->coordinator, NULL), RC_OK);
	cr_assert_eq(coordinator_start(m->coordinator, NULL), RC_OK);
}

static void stop(struct monitor *m)
{
	coordinator_stop(m->coordinator);
	delivery_stop(m->delivery);
	bus_destroy(m->js.bus);
	delivery_destroy(m->delivery);
	coordinator_destroy(m->coordinator);
	fake_jetstream_clear(&m->js);
}

static struct coordinator_counts counts(struct monitor *m)
{
	struct coordinator_counts counts;

	coordinator_counts(m->coordinator, &counts);
	return counts;
}

/* Advance the clock a little; its threads are much faster than this. */
static void pass(void)
{
	clock_sleep_ms(2);
	fake_clock_advance(10);
}

static void expect_role(struct monitor *m, enum coordinator_role role)
{
	for (int i = 0; i < 2000 && counts(m).role != role; i++)
		pass();
	cr_assert_eq(counts(m).role, role, "%s", coordinator_role_name(counts(m).role));
}

/* Wait for `count` turns of its thread: each looks for another leader, or renews the lease. */
static void expect_looks(struct monitor *m, const char *subject, size_t count)
{
	size_t end = fake_bus_count(m->js.bus, subject) + count;

	for (int i = 0; i < 2000 && fake_bus_count(m->js.bus, subject) < end; i++)
		pass();
	cr_assert_geq(fake_bus_count(m->js.bus, subject), end);
}

Test(coordinator, the_first_one_is_active_and_publishes_after_the_first_lists)
{
	struct monitor m;

	prepare(&m);
	start(&m);
	cr_expect_not_null(strstr(fake_bus_text(fake_bus_sent(m.js.bus, EVENTS, 0)), "PENDING"));
	expect_role(&m, COORDINATOR_ACTIVE);
	cr_expect(counts(&m).acknowledged);
	cr_expect_eq(counts(&m).cache.instances, 1);
	(void)fake_bus_sent(m.js.bus, "$KV." BUCKET ".state.web", 0);
	stop(&m);
}

Test(coordinator, a_standby_lists_nothing_until_takeover_and_then_publishes_twice)
{
	struct monitor m;

	prepare(&m);
	m.js.has_bucket = true;
	fake_jetstream_put(&m.js, BUCKET, RECORD_LEADER_KEY, OTHER);
	start(&m);
	expect_role(&m, COORDINATOR_STANDBY);
	expect_looks(&m, "$JS.API.STREAM.MSG.GET.>", 2);
	cr_expect_eq(fake_kube_count("GET", DEPLOYMENTS), 0);
	cr_expect_eq(fake_bus_count(m.js.bus, EVENTS), 0);
	fake_clock_advance(LEASE_TAKE_MS);
	(void)fake_bus_sent(m.js.bus, EVENTS, 0);
	expect_role(&m, COORDINATOR_ACTIVE);
	/* Twice, because events of the other monitor may have arrived in between. */
	for (int i = 0; i < 3000 && fake_bus_count(m.js.bus, EVENTS) == 1; i++) {
		clock_sleep_ms(1);
		fake_clock_advance(20);
	}
	cr_expect_eq(fake_bus_count(m.js.bus, EVENTS), 2);
	stop(&m);
}

Test(coordinator, another_leader_stops_watching_and_publishing)
{
	size_t lists;
	struct monitor m;

	prepare(&m);
	start(&m);
	(void)fake_bus_sent(m.js.bus, EVENTS, 0);
	fake_jetstream_put(&m.js, BUCKET, RECORD_LEADER_KEY, OTHER);
	expect_role(&m, COORDINATOR_STANDBY);
	for (int i = 0; i < 2000 && counts(&m).cache.instances; i++)
		pass();
	cr_expect_eq(counts(&m).cache.instances, 0, "the cache is cleared");
	cr_expect_not(delivery_is_allowed(m.delivery));
	lists = fake_kube_count("GET", DEPLOYMENTS);
	fake_jetstream_put(&m.js, BUCKET, RECORD_LEADER_KEY, OTHER);
	expect_looks(&m, "$JS.API.STREAM.MSG.GET.>", 3);
	cr_expect_eq(fake_kube_count("GET", DEPLOYMENTS), lists);
	cr_expect_eq(fake_bus_count(m.js.bus, EVENTS), 1);
	stop(&m);
}

Test(coordinator, nothing_is_published_before_the_records_are_read)
{
	struct delivery_question question;
	struct monitor m;

	prepare(&m);
	m.js.pending = 1;
	start(&m);
	(void)fake_bus_sent(m.js.bus, CONSUMERS, 0);
	expect_looks(&m, LEADER, 2);
	cr_expect_eq(fake_bus_count(m.js.bus, EVENTS), 0);
	fake_jetstream_send(&m.js, m.js.consumer, OLD "}");
	(void)fake_bus_sent(m.js.bus, EVENTS, 0);
	cr_assert(delivery_next_question(m.delivery, &question));
	cr_expect_str_eq(question.id, "old");
	cr_expect_eq(question.status, CONTAINER_DELETED);
	stop(&m);
}

Test(coordinator, a_record_newer_than_the_list_is_not_taken_for_deleted)
{
	struct delivery_counts told;
	struct monitor m;

	prepare(&m);
	m.js.pending = 2;
	start(&m);
	(void)fake_bus_sent(m.js.bus, CONSUMERS, 0);
	fake_jetstream_send(&m.js, m.js.consumer, OLD ",\"version\":51}");
	delivery_counts(m.delivery, &told);
	cr_expect_eq(told.entries, 1, "the list is of version 50");
	fake_jetstream_send(&m.js, m.js.consumer, OLD ",\"version\":50}");
	delivery_counts(m.delivery, &told);
	cr_expect_eq(told.entries, 2);
	stop(&m);
}

Test(coordinator, runs_alone_without_jetstream_and_uses_it_when_it_appears)
{
	struct monitor m;

	prepare(&m);
	m.js.absent = true;
	m.js.listens = false;
	start(&m);
	expect_role(&m, COORDINATOR_ALONE);
	cr_expect_null(bus_message_reply(fake_bus_sent(m.js.bus, EVENTS, 0)), "no acknowledgement is requested");
	m.js.absent = false;
	m.js.listens = true;
	coordinator_connected(m.coordinator);
	expect_role(&m, COORDINATOR_ACTIVE);
	(void)fake_bus_sent(m.js.bus, "$KV." BUCKET ".state.web", 0); /* so it was published again, and acknowledged */
	stop(&m);
}

Test(coordinator, after_a_reconnect_all_states_are_published_again)
{
	struct monitor m;

	prepare(&m);
	start(&m);
	(void)fake_bus_sent(m.js.bus, EVENTS, 0);
	cr_expect_eq(fake_bus_count(m.js.bus, EVENTS), 1);
	coordinator_connected(m.coordinator);
	(void)fake_bus_sent(m.js.bus, EVENTS, 1);
	stop(&m);
}

Test(coordinator, a_deleted_bucket_is_created_and_filled_again)
{
	struct monitor m;

	prepare(&m);
	start(&m);
	(void)fake_bus_sent(m.js.bus, "$KV." BUCKET ".state.web", 0);
	m.js.has_bucket = false;
	for (int i = 0; i < 2000 && !m.js.has_bucket; i++)
		pass();
	expect_role(&m, COORDINATOR_ACTIVE);
	cr_expect(m.js.has_bucket);
	(void)fake_bus_sent(m.js.bus, CONSUMERS, 1); /* records are read again: workers may have written some */
	stop(&m);
}

Test(coordinator, an_expired_lease_takes_effect_immediately)
{
	struct monitor m;

	prepare(&m);
	start(&m);
	expect_role(&m, COORDINATOR_ACTIVE);
	fake_bus_set_connected(m.js.bus, false);
	fake_clock_advance(LEASE_HOLD_MS);
	cr_expect_eq(counts(&m).role, COORDINATOR_STANDBY);
	cr_expect_not(delivery_is_allowed(m.delivery));
	stop(&m);
}

Test(coordinator, a_deleted_stream_is_detected_by_missing_acknowledgements)
{
	struct monitor m;

	prepare(&m);
	start(&m);
	(void)fake_bus_sent(m.js.bus, EVENTS, 0);
	m.js.listens = false;
	delivery_tell_all(m.delivery, 0, false);
	(void)fake_bus_sent(m.js.bus, EVENTS, 1); /* which is not acknowledged */
	for (int i = 0; i < 3000 && counts(&m).acknowledged; i++)
		pass();
	cr_expect_not(counts(&m).acknowledged);
	cr_expect_gt(counts(&m).stream_gone_ms, -1);
	cr_expect_null(bus_message_reply(fake_bus_sent(m.js.bus, EVENTS, 2)));
	stop(&m);
}

Test(coordinator, shutdown_releases_the_lease_after_all_is_published)
{
	struct monitor m;

	prepare(&m);
	start(&m);
	(void)fake_bus_sent(m.js.bus, EVENTS, 0);
	coordinator_stop(m.coordinator);
	cr_expect_str_eq(fake_jetstream_get(&m.js, BUCKET, RECORD_LEADER_KEY), "");
	cr_expect_not(delivery_is_allowed(m.delivery));
	stop(&m);
}

Test(coordinator, shutdown_does_not_wait_for_unpublishable_events)
{
	int64_t began_ms;
	struct monitor m;

	prepare(&m);
	start(&m);
	expect_role(&m, COORDINATOR_ACTIVE);
	(void)fake_bus_sent(m.js.bus, EVENTS, 0);
	fake_bus_set_connected(m.js.bus, false);
	delivery_tell_all(m.delivery, 0, false);
	began_ms = clock_mono_ms();
	coordinator_stop(m.coordinator);
	cr_expect_geq(clock_mono_ms() - began_ms, m.config.shutdown_timeout_ms);
	cr_expect_neq(fake_jetstream_get(&m.js, BUCKET, RECORD_LEADER_KEY)[0], '\0', "it expires");
	stop(&m);
}
