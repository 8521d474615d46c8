#include <criterion/criterion.h>

#include "monitor/lease.h"

Test(lease, a_free_or_released_key_may_be_taken_immediately_and_a_held_one_after_expiry)
{
	struct lease lease = { 0 };

	cr_expect_not(lease_may_take(&lease, 0), "it was not read yet");
	lease_see(&lease, 0, false, 0);
	cr_expect(lease_may_take(&lease, 0), "the key does not exist");
	lease_see(&lease, 7, false, 1000);
	cr_expect_not(lease_may_take(&lease, 1000 + LEASE_TAKE_MS - 1));
	lease_see(&lease, 7, false, 3000);
	cr_expect(lease_may_take(&lease, 1000 + LEASE_TAKE_MS), "the sequence has not changed");
	lease_see(&lease, 8, false, 5000);
	cr_expect_not(lease_may_take(&lease, 1000 + LEASE_TAKE_MS), "it was renewed");
	lease_see(&lease, 9, true, 5500);
	cr_expect(lease_may_take(&lease, 5500), "released");
}

Test(lease, the_holder_stops_before_the_lease_can_be_taken)
{
	struct lease holder = { 0 };
	struct lease waiting = { 0 };
	const int64_t asked_ms = 10000;  /* the holder sends its last renewal */
	const int64_t stored_ms = 10800; /* the server stores it late; the standby may read it from now on */

	lease_renewed(&holder, 5, asked_ms);
	lease_see(&waiting, 5, false, stored_ms);
	for (int64_t now = asked_ms; now < asked_ms + 2 * LEASE_TAKE_MS; now += 50)
		cr_expect_not(lease_held(&holder, now) && lease_may_take(&waiting, now), "both at %d", (int)now);
	cr_expect(lease_held(&holder, asked_ms + LEASE_HOLD_MS - 1));
	cr_expect_not(lease_held(&holder, asked_ms + LEASE_HOLD_MS));
}

Test(lease, takeover_is_possible_within_ten_seconds)
{
	cr_expect_leq(LEASE_TAKE_MS + 2 * LEASE_RENEW_MS, 10000 - 3000, "three seconds are left for the first lists");
	cr_expect_gt(LEASE_TAKE_MS - LEASE_HOLD_MS, 1000);
	cr_expect_gt(LEASE_HOLD_MS, 3 * LEASE_RENEW_MS, "three renewals may fail");
}
