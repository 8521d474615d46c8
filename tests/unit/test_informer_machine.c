#include <criterion/criterion.h>

#include "common/kube/informer_machine.h"

Test(informer_machine, every_pair_of_state_and_event_is_defined)
{
	int possible = 0;

	for (int state = 0; state < INFORMER_STATE_COUNT; state++) {
		for (int event = 0; event < INFORMER_EVENT_COUNT; event++) {
			struct informer_step step = informer_step((enum informer_state)state,
								  (enum informer_event)event);

			cr_expect_lt((int)step.next, INFORMER_STATE_COUNT);
			/* A pause leads to a waiting state, and each waiting state has a pause. */
			cr_expect_eq(step.pause != INFORMER_NO_PAUSE,
				     step.next == INFORMER_WAITING_LIST || step.next == INFORMER_WAITING_WATCH,
				     "%s, %s", informer_state_name((enum informer_state)state),
				     informer_event_name((enum informer_event)event));
			possible += !step.impossible;
		}
	}
	cr_expect_eq(possible, 11);
}

Test(informer_machine, an_expired_version_requires_a_list_and_a_lost_connection_does_not)
{
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_EXPIRED).next, INFORMER_WAITING_LIST);
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_BROKEN).next, INFORMER_WAITING_LIST);
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_FAILED).next, INFORMER_WAITING_WATCH);
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_ENDED).next, INFORMER_WATCHING);
}
