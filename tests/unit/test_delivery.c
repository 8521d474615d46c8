#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/services/json.h"
#include "monitor/delivery.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"
#include "tests/unit/kube_objects.h"

#define EVENTS "dcm.container"
#define RECORD "$KV.b.state.web"
#define PURGE "$JS.API.STREAM.PURGE.KV_b"
#define WEB DEPLOYMENT("", "")
#define WEB_STOPPED DEPLOYMENT("\"replicas\":0", "")

/* An active monitor without Kubernetes; a stream and the bucket exist. */
struct active {
	struct bus *bus;
	struct fake_jetstream js;
	struct kube_cache *cache;
	struct delivery *delivery;
	atomic_int doubts;
};

static void on_doubt(void *ctx)
{
	atomic_fetch_add((atomic_int *)ctx, 1);
}

static void start(struct active *a)
{
	struct delivery_options options = { .provider_name = "p", .namespace = "ns", .on_doubt = on_doubt };

	*a = (struct active){ .js = { .has_bucket = true } };
	options.bus = a->bus = a->js.bus = fake_bus_create();
	options.ctx = &a->doubts;
	fake_jetstream_start(&a->js);
	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &a->cache, NULL), RC_OK);
	cr_assert_eq(delivery_create(&options, &a->delivery, NULL), RC_OK);
	kube_cache_on_change(a->cache, delivery_change, a->delivery);
	delivery_set_route(a->delivery, true, "b");
	delivery_begin(a->delivery, a->cache);
	delivery_allow(a->delivery, INT64_MAX);
	delivery_open(a->delivery);
}

static void stop(struct active *a)
{
	delivery_stop(a->delivery);
	bus_destroy(a->bus);
	delivery_destroy(a->delivery);
	kube_cache_destroy(a->cache);
	fake_jetstream_clear(&a->js);
}

static void see(struct active *a, enum kube_event event, const char *text)
{
	struct informer_listener listener = kube_cache_listener(a->cache);
	cleanup_json cJSON *object = cJSON_Parse(text);

	cr_assert_eq(listener.object(listener.ctx, KUBE_DEPLOYMENT, event, object, NULL), RC_OK);
}

static struct delivery_counts counts(struct active *a)
{
	struct delivery_counts counts;

	delivery_counts(a->delivery, &counts);
	return counts;
}

static void acknowledge(struct active *a, size_t index)
{
	fake_bus_reply(a->bus, fake_bus_sent(a->bus, EVENTS, index), FAKE_JETSTREAM_ACK);
}

/* The index-th event has this status. Returns its message id, by which a stream detects duplicates. */
static const char *expect_event(struct active *a, size_t index, const char *status)
{
	struct bus_message *event = fake_bus_sent(a->bus, EVENTS, index);
	cleanup_json cJSON *tree = cJSON_Parse(fake_bus_text(event));

	cr_expect_str_eq(json_string_at(tree, "data.status"), status, "event %zu", index);
	cr_expect_str_eq(json_string_at(tree, "data.id"), "web");
	return bus_message_header(event, BUS_STREAM_MESSAGE_ID);
}

/* Wait until all due events are published and recorded. */
static void expect_flushed(struct active *a)
{
	cr_expect(delivery_flush(a->delivery, 5000));
}

/* An active monitor sees a container, and its first event is not acknowledged yet: returns the id of that event. */
static const char *start_publishing(struct active *a)
{
	start(a);
	see(a, KUBE_ADDED, WEB);
	return expect_event(a, 0, "PENDING");
}

/* The container is published and recorded. */
static void publish_web(struct active *a)
{
	see(a, KUBE_ADDED, WEB);
	acknowledge(a, 0);
	expect_flushed(a);
}

static void expect_failure(struct active *a)
{
	for (int i = 0; i < 5000 && !counts(a).failing; i++)
		clock_sleep_ms(1);
	cr_assert(counts(a).failing);
}

Test(delivery, the_first_event_is_recorded_before_and_later_ones_after_they_are_acknowledged)
{
	struct active a;

	start_publishing(&a);
	cr_expect_eq(fake_bus_count(a.bus, RECORD), 1);
	cr_expect_not_null(strstr(fake_jetstream_get(&a.js, "b", "state.web"), "PENDING"));
	acknowledge(&a, 0);
	expect_flushed(&a);
	cr_expect_eq(fake_bus_count(a.bus, RECORD), 1, "not written twice");
	see(&a, KUBE_MODIFIED, WEB_STOPPED);
	expect_event(&a, 1, "FAILED");
	cr_expect_eq(fake_bus_count(a.bus, RECORD), 1, "not before the acknowledgement");
	acknowledge(&a, 1);
	(void)fake_bus_sent(a.bus, RECORD, 1);
	expect_flushed(&a);
	cr_expect_eq(counts(&a).published, 2);
	cr_expect_eq(counts(&a).recorded, 2);
	cr_expect_not_null(strstr(fake_jetstream_get(&a.js, "b", "state.web"), "FAILED"));
	stop(&a);
}

Test(delivery, without_a_stream_a_sent_event_counts_as_published)
{
	struct active a;

	start(&a);
	delivery_set_route(a.delivery, false, NULL);
	see(&a, KUBE_ADDED, WEB);
	cr_expect_null(bus_message_reply(fake_bus_sent(a.bus, EVENTS, 0)));
	expect_flushed(&a);
	cr_expect_eq(counts(&a).published, 1);
	cr_expect_eq(fake_bus_count(a.bus, ">"), 1, "no record");
	stop(&a);
}

static const char *const no_acknowledgements[] = {
	NULL, /* no responders: the stream was deleted */
	"",
	"+OK",
	"{}",
	"{\"stream\":\"events\"}",
	"{\"stream\":\"events\",\"seq\":0}",
	"{\"seq\":7}",
	FAKE_JETSTREAM_ERROR(10077),
};

Test(delivery, a_rejected_event_is_retried_with_the_same_id)
{
	const char *id;
	struct active a;

	id = start_publishing(&a);
	for (size_t i = 0; i < ARRAY_LEN(no_acknowledgements); i++) {
		fake_bus_reply(a.bus, fake_bus_sent(a.bus, EVENTS, i), no_acknowledgements[i]);
		cr_expect_eq((size_t)atomic_load(&a.doubts), i + 1, "case %zu", i);
		cr_expect(counts(&a).failing, "case %zu", i);
		fake_clock_advance(60000);
		cr_expect_str_eq(expect_event(&a, i + 1, "PENDING"), id, "case %zu", i);
	}
	acknowledge(&a, ARRAY_LEN(no_acknowledgements));
	expect_flushed(&a);
	cr_expect_eq(counts(&a).published, 1);
	cr_expect_eq(counts(&a).retried, ARRAY_LEN(no_acknowledgements));
	cr_expect_not(counts(&a).failing);
	stop(&a);
}

Test(delivery, a_late_acknowledgement_is_ignored)
{
	struct active a;

	start_publishing(&a);
	fake_clock_advance(OUTBOX_ACK_MS + 5000);
	expect_event(&a, 1, "PENDING");
	cr_expect_eq(atomic_load(&a.doubts), 1);
	acknowledge(&a, 0);
	cr_expect_eq(counts(&a).published, 0, "the second event may still be lost");
	acknowledge(&a, 1);
	acknowledge(&a, 1);
	acknowledge(&a, 0);
	expect_flushed(&a);
	cr_expect_eq(counts(&a).published, 1);
	cr_expect_eq(counts(&a).recorded, 1);
	cr_expect_eq(fake_bus_count(a.bus, EVENTS), 2);
	stop(&a);
}

Test(delivery, a_state_change_during_a_pending_event_is_published_after_it)
{
	const char *first, *second;
	struct active a;

	first = start_publishing(&a);
	see(&a, KUBE_MODIFIED, WEB_STOPPED);
	cr_expect_eq(fake_bus_count(a.bus, EVENTS), 1);
	acknowledge(&a, 0);
	second = expect_event(&a, 1, "FAILED");
	cr_expect_str_neq(first, second);
	acknowledge(&a, 1);
	expect_flushed(&a);
	stop(&a);
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static void reconnect(struct active *a)
{
	fake_bus_set_connected(a->bus, true);
	delivery_tell_all(a->delivery, 0, true);
}

Test(delivery, changes_while_disconnected_are_published_after_the_reconnect)
{
	struct active a;

	start(&a);
	fake_bus_set_connected(a.bus, false);
	see(&a, KUBE_ADDED, WEB);
	cr_expect_not(delivery_flush(a.delivery, 30), "nothing can be published");
	reconnect(&a);
	expect_event(&a, 0, "PENDING");
	acknowledge(&a, 0);
	expect_flushed(&a);
	stop(&a);
}

Test(delivery, a_pending_event_is_retried_after_a_reconnect)
{
	const char *id;
	struct active a;

	id = start_publishing(&a);
	fake_bus_set_connected(a.bus, false);
	reconnect(&a);
	cr_expect_str_eq(expect_event(&a, 1, "PENDING"), id);
	acknowledge(&a, 1);
	expect_flushed(&a);
	cr_expect_eq(counts(&a).published, 1);
	stop(&a);
}

Test(delivery, a_pending_record_is_retried_after_a_reconnect)
{
	struct active a;

	start(&a);
	a.js.lost = 1;
	see(&a, KUBE_ADDED, WEB);
	(void)fake_bus_sent(a.bus, RECORD, 0);
	fake_bus_set_connected(a.bus, false);
	reconnect(&a);
	(void)fake_bus_sent(a.bus, RECORD, 1);
	expect_event(&a, 0, "PENDING");
	acknowledge(&a, 0);
	expect_flushed(&a);
	cr_expect_eq(counts(&a).recorded, 1);
	stop(&a);
}

Test(delivery, a_failed_publish_is_retried)
{
	struct active a;

	start(&a);
	fake_bus_refuse(a.bus, RC_TOO_LARGE);
	see(&a, KUBE_ADDED, WEB);
	expect_failure(&a);
	fake_bus_refuse(a.bus, RC_OK);
	fake_clock_advance(60000);
	expect_event(&a, 0, "PENDING");
	acknowledge(&a, 0);
	expect_flushed(&a);
	stop(&a);
}

/* ---- the bucket -------------------------------------------------------------------------------------------------- */

/* The next records are refused; events are acknowledged at once. */
static void refuse_records(struct active *a, unsigned count)
{
	a->js.listens = true;
	a->js.refuse[0].error = FAKE_JETSTREAM_ERROR(10077);
	a->js.refuse[0].count = count;
}

/* Advance the clock until so many messages were sent. */
static void pass_until(struct active *a, const char *subject, size_t count)
{
	for (int i = 0; i < 5000 && fake_bus_count(a->bus, subject) < count; i++) {
		fake_clock_advance(100);
		clock_sleep_ms(1);
	}
	cr_assert_eq(fake_bus_count(a->bus, subject), count);
}

Test(delivery, the_first_event_waits_for_its_record_but_not_forever)
{
	struct active a;

	start(&a);
	refuse_records(&a, OUTBOX_FIRST_RECORD_TRIES);
	see(&a, KUBE_ADDED, WEB);
	pass_until(&a, RECORD, OUTBOX_FIRST_RECORD_TRIES);
	cr_expect_eq(fake_bus_count(a.bus, EVENTS), 0);
	pass_until(&a, EVENTS, 1);
	pass_until(&a, RECORD, OUTBOX_FIRST_RECORD_TRIES + 1);
	expect_flushed(&a);
	cr_expect_eq(counts(&a).published, 1);
	cr_expect_eq(counts(&a).retried, 0);
	cr_expect_eq(counts(&a).recorded, 1);
	cr_expect_not_null(strstr(fake_jetstream_get(&a.js, "b", "state.web"), "PENDING"));
	stop(&a);
}

Test(delivery, an_event_is_not_repeated_because_its_record_is_refused)
{
	struct active a;

	start(&a);
	publish_web(&a);
	refuse_records(&a, 6);
	see(&a, KUBE_MODIFIED, WEB_STOPPED);
	pass_until(&a, RECORD, 1 + 7);
	expect_flushed(&a);
	cr_expect_eq(fake_bus_count(a.bus, EVENTS), 2);
	cr_expect_eq(counts(&a).retried, 0);
	cr_expect_not_null(strstr(fake_jetstream_get(&a.js, "b", "state.web"), "FAILED"));
	stop(&a);
}

Test(delivery, without_the_bucket_a_pending_record_is_dropped)
{
	struct active a;

	start(&a);
	publish_web(&a);
	refuse_records(&a, 1000);
	see(&a, KUBE_MODIFIED, WEB_STOPPED);
	pass_until(&a, RECORD, 2);
	cr_expect_eq(counts(&a).pending, 1);
	delivery_set_route(a.delivery, true, NULL);
	expect_flushed(&a);
	cr_expect_eq(fake_bus_count(a.bus, EVENTS), 2);
	stop(&a);
}

/* ---- the lease --------------------------------------------------------------------------------------------------- */

struct lease_end {
	atomic_bool published_late;
};

static void on_event(void *ctx, const struct bus_message *msg unused)
{
	struct lease_end *end = ctx;

	if (fake_clock_has_jumped())
		atomic_store(&end->published_late, true);
}

/* The process may be suspended at any line and resumed later; this is simulated at each read of the clock. */
Test(delivery, nothing_is_published_after_the_lease_expired)
{
	int refused = 0;

	for (int reads = 1; reads <= 40; reads++) {
		struct lease_end end = { false };
		struct active a;

		start(&a);
		fake_bus_listen(a.bus, EVENTS, on_event, &end);
		delivery_allow(a.delivery, clock_mono_ms() + 10000);
		fake_clock_jump_at(reads, 10001);
		see(&a, KUBE_ADDED, WEB);
		while (fake_bus_count(a.bus, EVENTS) == 0 && !fake_clock_has_jumped())
			clock_sleep_ms(1);
		delivery_stop(a.delivery);
		refused += strstr(counts(&a).last_error, "lease") != NULL;
		cr_expect_not(atomic_load(&end.published_late), "at read %d of the clock", reads);
		fake_clock_jump_at(0, 0);
		stop(&a);
	}
	cr_expect_gt(refused, 0, "it never expired between preparing and sending");
}

Test(delivery, after_renewal_of_the_lease_pending_events_are_published)
{
	struct active a;

	start(&a);
	delivery_allow(a.delivery, clock_mono_ms() - 1);
	cr_expect_not(delivery_is_allowed(a.delivery));
	see(&a, KUBE_ADDED, WEB);
	cr_expect_not(delivery_flush(a.delivery, 30));
	cr_expect_eq(fake_bus_count(a.bus, ">"), 0);
	delivery_allow(a.delivery, clock_mono_ms() + 60000);
	expect_event(&a, 0, "PENDING");
	stop(&a);
}

Test(delivery, after_delivery_end_nothing_is_published)
{
	struct active a;

	start_publishing(&a);
	delivery_end(a.delivery);
	acknowledge(&a, 0);
	see(&a, KUBE_MODIFIED, WEB_STOPPED);
	delivery_remember(a.delivery, &(struct record){ .id = "web", .name = "web", .status = CONTAINER_RUNNING });
	delivery_open(a.delivery);
	cr_expect(delivery_flush(a.delivery, 1000));
	cr_expect_eq(counts(&a).entries, 0);
	cr_expect_eq(counts(&a).published, 0, "its ticket is no longer valid");
	cr_expect_eq(fake_bus_count(a.bus, ">"), 2, "the record and the event");
	stop(&a);
}

/* ---- deleted containers ------------------------------------------------------------------------------------------ */

static struct delivery_question next_question(struct active *a)
{
	struct delivery_question question = { .status = CONTAINER_RUNNING };

	cr_assert(delivery_next_question(a->delivery, &question));
	cr_expect_eq(question.status, CONTAINER_DELETED);
	cr_expect_str_eq(question.id, "web");
	return question;
}

Test(delivery, a_deletion_is_published_once_confirmed_and_removes_the_record)
{
	struct delivery_question question;
	struct active a;

	start(&a);
	publish_web(&a);
	see(&a, KUBE_DELETED, WEB);
	question = next_question(&a);
	delivery_answer(a.delivery, &question, DELIVERY_UNKNOWN);
	fake_clock_advance(2000);
	question = next_question(&a);
	delivery_answer(a.delivery, &question, DELIVERY_REFUTED);
	fake_clock_advance(1000);
	question = next_question(&a);
	cr_expect_eq(fake_bus_count(a.bus, EVENTS), 1);
	delivery_answer(a.delivery, &question, DELIVERY_CONFIRMED);
	expect_event(&a, 1, "DELETED");
	cr_expect_eq(fake_bus_count(a.bus, PURGE), 0, "not before the acknowledgement");
	acknowledge(&a, 1);
	cr_expect_str_eq(fake_bus_text(fake_bus_sent(a.bus, PURGE, 0)), "{\"filter\":\"" RECORD "\"}");
	expect_flushed(&a);
	cr_expect_null(fake_jetstream_get(&a.js, "b", "state.web"));
	cr_expect_eq(counts(&a).deleted, 1);
	cr_expect_eq(counts(&a).entries, 0);
	delivery_answer(a.delivery, &question, DELIVERY_CONFIRMED); /* the question is no longer open */
	cr_expect_eq(fake_bus_count(a.bus, EVENTS), 2);
	stop(&a);
}

Test(delivery, a_recorded_container_that_no_longer_exists_is_published_as_deleted)
{
	struct delivery_question question;
	struct active a;

	start(&a);
	delivery_remember(a.delivery, &(struct record){ .id = "web", .name = "web", .status = CONTAINER_RUNNING });
	question = next_question(&a);
	delivery_answer(a.delivery, &question, DELIVERY_CONFIRMED);
	expect_event(&a, 0, "DELETED");
	stop(&a);
}

Test(delivery, an_id_too_long_for_a_label_is_ignored)
{
	const char *id = "0123456789012345678901234567890123456789012345678901234567890123";
	struct active a;

	start(&a);
	delivery_change(a.delivery, KUBE_DEPLOYMENT, id);
	delivery_remember(a.delivery, &(struct record){ .id = id, .name = "web", .status = CONTAINER_RUNNING });
	cr_expect_eq(counts(&a).entries, 0);
	delivery_change(a.delivery, KUBE_DEPLOYMENT, id + 1);
	cr_expect_eq(counts(&a).entries, 1);
	stop(&a);
}

Test(delivery, containers_created_and_deleted_while_unpublishable_are_dropped)
{
	char text[512];
	struct active a;

	start(&a);
	delivery_allow(a.delivery, 0);
	delivery_remember(a.delivery, &(struct record){ .id = "known", .name = "known", .status = CONTAINER_RUNNING });
	cr_expect_not(delivery_flush(a.delivery, 100), "it checks for such entries every 30 s, now for the first time");
	for (int i = 0; i < 1100; i++) {
		snprintf(text, sizeof(text),
			 "{\"metadata\":{\"name\":\"n%d\",\"uid\":\"00000000-0000-4000-8000-%012d\","
			 "\"labels\":{\"dcm.project/dcm-instance-id\":\"i%d\"}}}",
			 i, i, i);
		see(&a, KUBE_ADDED, text);
		see(&a, KUBE_DELETED, text);
	}
	cr_expect_eq(counts(&a).entries, 1101);
	fake_clock_advance(60000);
	for (int i = 0; i < 5000 && counts(&a).entries > 1; i++)
		clock_sleep_ms(1);
	cr_expect_eq(counts(&a).entries, 1, "the one known to DCM");
	stop(&a);
}
