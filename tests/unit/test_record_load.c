#include <criterion/criterion.h>
#include <string.h>

#include "monitor/record_load.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"

#define WEB "{\"id\":\"web\",\"name\":\"web\",\"status\":\"RUNNING\"}"
#define END "$JS.API.CONSUMER.DELETE.>"

struct reader {
	struct fake_jetstream js;
	struct bus_caller *caller;
	struct record_load *load;
	int taken;
};

static void take(void *ctx, const struct record *record)
{
	cr_expect_str_eq(record->id, "web");
	(*(int *)ctx)++;
}

static void start(struct reader *r)
{
	struct record_load_options options = { .bucket = "b", .take = take, .ctx = &r->taken };

	*r = (struct reader){ .js = { .has_bucket = true } };
	options.bus = r->js.bus = fake_bus_create();
	fake_jetstream_start(&r->js);
	cr_assert_eq(bus_caller_create(r->js.bus, &r->caller, NULL), RC_OK);
	options.caller = r->caller;
	cr_assert_eq(record_load_create(&options, &r->load, NULL), RC_OK);
}

static void stop(struct reader *r)
{
	bus_destroy(r->js.bus);
	record_load_destroy(r->load);
	bus_caller_destroy(r->caller);
}

static bool done(struct reader *r)
{
	record_load_tend(r->load, 1);
	return record_load_is_done(r->load);
}

/* Send `count` records from the last created consumer. */
static void send(struct reader *r, int count)
{
	while (count-- > 0)
		fake_jetstream_send(&r->js, r->js.consumer, WEB);
}

Test(record_load, is_done_after_all_announced_records)
{
	struct reader r;

	start(&r);
	r.js.pending = 2;
	cr_expect_not(done(&r));
	send(&r, 1);
	cr_expect_not(done(&r));
	cr_expect_eq(fake_bus_count(r.js.bus, END), 0);
	send(&r, 1);
	cr_expect(done(&r));
	cr_expect_eq(r.taken, 2);
	cr_expect_eq(fake_bus_count(r.js.bus, END), 1, "the consumer is deleted");
	cr_expect(done(&r));
	cr_expect_eq(fake_bus_count(r.js.bus, "$JS.API.CONSUMER.CREATE.>"), 1, "once");
	stop(&r);
}

Test(record_load, an_empty_bucket_is_loaded)
{
	struct reader r;

	start(&r);
	(void)done(&r); /* starts the load */
	cr_expect(done(&r));
	stop(&r);
}

Test(record_load, records_of_an_old_consumer_do_not_complete_the_load)
{
	char old[BUS_BUCKET_MAX];
	struct reader r;

	start(&r);
	r.js.pending = 2;
	cr_expect_not(done(&r));
	send(&r, 1);
	snprintf(old, sizeof(old), "%s", r.js.consumer);
	fake_clock_advance(5001);
	cr_expect_not(done(&r), "aborted");
	cr_expect_not(done(&r), "restarted");
	cr_expect_str_neq(r.js.consumer, old);
	fake_jetstream_send(&r.js, old, WEB);
	fake_jetstream_send(&r.js, old, WEB);
	cr_expect_not(done(&r));
	send(&r, 1);
	cr_expect_not(done(&r), "one of two");
	send(&r, 1);
	cr_expect(done(&r));
	cr_expect_eq(r.taken, 5, "their contents are used nevertheless");
	stop(&r);
}

Test(record_load, records_may_arrive_before_the_reply_that_announces_them)
{
	char next[BUS_BUCKET_MAX];
	struct reader r;

	start(&r);
	r.js.pending = 1;
	cr_expect_not(done(&r));
	fake_clock_advance(5001);
	cr_expect_not(done(&r));
	snprintf(next, sizeof(next), "consumer%d", (int)r.js.sequence + 1);
	fake_jetstream_send(&r.js, next, WEB);
	cr_expect_not(done(&r), "started");
	cr_expect_str_eq(r.js.consumer, next);
	cr_expect(done(&r));
	stop(&r);
}

Test(record_load, an_unreadable_record_is_skipped)
{
	struct reader r;

	start(&r);
	r.js.pending = 2;
	cr_expect_not(done(&r));
	fake_jetstream_send(&r.js, r.js.consumer, "{\"id\":\"\xff");
	send(&r, 1);
	cr_expect(done(&r));
	cr_expect_eq(r.taken, 1);
	stop(&r);
}

Test(record_load, messages_not_sent_by_a_consumer_are_ignored)
{
	struct reader r;

	start(&r);
	r.js.pending = 1;
	cr_expect_not(done(&r));
	fake_bus_deliver_at(
		r.js.bus, r.js.address,
		&(struct bus_outgoing){
			.subject = "$KV.b.state.web", .reply = "_INBOX.a", .data = WEB, .len = strlen(WEB) });
	cr_expect_not(done(&r));
	cr_expect_eq(r.taken, 0);
	stop(&r);
}

Test(record_load, records_are_read_again_after_each_list_and_after_forget)
{
	struct reader r;

	start(&r);
	(void)done(&r); /* starts the load */
	cr_expect(done(&r));
	record_load_tend(r.load, 2);
	cr_expect_not(record_load_is_done(r.load), "done for the previous list only");
	record_load_tend(r.load, 2);
	cr_expect(record_load_is_done(r.load));
	record_load_forget(r.load);
	cr_expect_not(record_load_is_done(r.load));
	stop(&r);
}

Test(record_load, an_error_of_jetstream_is_retried)
{
	struct reader r;

	start(&r);
	r.js.error = FAKE_JETSTREAM_ERROR(10059);
	cr_expect_not(done(&r));
	cr_expect_not(done(&r));
	r.js.error = NULL;
	cr_expect_not(done(&r));
	cr_expect(done(&r));
	stop(&r);
}
