#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/pipeline/worker_calls.h"

#define NOW 1000000
#define WAIT 3000
#define TIMEOUT 30000

/* The result passed to done(). */
struct told {
	int times;
	enum rc rc;
	bool unknown;
	char body[64];
};

static void on_done(void *ctx, uint64_t cookie, struct worker_reply *reply)
{
	struct told *told = ctx;

	cr_assert_eq(cookie, 7);
	told->times++;
	told->rc = reply->error.rc;
	told->unknown = reply->outcome_unknown;
	snprintf(told->body, sizeof(told->body), "%s", reply->body ? reply->body : "");
}

/* Each test runs in a separate process, with one table; most use one call. */
static struct worker_calls calls;
static struct told told;
static bool present = true;

static void clear(void)
{
	worker_calls_clear(&calls);
	told = (struct told){ 0 };
}

TestSuite(worker_calls, .fini = clear);

static bool is_present(void *ctx unused, uint64_t cookie)
{
	cr_assert_eq(cookie, 7);
	return present;
}

static struct worker_attempt add_call(enum operation operation, struct told *into)
{
	struct worker_ask ask = {
		.operation = operation,
		.body = "{}",
		.len = 2,
		.request_id = "r",
		.timeout_ms = TIMEOUT,
		.done = on_done,
		.present = is_present,
		.ctx = into,
		.cookie = 7,
	};
	struct worker_package *package = worker_package_make(&ask, 5000);
	struct worker_attempt attempt;

	cr_assert(package && worker_calls_add(&calls, &ask, package, NOW, &attempt));
	return attempt;
}

static void begin(struct worker_attempt *attempt, int64_t now_ms)
{
	struct worker_package *package = worker_calls_begin(&calls, attempt, now_ms);

	cr_assert_not_null(package);
	worker_package_unref(package);
}

static void answer(const struct worker_attempt *attempt, const char *status, const char *body, int64_t now_ms)
{
	struct worker_message msg = { .status = status, .data = body, .attempt = attempt->number };
	struct worker_finished finished = { .done = NULL };

	msg.len = strlen(body);
	worker_calls_message(&calls, attempt, &msg, now_ms, &finished);
	worker_finished_tell(&finished);
}

static void refuse(const struct worker_attempt *attempt, int64_t now_ms)
{
	struct worker_finished finished = { .done = NULL };

	worker_calls_refused(&calls, attempt, "no responders", now_ms, &finished);
	worker_finished_tell(&finished);
}

static int64_t due_of(const struct worker_attempt *attempt)
{
	const struct worker_call *call = slots_at(&calls.slots, slots_index(attempt->call));

	return call->due_ms;
}

/* Advance the time; true: another attempt was sent. */
static bool pass(struct worker_attempt *attempt, int64_t now_ms)
{
	struct worker_finished finished = { .done = NULL };
	bool send = worker_calls_due(&calls, slots_index(attempt->call), now_ms, attempt, &finished);

	worker_finished_tell(&finished);
	if (send)
		begin(attempt, now_ms);
	return send;
}

/* A new table with one call, whose first attempt was sent at NOW. */
static struct worker_attempt start(enum operation operation)
{
	struct worker_attempt attempt;

	worker_calls_init(&calls, WAIT);
	attempt = add_call(operation, &told);
	begin(&attempt, NOW);
	return attempt;
}

Test(worker_calls, a_reply_ends_a_call_and_frees_its_slot)
{
	struct worker_attempt a;
	struct worker_attempt b;

	worker_calls_init(&calls, WAIT);
	a = add_call(OPERATION_GET, &told);
	cr_expect_eq(calls.open[OPERATION_GET], 1);
	begin(&a, NOW);
	answer(&a, "OK", "{\"id\":1}", NOW + 5);
	cr_expect_eq(told.times, 1);
	cr_expect_str_eq(told.body, "{\"id\":1}");
	cr_expect_eq(calls.open[OPERATION_GET], 0);
	answer(&a, "OK", "{}", NOW + 6); /* a second reply is ignored */
	b = add_call(OPERATION_GET, &told);
	cr_expect_eq(slots_index(b.call), slots_index(a.call));
	cr_expect_neq(b.call, a.call);
	answer(&a, "OK", "{}", NOW + 7);
	cr_expect_eq(told.times, 1);
}

Test(worker_calls, a_call_with_a_delay_becomes_due)
{
	struct worker_ask ask = {
		.operation = OPERATION_GET,
		.body = "{}",
		.len = 2,
		.request_id = "r",
		.delay_ms = 40,
		.timeout_ms = TIMEOUT,
		.done = on_done,
		.ctx = &told,
		.cookie = 7,
	};
	struct worker_finished finished = { .done = NULL };
	struct worker_attempt attempt;
	struct worker_attempt due;

	worker_calls_init(&calls, WAIT);
	cr_assert(worker_calls_add(&calls, &ask, worker_package_make(&ask, 5000), NOW, &attempt));
	cr_expect_eq(calls.next_due_ms, NOW + 40);
	cr_expect(!worker_calls_due(&calls, 0, NOW + 39, &due, &finished));
	cr_assert(worker_calls_due(&calls, 0, NOW + 40, &due, &finished));
	begin(&due, NOW + 40);
	cr_expect_eq(due.number, 1);
	cr_expect_eq(told.times, 0);
}

Test(worker_calls, a_refused_call_is_retried_until_the_wait_expires)
{
	struct worker_attempt a;
	int64_t now = NOW;
	int sent = 1;

	a = start(OPERATION_CREATE);
	while (told.times == 0) {
		cr_assert_leq(now, NOW + WAIT, "retried for too long");
		cr_expect_eq(a.shown, 1, "nothing was executed: it is still the first attempt");
		refuse(&a, now);
		if (told.times)
			break;
		now = due_of(&a);
		cr_assert(pass(&a, now));
		sent++;
	}
	cr_expect_eq(now, NOW + WAIT, "the last attempt is sent at the end of the wait");
	cr_expect_eq(told.rc, RC_UNAVAILABLE);
	cr_expect_not(told.unknown);
	cr_expect(sent >= 8 && sent <= 30, "%d attempts", sent);
}

Test(worker_calls, the_calls_of_a_request_share_the_wait)
{
	static const struct {
		int64_t elapsed_ms, ends_ms;
	} cases[] = { { 0, WAIT }, { 1000, WAIT - 1000 }, { WAIT - 1, 700 }, { 10 * WAIT, 700 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct worker_ask ask = { .operation = OPERATION_UPDATE,
					  .body = "{}",
					  .len = 2,
					  .request_id = "r",
					  .timeout_ms = TIMEOUT,
					  .elapsed_ms = cases[i].elapsed_ms };
		struct worker_attempt a;

		worker_calls_init(&calls, WAIT);
		cr_assert(worker_calls_add(&calls, &ask, worker_package_make(&ask, 5000), NOW, &a));
		cr_expect_eq(((struct worker_call *)slots_at(&calls.slots, slots_index(a.call)))->wait_end_ms,
			     NOW + cases[i].ends_ms, "case %zu", i);
		worker_calls_clear(&calls);
	}
}

Test(worker_calls, a_command_is_retried_after_a_refusal_but_never_after_silence)
{
	struct worker_attempt a = start(OPERATION_EXEC_RUN);
	int64_t now;

	answer(&a, "BUSY", "{\"detail\":\"full\"}", NOW + 1);
	cr_assert_eq(told.times, 0);
	now = due_of(&a);
	cr_assert(pass(&a, now));
	cr_expect_str_eq(worker_calls_permission(&calls, &a, now + 1), "OK");
	answer(&a, PROTOCOL_STATUS_WORKING, "", now + 1000);
	cr_expect_not(pass(&a, due_of(&a)), "it was retried");
	cr_expect_eq(told.times, 1);
	cr_expect_eq(told.rc, RC_TIMEOUT, "no Retry-After");
	cr_expect_str_eq(worker_calls_permission(&calls, &a, now + 5000), "CANCELLED");
}

Test(worker_calls, a_started_command_is_not_retried_after_busy)
{
	struct worker_attempt a = start(OPERATION_EXEC_RUN);

	cr_expect_str_eq(worker_calls_permission(&calls, &a, NOW + 1), "OK");
	answer(&a, "BUSY", "{\"detail\":\"the worker ends\"}", NOW + 2);
	cr_expect_eq(told.times, 1);
	cr_expect_eq(told.rc, RC_TIMEOUT);
}

Test(worker_calls, a_started_command_is_not_to_be_retried_after_a_shutdown)
{
	struct worker_attempt a = start(OPERATION_EXEC_RUN);
	struct worker_finished finished = { .done = NULL };

	cr_expect_str_eq(worker_calls_permission(&calls, &a, NOW + 1), "OK");
	worker_calls_cancel(&calls, slots_index(a.call), false, &finished);
	worker_finished_tell(&finished);
	cr_expect_eq(told.rc, RC_TIMEOUT, "no Retry-After");
}

static const char *probe(const struct worker_attempt *attempt, const char *uid, int64_t now_ms)
{
	struct worker_message question = { .data = uid, .len = strlen(uid) };
	struct worker_finished finished = { .done = NULL };
	const char *status = worker_calls_probe(&calls, attempt, &question, now_ms, &finished);

	worker_finished_tell(&finished);
	return status;
}

Test(worker_calls, a_command_of_a_disconnected_client_is_cancelled)
{
	struct worker_attempt a = start(OPERATION_EXEC_RUN);

	cr_expect_str_eq(worker_calls_permission(&calls, &a, NOW + 1), "OK");
	cr_expect_str_eq(probe(&a, "", NOW + 2), "OK");
	present = false;
	cr_expect_str_eq(probe(&a, "", NOW + 3), "CANCELLED");
	cr_expect_eq(told.times, 1);
	cr_expect_eq(told.rc, RC_TIMEOUT, "a half-closed client reads the response");
	cr_expect_str_eq(probe(&a, "", NOW + 4), "CANCELLED");
}

Test(worker_calls, a_create_of_a_disconnected_client_stays_open_to_be_settled_or_undone)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	present = false;
	cr_expect_str_eq(probe(&a, "", NOW + 1), "OK");
	cr_expect_eq(told.times, 0);
}

Test(worker_calls, a_command_ends_with_the_connection_to_nats)
{
	struct worker_attempt a = start(OPERATION_EXEC);
	struct worker_finished finished = { .done = NULL };

	worker_calls_lost(&calls, slots_index(a.call), NOW + 1, &finished);
	worker_finished_tell(&finished);
	cr_expect_eq(told.times, 1);
	cr_expect_eq(told.rc, RC_UNAVAILABLE);
}

Test(worker_calls, busy_counts_as_a_refusal)
{
	struct worker_attempt a = start(OPERATION_DELETE);

	answer(&a, "BUSY", "{\"detail\":\"full\"}", NOW + 1);
	cr_expect_eq(told.times, 0);
	cr_expect_geq(due_of(&a), NOW + 100, "busy workers get some time");
	cr_expect(pass(&a, due_of(&a)));
	cr_expect_eq(a.shown, 1);
	answer(&a, "OK", "", NOW + 500);
	cr_expect_eq(told.rc, RC_OK);
	cr_expect_eq(told.times, 1);
}

Test(worker_calls, silence_is_followed_by_a_retry)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	cr_expect_not(pass(&a, NOW + WORKER_SILENCE_MS - 1));
	cr_expect(pass(&a, NOW + WORKER_SILENCE_MS));
	cr_expect_eq(a.shown, 2);
	cr_expect_not(pass(&a, NOW + WORKER_SILENCE_MS + WORKER_SILENCE_AGAIN_MS - 1));
	cr_expect(pass(&a, NOW + WORKER_SILENCE_MS + WORKER_SILENCE_AGAIN_MS));
	cr_expect_eq(a.shown, 3);
	/* The reply of the first attempt is accepted too. */
	a.number = 1;
	answer(&a, "OK", "{}", NOW + 10000);
	cr_expect_eq(told.rc, RC_OK);
}

Test(worker_calls, working_messages_prevent_a_retry)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	for (int64_t now = NOW + 1000; now < NOW + TIMEOUT; now += 1000) {
		answer(&a, PROTOCOL_STATUS_WORKING, "", now);
		cr_expect_not(pass(&a, now + 999));
	}
	cr_expect_not(pass(&a, NOW + TIMEOUT));
	cr_expect_eq(told.rc, RC_TIMEOUT);
	cr_expect(told.unknown);
}

static void say_working(const struct worker_attempt *attempt, const char *wait, int64_t now_ms)
{
	struct worker_message msg = {
		.status = PROTOCOL_STATUS_WORKING,
		.wait = wait,
		.data = "",
		.attempt = attempt->number,
	};
	struct worker_finished finished = { .done = NULL };

	worker_calls_message(&calls, attempt, &msg, now_ms, &finished);
	worker_finished_tell(&finished);
}

Test(worker_calls, a_queued_request_is_busy_when_the_wait_expires)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	say_working(&a, "1", NOW + WAIT / 2);
	cr_expect_not(pass(&a, NOW + WAIT / 2 + 1));
	cr_expect_eq(told.times, 0);
	cr_expect_not(pass(&a, NOW + WAIT));
	cr_expect_eq(told.rc, RC_BUSY);
	cr_expect_not(told.unknown);
}

Test(worker_calls, a_started_request_is_not_busy_when_the_wait_expires)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	say_working(&a, "1", NOW + WAIT / 2);
	say_working(&a, NULL, NOW + WAIT / 2 + 1);
	cr_expect_not(pass(&a, NOW + WAIT));
	cr_expect_eq(told.times, 0);
	say_working(&a, "1", NOW + WAIT);
	a.number = 1;
	cr_expect_str_eq(worker_calls_permission(&calls, &a, NOW + WAIT), "OK");
	cr_expect_not(pass(&a, NOW + WAIT + 1));
	cr_expect_eq(told.times, 0);
}

struct deadline_case {
	const char *name;
	enum operation operation;
	bool lost;    /* an attempt stayed without a reply */
	bool refused; /* the latest one was rejected */
	enum rc rc;
	bool unknown;
};

static const struct deadline_case deadline_cases[] = {
	{ "a create that may run", OPERATION_CREATE, true, false, RC_TIMEOUT, true },
	{ "a create that may run, then no responders", OPERATION_CREATE, true, true, RC_TIMEOUT, true },
	{ "a create under way", OPERATION_CREATE, false, false, RC_TIMEOUT, true },
	{ "a delete that may run", OPERATION_DELETE, true, true, RC_TIMEOUT, true },
	{ "a get changes nothing", OPERATION_GET, false, false, RC_TIMEOUT, false },
};

Test(worker_calls, the_deadline_ends_every_call)
{
	for (size_t i = 0; i < ARRAY_LEN(deadline_cases); i++) {
		const struct deadline_case *c = &deadline_cases[i];
		struct worker_attempt a;

		a = start(c->operation);
		if (c->lost)
			cr_assert(pass(&a, NOW + WORKER_SILENCE_MS), "%s", c->name);
		if (c->refused)
			refuse(&a, NOW + WORKER_SILENCE_MS + 1);
		cr_expect_not(pass(&a, NOW + TIMEOUT), "%s", c->name);
		cr_expect_eq(told.times, 1, "%s", c->name);
		cr_expect_eq(told.rc, c->rc, "%s: %s", c->name, rc_name(told.rc));
		cr_expect_eq(told.unknown, c->unknown, "%s", c->name);
		clear();
	}
}

Test(worker_calls, a_lost_connection_loses_the_pending_attempts)
{
	struct told health = { 0 };
	struct worker_finished finished = { .done = NULL };
	struct worker_attempt a;
	struct worker_attempt h;

	a = start(OPERATION_CREATE);
	h = add_call(OPERATION_HEALTH, &health);
	begin(&h, NOW);
	worker_calls_lost(&calls, slots_index(a.call), NOW + 10, &finished);
	cr_expect_null(finished.done);
	worker_calls_lost(&calls, slots_index(h.call), NOW + 10, &finished);
	worker_finished_tell(&finished);
	cr_expect_eq(health.rc, RC_UNAVAILABLE, "health never waits");
	cr_expect(pass(&a, NOW + 200));
	cr_expect_eq(a.shown, 2);
	refuse(&a, NOW + 200);
	cr_expect_eq(told.times, 0, "the wait has started");
	cr_assert(pass(&a, NOW + 10 + WAIT));
	refuse(&a, NOW + 10 + WAIT);
	cr_expect_eq(told.rc, RC_UNAVAILABLE);
	cr_expect(told.unknown, "it may have been executed, and must be undone");
}

Test(worker_calls, a_lost_read_fails_after_the_wait)
{
	struct worker_finished finished = { .done = NULL };
	struct worker_attempt a = start(OPERATION_LIST);

	worker_calls_lost(&calls, slots_index(a.call), NOW + 5000, &finished);
	cr_assert(pass(&a, NOW + 5500));
	refuse(&a, NOW + 5500);
	cr_expect_eq(told.times, 0, "the wait starts when the attempt was lost");
	cr_assert(pass(&a, NOW + 5000 + WAIT));
	refuse(&a, NOW + 5000 + WAIT);
	cr_expect_eq(told.rc, RC_UNAVAILABLE);
}

Test(worker_calls, an_undo_is_retried_until_it_succeeds)
{
	struct worker_finished finished = { .done = NULL };
	struct worker_attempt a;
	int64_t now = NOW;

	a = start(OPERATION_UNDO);
	for (int i = 0; i < 3; i++) {
		if (i % 2)
			refuse(&a, now);
		else
			answer(&a, "INTERNAL", "{\"detail\":\"x\"}", now);
		cr_expect_eq(told.times, 0);
		now = due_of(&a);
		cr_assert(pass(&a, now));
	}
	worker_calls_cancel(&calls, slots_index(a.call), false, &finished);
	cr_expect_null(finished.done, "an undo outlives the requests");
	answer(&a, "OK", "", now);
	cr_expect_eq(told.rc, RC_OK);
}

Test(worker_calls, a_delayed_undo_can_be_retried_immediately)
{
	struct worker_attempt a = start(OPERATION_UNDO);

	refuse(&a, NOW);
	worker_calls_hurry(&calls, slots_index(a.call), NOW + 1);
	cr_expect(pass(&a, NOW + 1));
}

Test(worker_calls, after_a_lost_attempt_the_outcome_of_a_failure_is_unknown)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	cr_assert(pass(&a, NOW + WORKER_SILENCE_MS));
	answer(&a, "UNAVAILABLE", "{\"detail\":\"x\"}", NOW + WORKER_SILENCE_MS + 1);
	cr_expect_eq(told.rc, RC_UNAVAILABLE);
	cr_expect(told.unknown);
}

/* ---- permissions ---- */

static bool permits(struct worker_attempt a, unsigned number, int64_t now_ms)
{
	a.number = number;
	return strcmp(worker_calls_permission(&calls, &a, now_ms), "OK") == 0;
}

Test(worker_calls, only_one_attempt_has_the_permission)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	cr_expect(permits(a, 1, NOW));
	cr_expect(permits(a, 1, NOW + 2000), "a repeated question is permitted");
	cr_expect_not(pass(&a, NOW + WORKER_SILENCE_MS), "a question counts as a WORKING message");
	cr_assert(pass(&a, NOW + 2000 + WORKER_SILENCE_MS));
	cr_expect(permits(a, 2, NOW + 6000), "the silent attempt has lost it");
	cr_expect_not(permits(a, 1, NOW + 6001), "the other attempt has it");
	a.number = 1;
	answer(&a, "UNAVAILABLE", "{\"detail\":\"x\"}", NOW + 6002);
	answer(&a, "OK", "{}", NOW + 6003);
	cr_expect_eq(told.times, 0, "replies of an attempt without permission are ignored");
	a.number = 2;
	answer(&a, "OK", "{}", NOW + 6004);
	cr_expect_eq(told.rc, RC_OK);
	cr_expect_not(permits(a, 2, NOW + 6005), "the call is over");
}

Test(worker_calls, an_earlier_attempt_may_get_the_permission_after_silence)
{
	struct worker_attempt a = start(OPERATION_DELETE);

	cr_assert(pass(&a, NOW + WORKER_SILENCE_MS));
	cr_expect(permits(a, 1, NOW + 3500));
	cr_expect_not(permits(a, 2, NOW + 3501));
}

Test(worker_calls, nothing_is_permitted_for_a_disconnected_client_or_after_the_deadline)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	present = false;
	cr_expect_not(permits(a, 1, NOW));
	present = true;
	cr_expect_not(permits(a, 1, NOW + TIMEOUT));
	a.call += UINT64_C(1) << 32;
	cr_expect_not(permits(a, 1, NOW));
}

Test(worker_calls, a_call_of_a_disconnected_client_ends_immediately)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	present = false;
	cr_expect_not(permits(a, 1, NOW + 5));
	cr_expect_eq(due_of(&a), NOW + 5);
	cr_expect_not(pass(&a, NOW + 5), "it was retried");
	cr_expect_eq(told.rc, RC_CANCELLED);
	cr_expect_not(told.unknown, "nothing was permitted");
	present = true;
}

Test(worker_calls, a_permitted_call_of_a_disconnected_client_has_an_unknown_outcome)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	cr_expect(permits(a, 1, NOW));
	present = false;
	cr_expect_not(pass(&a, NOW + WORKER_SILENCE_MS), "it was retried");
	cr_expect_eq(told.rc, RC_CANCELLED);
	cr_expect(told.unknown);
	present = true;
}

Test(worker_calls, pending_releases_the_permission)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	cr_expect(permits(a, 1, NOW));
	answer(&a, "PENDING", "{\"detail\":\"x\"}", NOW + 1);
	cr_assert(pass(&a, due_of(&a)));
	cr_expect(permits(a, 2, NOW + 200));
}

Test(worker_calls, a_lost_connection_releases_the_permission)
{
	struct worker_finished finished = { .done = NULL };
	struct worker_attempt a = start(OPERATION_CREATE);

	cr_expect(permits(a, 1, NOW));
	worker_calls_lost(&calls, slots_index(a.call), NOW + 10, &finished);
	cr_assert(pass(&a, NOW + 200));
	cr_expect(permits(a, 2, NOW + 201));
}

Test(worker_calls, a_pending_request_is_retried)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	for (int64_t now = NOW; now < NOW + TIMEOUT - 1000; now = due_of(&a)) {
		answer(&a, "PENDING", "{\"detail\":\"x\"}", now);
		cr_assert_eq(told.times, 0);
		cr_assert(pass(&a, due_of(&a)));
		cr_assert_eq(a.shown, 1);
	}
}

/* ---- debts ---- */

#define RECORD "17 owed.req_3A1"
#define VALUE "{\"state\":\"settled\",\"id\":\"web\",\"uid\":\"u-1\"}"

static void answer_owed(const struct worker_attempt *attempt, const char *debt, int64_t now_ms)
{
	struct worker_message msg = {
		.status = "OK",
		.debt = debt,
		.settle = VALUE,
		.notice = "_INBOX.w.1",
		.data = "{\"id\":1}",
		.len = 8,
		.attempt = attempt->number,
	};
	struct worker_finished finished = { .done = NULL };

	worker_calls_message(&calls, attempt, &msg, now_ms, &finished);
	worker_finished_tell(&finished);
}

/* Whether a settlement is due. */
static bool settles(struct worker_attempt *attempt, int64_t now_ms)
{
	struct worker_debt *debt = NULL;
	struct worker_package *package = worker_calls_begin_settling(&calls, attempt, now_ms, &debt);

	if (!package)
		return false;
	cr_expect_eq(attempt->number, 0);
	cr_expect_str_eq(debt->value, VALUE);
	worker_debt_unref(debt);
	worker_package_unref(package);
	return true;
}

static void settled(const struct worker_attempt *attempt, enum rc rc, int64_t now_ms)
{
	struct worker_finished finished = { .done = NULL };

	worker_calls_settled(&calls, attempt, rc, 18, now_ms, &finished);
	worker_finished_tell(&finished);
}

Test(worker_calls, a_debt_is_settled_before_the_reply)
{
	struct worker_attempt a;
	struct worker_attempt late;

	a = start(OPERATION_CREATE);
	cr_assert(permits(a, 1, NOW));
	late = a;
	answer_owed(&a, RECORD, NOW + 1);
	cr_expect_eq(told.times, 0);
	cr_assert(settles(&a, NOW + 1));
	cr_expect_not(settles(&a, NOW + 2), "it is pending");
	cr_expect_not(permits(a, 2, NOW + 3), "the result was received");
	cr_expect_str_eq(probe(&a, "", NOW + 3), "OK");
	settled(&a, RC_TIMEOUT, NOW + 4);
	cr_assert(settles(&a, NOW + 1 + WORKER_SETTLE_MS), "it is retried");
	settled(&a, RC_OK, NOW + 600);
	cr_expect_eq(told.times, 1);
	cr_expect_str_eq(told.body, "{\"id\":1}");
	cr_expect_str_eq(probe(&a, "", NOW + 601), "CANCELLED");
	answer_owed(&late, RECORD, NOW + 602);
	settled(&a, RC_OK, NOW + 603);
	cr_expect_eq(told.times, 1);
}

Test(worker_calls, a_void_debt_is_an_error_with_an_unknown_outcome)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	answer_owed(&a, RECORD, NOW + 1);
	cr_assert(settles(&a, NOW + 1));
	settled(&a, RC_CONFLICT, NOW + 2);
	cr_expect_eq(told.rc, RC_UNAVAILABLE);
	cr_expect(told.unknown);
}

Test(worker_calls, the_deadline_ends_a_settlement)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	answer_owed(&a, RECORD, NOW + 1);
	cr_assert(settles(&a, NOW + 1));
	cr_expect_not(pass(&a, NOW + TIMEOUT));
	cr_expect_eq(told.rc, RC_TIMEOUT);
	cr_expect(told.unknown);
}

Test(worker_calls, nothing_is_settled_for_a_disconnected_client)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	present = false;
	answer_owed(&a, RECORD, NOW + 1);
	cr_expect_eq(told.rc, RC_CANCELLED);
	cr_expect(told.unknown);
	cr_expect_not(settles(&a, NOW + 1));
}

Test(worker_calls, a_settled_object_is_remembered_for_probes)
{
	struct worker_attempt a = start(OPERATION_CREATE);

	answer_owed(&a, PROTOCOL_DEBT_OBJECT, NOW + 1);
	cr_assert(settles(&a, NOW + 1));
	settled(&a, RC_OK, NOW + 2);
	cr_expect_eq(told.rc, RC_OK);
	cr_expect_str_eq(probe(&a, "u-1", NOW + 3), PROTOCOL_STATUS_SETTLED);
	cr_expect_str_eq(probe(&a, "u-2", NOW + 3), "CANCELLED", "another object of a late attempt");
	cr_expect_str_eq(probe(&a, "u-1", NOW + 3 + WORKER_PROMISE_MS), "CANCELLED");
}

Test(worker_calls, malformed_debts_are_errors)
{
	static const char *const debts[] = { "",
					     "17",
					     "owed.x",
					     "x owed.x",
					     "-1 owed.x",
					     "0 owed.x",
					     "17 state.x",
					     "17 owed.",
					     "17 owed.a b",
					     "17 owed.>",
					     "99999999999999999999 owed.x" };

	for (size_t i = 0; i < ARRAY_LEN(debts); i++) {
		struct worker_attempt a;

		worker_calls_init(&calls, WAIT);
		a = add_call(OPERATION_CREATE, &told);
		begin(&a, NOW);
		answer_owed(&a, debts[i], NOW + 1);
		cr_expect_eq(told.rc, RC_INTERNAL, "'%s'", debts[i]);
		cr_expect(told.unknown, "'%s'", debts[i]);
		clear();
	}
}

/* ---- health ---- */

Test(worker_calls, the_first_healthy_reply_is_the_result)
{
	struct worker_attempt a = start(OPERATION_HEALTH);

	answer(&a, "OK", "{\"healthy\":false}", NOW + 1);
	cr_expect_eq(told.times, 0, "another worker may be healthy");
	answer(&a, "OK", "{\"healthy\":true}", NOW + 2);
	cr_expect_eq(told.rc, RC_OK);
}

Test(worker_calls, health_without_responders_is_retried_on_the_queue_group)
{
	struct worker_attempt a = start(OPERATION_HEALTH);

	refuse(&a, NOW + 1);
	cr_expect_eq(told.times, 0);
	cr_assert(pass(&a, NOW + 1));
	refuse(&a, NOW + 2);
	cr_expect_eq(told.rc, RC_UNAVAILABLE, "there are no workers");
}

Test(worker_calls, the_table_grows)
{
	struct worker_attempt attempts[500];

	worker_calls_init(&calls, WAIT);
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		attempts[i] = add_call(OPERATION_GET, &told);
		begin(&attempts[i], NOW);
	}
	cr_expect_eq(calls.open[OPERATION_GET], 500);
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++)
		answer(&attempts[i], "OK", "{}", NOW);
	cr_expect_eq(told.times, 500);
	cr_expect_eq(calls.open[OPERATION_GET], 0);
}
