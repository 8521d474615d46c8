#include <criterion/criterion.h>
#include <string.h>

#include "common/container/record.h"
#include "monitor/election.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"

#define BUCKET "b"
#define ID "11111111-0000-4000-8000-000000000000"
#define OTHER "22222222-0000-4000-8000-000000000000"
#define AGAIN_MS 31000 /* without JetStream, it is checked again after 30 s */

struct candidate {
	struct fake_jetstream js;
	struct bus_caller *caller;
	struct election election;
};

static void start(struct candidate *c)
{
	*c = (struct candidate){ .election = { .bucket = BUCKET, .id = ID } };
	c->js.bus = fake_bus_create();
	fake_jetstream_start(&c->js);
	cr_assert_eq(bus_caller_create(c->js.bus, &c->caller, NULL), RC_OK);
	c->election.caller = c->caller;
}

static void stop(struct candidate *c)
{
	bus_destroy(c->js.bus);
	bus_caller_destroy(c->caller);
	fake_jetstream_clear(&c->js);
}

/* As the coordinator's thread does, after this time. */
static enum election_result tend_after(struct candidate *c, int64_t ms)
{
	fake_clock_advance(ms);
	return election_tend(&c->election);
}

static enum election_result tend(struct candidate *c)
{
	return tend_after(c, LEASE_RENEW_MS);
}

static const char *leader(struct candidate *c)
{
	const char *value = fake_jetstream_get(&c->js, BUCKET, RECORD_LEADER_KEY);

	return value ? value : "none";
}

Test(election, the_first_one_creates_the_bucket_and_is_active)
{
	struct candidate c;

	start(&c);
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	cr_expect(election_has_bucket(&c.election));
	cr_expect_str_eq(leader(&c), ID);
	cr_expect_not(c.election.taken_over, "there was no holder");
	for (int i = 0; i < 20; i++) {
		cr_expect_eq(tend(&c), ELECTION_ACTIVE);
		cr_expect_gt(election_allowed_until_ms(&c.election), 0);
	}
	cr_expect_eq(fake_bus_count(c.js.bus, "$KV.b.leader"), 21, "one renewal each");
	stop(&c);
}

Test(election, without_jetstream_it_is_alone_after_three_failures)
{
	struct candidate c;

	start(&c);
	c.js.absent = true;
	cr_expect_eq(tend(&c), ELECTION_UNKNOWN);
	cr_expect_eq(tend(&c), ELECTION_UNKNOWN);
	cr_expect_eq(election_allowed_until_ms(&c.election), 0);
	cr_expect_eq(tend(&c), ELECTION_ALONE);
	cr_expect_eq(election_allowed_until_ms(&c.election), INT64_MAX);
	cr_expect_not(election_has_bucket(&c.election));
	c.js.absent = false;
	cr_expect_eq(tend(&c), ELECTION_ALONE, "not checked each time");
	cr_expect_eq(tend_after(&c, AGAIN_MS), ELECTION_ACTIVE, "JetStream is available now");
	cr_expect_lt(election_allowed_until_ms(&c.election), INT64_MAX);
	stop(&c);
}

Test(election, becomes_standby_if_jetstream_appears_with_another_leader)
{
	struct candidate c;

	start(&c);
	c.js.absent = true;
	for (int i = 0; i < 3; i++)
		(void)tend(&c); /* only the next result is checked */
	cr_expect_eq(tend(&c), ELECTION_ALONE);
	c.js.absent = false;
	c.js.has_bucket = true;
	fake_jetstream_put(&c.js, BUCKET, RECORD_LEADER_KEY, OTHER);
	cr_expect_eq(tend_after(&c, AGAIN_MS), ELECTION_STANDBY);
	cr_expect_eq(election_allowed_until_ms(&c.election), 0);
	cr_expect_str_eq(c.election.leader, OTHER);
	stop(&c);
}

Test(election, the_permission_ends_when_jetstream_disappears)
{
	struct candidate c;

	start(&c);
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	c.js.absent = true;
	cr_expect_eq(tend(&c), ELECTION_UNKNOWN);
	cr_expect_not(election_has_bucket(&c.election));
	cr_expect_lt(election_allowed_until_ms(&c.election), INT64_MAX,
		     "the lease is valid until JetStream is known to be absent");
	cr_expect_eq(tend(&c), ELECTION_UNKNOWN);
	cr_expect_eq(tend(&c), ELECTION_UNKNOWN);
	cr_expect_eq(tend(&c), ELECTION_ALONE);
	stop(&c);
}

Test(election, a_deleted_bucket_is_recreated_and_the_lease_reacquired)
{
	struct candidate c;

	start(&c);
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	c.js.has_bucket = false;
	fake_jetstream_clear(&c.js);
	cr_expect_eq(tend(&c), ELECTION_UNKNOWN);
	for (int i = 0; i < 3 && tend(&c) != ELECTION_ACTIVE; i++)
		;
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	cr_expect_str_eq(leader(&c), ID);
	stop(&c);
}

Test(election, a_silent_leader_is_replaced_after_its_lease_expired_and_not_before)
{
	int64_t waited_ms = 0;
	struct candidate c;

	start(&c);
	c.js.has_bucket = true;
	fake_jetstream_put(&c.js, BUCKET, RECORD_LEADER_KEY, OTHER);
	cr_expect_eq(tend(&c), ELECTION_STANDBY);
	cr_expect_eq(tend_after(&c, LEASE_TAKE_MS - 1000), ELECTION_STANDBY);
	fake_jetstream_put(&c.js, BUCKET, RECORD_LEADER_KEY, OTHER); /* it renews its lease */
	while (tend(&c) == ELECTION_STANDBY && waited_ms < 10 * LEASE_TAKE_MS)
		waited_ms += LEASE_RENEW_MS;
	cr_expect_geq(waited_ms, LEASE_TAKE_MS);
	cr_expect_leq(waited_ms, LEASE_TAKE_MS + 2 * LEASE_RENEW_MS);
	cr_expect(c.election.taken_over, "its events may still arrive");
	cr_expect_str_eq(c.election.leader, "");
	cr_expect_str_eq(leader(&c), ID);
	stop(&c);
}

Test(election, a_released_lease_is_acquired_immediately)
{
	struct candidate c;

	start(&c);
	c.js.has_bucket = true;
	fake_jetstream_put(&c.js, BUCKET, RECORD_LEADER_KEY, "");
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	cr_expect_not(c.election.taken_over);
	stop(&c);
}

Test(election, another_leader_ends_our_lease)
{
	struct candidate c;

	start(&c);
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	fake_jetstream_put(&c.js, BUCKET, RECORD_LEADER_KEY, OTHER);
	cr_expect_eq(tend(&c), ELECTION_STANDBY);
	cr_expect_eq(election_allowed_until_ms(&c.election), 0);
	cr_expect_str_eq(c.election.leader, OTHER);
	cr_expect_str_eq(leader(&c), OTHER, "its lease is not touched");
	election_resign(&c.election);
	cr_expect_str_eq(leader(&c), OTHER);
	stop(&c);
}

Test(election, own_renewal_with_a_lost_acknowledgement_is_recognised)
{
	struct candidate c;

	start(&c);
	c.js.has_bucket = true;
	(void)tend(&c); /* now it has the bucket and the lease */
	c.js.lost = 1;
	cr_expect_eq(tend(&c), ELECTION_STANDBY, "an unacknowledged renewal does not count, and the lease has expired");
	cr_expect_eq(tend(&c), ELECTION_STANDBY, "the record is read");
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	cr_expect_str_eq(c.election.leader, "");
	cr_expect_not(c.election.taken_over);
	stop(&c);
}

Test(election, own_first_write_with_a_lost_acknowledgement_is_recognised)
{
	struct candidate c;

	start(&c);
	c.js.lost = 1;
	cr_expect_eq(tend(&c), ELECTION_STANDBY);
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	stop(&c);
}

static const char *const unreadable[] = {
	"",
	"no JSON",
	"[]",
	"{\"message\":{\"seq\":1,\"data\":\"%%%\"}}",
	FAKE_JETSTREAM_ERROR(10008), /* JetStream is not available at the moment */
};

Test(election, does_not_become_active_without_reading_the_leader)
{
	struct candidate c;

	start(&c);
	c.js.has_bucket = true;
	fake_jetstream_put(&c.js, BUCKET, RECORD_LEADER_KEY, OTHER);
	cr_expect_eq(tend(&c), ELECTION_STANDBY);
	for (size_t i = 0; i < ARRAY_LEN(unreadable); i++) {
		c.js.error = unreadable[i];
		cr_expect_eq(tend_after(&c, 10 * LEASE_TAKE_MS), ELECTION_STANDBY, "%s", unreadable[i]);
		cr_expect_eq(election_allowed_until_ms(&c.election), 0);
	}
	cr_expect_eq(fake_bus_count(c.js.bus, "$KV.b.leader"), 0);
	stop(&c);
}

Test(election, foreign_values_hold_the_lease_only_until_it_expires)
{
	char long_value[1000];
	const char *const values[] = { "x", "{\"leader\":\"a\"}", "\xff\xfe", long_value };

	memset(long_value, 'l', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct candidate c;

		start(&c);
		c.js.has_bucket = true;
		fake_jetstream_put(&c.js, BUCKET, RECORD_LEADER_KEY, values[i]);
		cr_expect_eq(tend(&c), ELECTION_STANDBY, "case %zu", i);
		cr_expect_eq(tend_after(&c, LEASE_TAKE_MS), ELECTION_ACTIVE, "case %zu", i);
		stop(&c);
	}
}

Test(election, resigning_releases_the_lease)
{
	struct candidate c;

	start(&c);
	election_resign(&c.election);
	cr_expect_eq(fake_bus_count(c.js.bus, ">"), 0, "there is no lease");
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	election_resign(&c.election);
	cr_expect_str_eq(leader(&c), "");
	stop(&c);
}

Test(election, after_a_reconnect_jetstream_is_queried_again)
{
	struct candidate c;

	start(&c);
	cr_expect_eq(tend(&c), ELECTION_ACTIVE);
	election_reconnected(&c.election);
	cr_expect_not(election_has_bucket(&c.election));
	cr_expect_eq(tend_after(&c, 0), ELECTION_ACTIVE);
	stop(&c);
}
