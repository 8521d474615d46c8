#include <criterion/criterion.h>

#include "common/kube/kube_presence.h"
#include "fake_clock.h"

Test(kube_presence, permission_denied_after_an_outage_is_unavailable_for_a_while)
{
	struct error err;

	fake_clock_start();
	error_set(&err, RC_PERMISSION_DENIED, "forbidden");
	kube_presence_doubt_refusal(&err);
	cr_assert_eq(err.rc, RC_PERMISSION_DENIED);

	kube_presence_note_absence();
	fake_clock_advance(15000);
	kube_presence_doubt_refusal(&err);
	cr_assert_eq(err.rc, RC_UNAVAILABLE);

	fake_clock_advance(6000);
	error_set(&err, RC_PERMISSION_DENIED, "forbidden");
	kube_presence_doubt_refusal(&err);
	cr_assert_eq(err.rc, RC_PERMISSION_DENIED);
}

Test(kube_presence, other_errors_after_an_outage_are_unchanged)
{
	struct error err;

	kube_presence_note_absence();
	error_set(&err, RC_NOT_FOUND, "no such pod");
	kube_presence_doubt_refusal(&err);
	cr_assert_eq(err.rc, RC_NOT_FOUND);
}

Test(kube_presence, the_time_of_the_last_response_is_kept)
{
	cr_assert_eq(kube_presence_last_answer_ms(), 0);
	kube_presence_note_answer();
	cr_assert_gt(kube_presence_last_answer_ms(), 0);
	cr_assert_not(kube_presence_was_away());
}
