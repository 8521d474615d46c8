#include <criterion/criterion.h>
#include <string.h>

#include "registrar/registration.h"

#define INTERVAL 300000
#define ANSWER(s) ((struct registration_answer){ .status = (s) })

static const struct {
	enum rc rc;
	int status;
	enum registration_event meaning;
} meanings[] = {
	{ RC_OK, 200, REGISTRATION_ACCEPT },        { RC_OK, 201, REGISTRATION_ACCEPT },
	{ RC_OK, 301, REGISTRATION_REFUSE },        { RC_OK, 400, REGISTRATION_REFUSE },
	{ RC_OK, 401, REGISTRATION_REFUSE },        { RC_OK, 404, REGISTRATION_REFUSE },
	{ RC_OK, 408, REGISTRATION_RETRY },         { RC_OK, 409, REGISTRATION_REFUSE },
	{ RC_OK, 422, REGISTRATION_REFUSE },        { RC_OK, 429, REGISTRATION_RETRY },
	{ RC_OK, 500, REGISTRATION_RETRY },         { RC_OK, 503, REGISTRATION_RETRY },
	{ RC_OK, 599, REGISTRATION_RETRY },         { RC_TIMEOUT, 0, REGISTRATION_RETRY },
	{ RC_UNAVAILABLE, 0, REGISTRATION_RETRY },  { RC_UNAVAILABLE, 201, REGISTRATION_RETRY }, /* truncated */
	{ RC_TIMEOUT, 400, REGISTRATION_RETRY },    { RC_TOO_LARGE, 201, REGISTRATION_ACCEPT },
	{ RC_TOO_LARGE, 400, REGISTRATION_REFUSE }, { RC_INVALID_ARGUMENT, 0, REGISTRATION_REFUSE },
	{ RC_NO_MEMORY, 0, REGISTRATION_RETRY },
};

Test(registration, responses_are_classified)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		struct registration_answer answer = { .rc = meanings[i].rc, .status = meanings[i].status };

		cr_expect_eq(registration_meaning(&answer), meanings[i].meaning, "%s %d", rc_name(answer.rc),
			     answer.status);
	}
}

Test(registration, states_have_names_and_only_valid_successors)
{
	for (int s = 0; s < REGISTRATION_STATE_COUNT; s++) {
		cr_expect_not_null(registration_state_name((enum registration_state)s));
		for (int e = 0; e < REGISTRATION_EVENT_COUNT; e++) {
			int next = registration_next_state((enum registration_state)s, (enum registration_event)e);

			cr_expect(next >= -1 && next < REGISTRATION_STATE_COUNT, "state %d, event %d", s, e);
		}
	}
}

/* A registration; its API replied at time 0. */
static struct registration with_api(void)
{
	struct registration r;

	registration_init(&r, INTERVAL, 0);
	registration_asked(&r, true, 0);
	return r;
}

static void post(struct registration *r, const struct registration_answer *answer, int64_t now_ms)
{
	registration_begin(r);
	registration_posted(r, answer, now_ms);
}

Test(registration, probes_the_api_first_and_posts_after_its_first_reply)
{
	struct registration r;
	int64_t wait_ms = 0;

	registration_init(&r, INTERVAL, 1000);
	cr_expect_eq(registration_todo(&r, 1000, &wait_ms), REGISTRATION_ASK);
	registration_asked(&r, false, 1000);
	cr_expect_eq(registration_todo(&r, 1000, &wait_ms), REGISTRATION_WAIT);
	cr_expect_eq(wait_ms, REGISTRATION_ASK_EAGER_MS);
	cr_expect_eq(registration_todo(&r, 2000, &wait_ms), REGISTRATION_ASK);
	registration_asked(&r, true, 2000);
	cr_expect_eq(registration_todo(&r, 2000, &wait_ms), REGISTRATION_POST);
	registration_begin(&r);
	cr_expect_eq(r.attempt, 1);
}

Test(registration, never_stops_probing_but_slows_down)
{
	struct registration r;
	int64_t now = 0;

	registration_init(&r, INTERVAL, 0);
	for (int i = 1; i < 100000; i++) {
		registration_asked(&r, false, now);
		cr_assert_eq(r.ask_at_ms - now,
			     i < REGISTRATION_EAGER_ASKS ? REGISTRATION_ASK_EAGER_MS : REGISTRATION_ASK_MISSED_MS,
			     "request %d", i);
		now = r.ask_at_ms;
	}
	cr_expect_eq(r.state, REGISTRATION_WAITING);
}

Test(registration, failed_posts_are_retried_with_backoff_and_jitter)
{
	struct registration r = with_api();
	struct registration_answer answer = ANSWER(500);
	int64_t base = REGISTRATION_BACKOFF_FIRST_MS;
	int64_t now = 0;

	for (int i = 1; i <= 12; i++) {
		int64_t delay;

		post(&r, &answer, now);
		delay = r.post_at_ms - now;
		cr_expect_eq(r.state, REGISTRATION_BACKING_OFF);
		cr_expect_eq(r.attempt, i);
		cr_expect(delay >= base && delay <= base + base / 2, "attempt %d: %d ms", i, (int)delay);
		base = base * 2 < REGISTRATION_BACKOFF_MAX_MS ? base * 2 : REGISTRATION_BACKOFF_MAX_MS;
		now = r.post_at_ms;
	}
	answer = ANSWER(201);
	post(&r, &answer, now);
	cr_expect_eq(r.state, REGISTRATION_REGISTERED);
	answer = ANSWER(500);
	post(&r, &answer, now);
	cr_expect_eq(r.attempt, 1, "a new round");
	cr_expect_leq(r.post_at_ms - now, 1500, "which starts with the first delay");
}

Test(registration, honours_retry_after)
{
	struct registration r = with_api();
	struct registration_answer answer = { .status = 429, .retry_after_s = 3 };

	for (int i = 0; i < 50; i++) {
		post(&r, &answer, 0);
		cr_expect(r.post_at_ms >= 3000 && r.post_at_ms < 4000);
	}
}

Test(registration, an_outage_does_not_shorten_retry_after)
{
	struct registration r = with_api();
	struct registration_answer answer = { .status = 503, .retry_after_s = 600 };
	int64_t wait_ms;

	post(&r, &answer, 0);
	for (int i = 0; i < REGISTRATION_OUTAGE_ASKS; i++)
		registration_asked(&r, false, 10000);
	cr_expect_eq(r.state, REGISTRATION_WAITING);
	registration_asked(&r, true, 60000);
	cr_expect_eq(r.state, REGISTRATION_POSTING);
	cr_expect_eq(registration_todo(&r, 60000, &wait_ms), REGISTRATION_WAIT);
	r.ask_at_ms = INT64_MAX;
	cr_expect_eq(registration_todo(&r, 599999, &wait_ms), REGISTRATION_WAIT);
	cr_expect_eq(registration_todo(&r, 601000, &wait_ms), REGISTRATION_POST);
}

static const struct {
	int status;
	enum registration_state state;
} finals[] = {
	{ 200, REGISTRATION_REGISTERED },
	{ 201, REGISTRATION_REGISTERED },
	{ 400, REGISTRATION_REFUSED },
	{ 409, REGISTRATION_REFUSED },
};

Test(registration, accepted_and_rejected_registrations_are_rechecked_at_the_interval)
{
	bool differs = false;

	for (size_t i = 0; i < ARRAY_LEN(finals); i++) {
		struct registration r = with_api();
		int64_t first = 0;

		for (int n = 0; n < 20; n++) {
			post(&r, &ANSWER(finals[i].status), 0);
			cr_expect_eq(r.state, finals[i].state, "%d", finals[i].status);
			cr_expect(r.post_at_ms >= INTERVAL / 10 * 9 && r.post_at_ms <= INTERVAL / 10 * 11, "%d",
				  finals[i].status);
			differs = differs || (first && first != r.post_at_ms);
			first = r.post_at_ms;
		}
	}
	cr_expect(differs, "there is jitter");
}

Test(registration, an_outage_is_several_missed_replies_and_its_end_posts_immediately)
{
	static const int states[] = { 201, 409, 500 };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct registration r = with_api();
		int64_t now = 0;
		int64_t wait_ms;

		post(&r, &ANSWER(states[i]), 0);
		for (int miss = 1; miss < REGISTRATION_OUTAGE_ASKS; miss++) {
			now += 5000;
			registration_asked(&r, false, now);
			cr_expect_neq(r.state, REGISTRATION_WAITING, "%d, %d missed", states[i], miss);
			cr_expect_eq(r.ask_at_ms, now + REGISTRATION_ASK_MISSED_MS);
		}
		registration_asked(&r, false, now);
		cr_expect_eq(r.state, REGISTRATION_WAITING, "%d", states[i]);
		r.ask_at_ms = INT64_MAX;
		cr_expect_eq(registration_todo(&r, INT64_MAX - 1, &wait_ms), REGISTRATION_WAIT,
			     "no POST during the outage");
		registration_asked(&r, true, now);
		cr_expect_eq(registration_todo(&r, now, &wait_ms), REGISTRATION_POST, "%d", states[i]);
	}
}

Test(registration, a_reply_between_misses_prevents_an_outage)
{
	struct registration r = with_api();

	post(&r, &ANSWER(201), 0);
	for (int i = 0; i < 20; i++)
		registration_asked(&r, i % REGISTRATION_OUTAGE_ASKS == 0, 0);
	cr_expect_eq(r.state, REGISTRATION_REGISTERED);
}
