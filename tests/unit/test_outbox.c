/* outbox, outbox_heap: which events are published, when, in which order, and how often. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/outbox.h"
#include "monitor/outbox_heap.h"

#define DEBOUNCE_MS 500

static struct outbox *make(int64_t debounce_ms)
{
	struct outbox *outbox = NULL;

	cr_assert_eq(outbox_create(debounce_ms, &outbox, NULL), RC_OK);
	return outbox;
}

static struct reconciled state_of(const char *id, enum container_status status, const char *message)
{
	struct reconciled reconciled = { .exists = true, .status = status };

	snprintf(reconciled.name, sizeof(reconciled.name), "%s", id);
	snprintf(reconciled.message, sizeof(reconciled.message), "%s", message);
	reconciled.digest = reconcile_digest(status, message);
	return reconciled;
}

static struct outbox_entry *change(struct outbox *outbox, const char *id, int64_t now_ms)
{
	cr_assert_eq(outbox_change(outbox, id, true, now_ms, NULL), RC_OK);
	return outbox_find(outbox, id);
}

static uint64_t tell(struct outbox *outbox, struct outbox_entry *entry, const struct reconciled *what, int64_t now_ms)
{
	static unsigned char number;
	struct outbox_event fresh = { .digest = what->digest, .status = (int)what->status, .time_ms = now_ms };

	fresh.id[0] = ++number;
	return outbox_send(outbox, entry, &fresh, OUTBOX_NEVER, now_ms);
}

/* Without a bucket. */
static void arrive_unrecorded(struct outbox *outbox, struct outbox_entry *entry)
{
	outbox_arrive(outbox, entry);
	outbox_skip_record(outbox, entry);
}

Test(outbox, every_pair_of_state_and_happening_is_defined)
{
	int possible = 0;

	for (int state = 0; state < OUTBOX_STATE_COUNT; state++) {
		cr_expect_not_null(outbox_state_name((enum outbox_state)state));
		for (int happening = 0; happening < OUTBOX_HAPPENING_COUNT; happening++)
			possible += outbox_step((enum outbox_state)state, (enum outbox_happening)happening) !=
				    OUTBOX_STATE_COUNT;
	}
	cr_expect_eq(possible, 8);
}

Test(outbox, changes_are_debounced_up_to_a_maximum_delay)
{
	struct outbox *outbox = make(DEBOUNCE_MS);
	struct outbox_entry *entry = change(outbox, "a", 1000);

	cr_expect_eq(outbox_due_ms(outbox), 1500);
	change(outbox, "a", 1400);
	cr_expect_eq(outbox_due_ms(outbox), 1900);
	for (int64_t now = 1500; now <= 2900; now += 100)
		change(outbox, "a", now);
	cr_expect_eq(outbox_due_ms(outbox), 1000 + 4 * DEBOUNCE_MS);
	cr_expect_null(outbox_take(outbox, 2999));
	cr_expect_eq(outbox_take(outbox, 3000), entry);
	outbox_destroy(outbox);
}

Test(outbox, instances_do_not_delay_each_other)
{
	struct outbox *outbox = make(DEBOUNCE_MS);

	change(outbox, "flapping", 1000);
	change(outbox, "quiet", 1100);
	for (int64_t now = 1000; now <= 1600; now += 10)
		change(outbox, "flapping", now);
	cr_expect_str_eq(outbox_take(outbox, 1600)->id, "quiet");
	outbox_destroy(outbox);
}

Test(outbox, a_change_during_a_pending_event_waits_for_its_acknowledgement)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 1000);
	const struct reconciled pending = state_of("a", CONTAINER_PENDING, "");
	uint64_t ticket = tell(outbox, entry, &pending, 1000);

	change(outbox, "a", 1001);
	cr_expect_null(outbox_take(outbox, 5000), "one event of an instance at a time");
	cr_expect_eq(outbox_awaiting(outbox, ticket), entry);
	arrive_unrecorded(outbox, entry);
	cr_expect_eq(entry->reported, CONTAINER_PENDING);
	cr_expect_null(outbox_awaiting(outbox, ticket));
	cr_expect_eq(outbox_take(outbox, 1001), entry);
	outbox_destroy(outbox);
}

Test(outbox, a_retry_of_the_same_state_keeps_id_and_time)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 1000);
	struct reconciled pending = state_of("a", CONTAINER_PENDING, "");
	struct reconciled running = state_of("a", CONTAINER_RUNNING, "");
	unsigned char first, second;

	tell(outbox, entry, &pending, 1000);
	first = entry->event.id[0];
	outbox_fail(outbox, entry, 4000);
	cr_expect_null(outbox_take(outbox, 4000), "a delay first");
	cr_expect_eq(outbox_take(outbox, 5000), entry);
	cr_expect_eq(outbox_judge(entry, &pending), OUTBOX_TELL);
	tell(outbox, entry, &pending, 5000);
	cr_expect_eq(entry->event.id[0], first);
	cr_expect_eq(entry->event.time_ms, 1000);
	outbox_fail(outbox, entry, 8000);
	tell(outbox, entry, &running, 9000);
	second = entry->event.id[0];
	cr_expect_neq(second, first);
	outbox_fail(outbox, entry, 12000);
	tell(outbox, entry, &pending, 15000);
	cr_expect(entry->event.id[0] != first && entry->event.id[0] != second, "sent after another state: a new event");
	arrive_unrecorded(outbox, entry);
	outbox_force_all(outbox, 20000, 0, false);
	tell(outbox, entry, &pending, 20000);
	cr_expect_eq(entry->event.time_ms, 20000, "a resync is a new event");
	outbox_destroy(outbox);
}

Test(outbox, retry_delays_grow_and_end_with_a_reconnect)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 0);
	const struct reconciled pending = state_of("a", CONTAINER_PENDING, "");
	int64_t now = 0;
	int64_t last = 0;

	for (int i = 0; i < 12; i++) {
		tell(outbox, entry, &pending, now);
		outbox_fail(outbox, entry, now);
		last = entry->not_before_ms - now;
		cr_expect_leq(last, 24000);
		now = entry->not_before_ms;
	}
	cr_expect_geq(last, 16000);
	tell(outbox, entry, &pending, now);
	outbox_force_all(outbox, now, 0, true);
	cr_expect_eq(outbox_take(outbox, now), entry, "the pending event counts as failed, and is retried immediately");
	outbox_destroy(outbox);
}

/* The action for an instance, by its current and its published state. */
static const struct judge_case {
	const char *name;
	int reported; /* OUTBOX_NOTHING or a status, with the message "" */
	bool seen;
	int confirmed;
	bool forced, exists, unchanged, podless;
	enum container_status status;
	const char *message;
	enum outbox_action action;
	enum container_status published;
} judge_cases[] = {
	{ "new", OUTBOX_NOTHING, 1, OUTBOX_NOTHING, 0, 1, 0, 0, CONTAINER_PENDING, "", OUTBOX_TELL, CONTAINER_PENDING },
	{ "unchanged", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 1, 0, 0, CONTAINER_RUNNING, "", OUTBOX_REST, 0 },
	{ "another message", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 1, 0, 0, CONTAINER_RUNNING, "x", OUTBOX_TELL,
	  CONTAINER_RUNNING },
	{ "another status", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 1, 0, 0, CONTAINER_FAILED, "", OUTBOX_TELL,
	  CONTAINER_FAILED },
	{ "resync", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 1, 1, 0, 0, CONTAINER_RUNNING, "", OUTBOX_TELL,
	  CONTAINER_RUNNING },
	{ "succeeded", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 1, 1, 0, CONTAINER_RUNNING, "", OUTBOX_REST, 0 },
	{ "succeeded, never published", OUTBOX_NOTHING, 1, OUTBOX_NOTHING, 1, 1, 1, 0, CONTAINER_RUNNING, "",
	  OUTBOX_REST, 0 },
	{ "succeeded, resync", CONTAINER_PENDING, 1, OUTBOX_NOTHING, 1, 1, 1, 0, CONTAINER_RUNNING, "", OUTBOX_TELL,
	  CONTAINER_PENDING },
	{ "being deleted", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 1, 0, 0, CONTAINER_DELETED, "", OUTBOX_TELL,
	  CONTAINER_DELETED },
	{ "still being deleted", CONTAINER_DELETED, 1, OUTBOX_NOTHING, 1, 1, 0, 0, CONTAINER_DELETED, "", OUTBOX_REST,
	  0 },
	{ "deleted in the watch", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 0, 0, 0, 0, "", OUTBOX_CHECK, 0 },
	{ "deleted, recorded by a previous process", CONTAINER_RUNNING, 0, OUTBOX_NOTHING, 1, 0, 0, 0, 0, "",
	  OUTBOX_CHECK, 0 },
	{ "deletion confirmed", CONTAINER_RUNNING, 1, CONTAINER_DELETED, 1, 0, 0, 0, 0, "", OUTBOX_TELL,
	  CONTAINER_DELETED },
	{ "deleted before any event", OUTBOX_NOTHING, 1, CONTAINER_DELETED, 1, 0, 0, 0, 0, "", OUTBOX_TELL,
	  CONTAINER_DELETED },
	{ "deleted and published", CONTAINER_DELETED, 1, CONTAINER_DELETED, 1, 0, 0, 0, 0, "", OUTBOX_FORGET, 0 },
	{ "never existed", OUTBOX_NOTHING, 0, OUTBOX_NOTHING, 1, 0, 0, 0, 0, "", OUTBOX_FORGET, 0 },
	{ "created again", CONTAINER_DELETED, 1, CONTAINER_DELETED, 0, 1, 0, 0, CONTAINER_PENDING, "", OUTBOX_TELL,
	  CONTAINER_PENDING },
	{ "its Pods were deleted", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 1, 0, 1, CONTAINER_PENDING, "",
	  OUTBOX_CHECK, 0 },
	{ "deletion of its Pods confirmed", CONTAINER_RUNNING, 1, CONTAINER_PENDING, 1, 1, 0, 1, CONTAINER_PENDING, "",
	  OUTBOX_TELL, CONTAINER_PENDING },
	{ "failed, confirmed as something else", CONTAINER_RUNNING, 1, CONTAINER_PENDING, 1, 1, 0, 1, CONTAINER_FAILED,
	  "", OUTBOX_CHECK, 0 },
	{ "no Pods yet", OUTBOX_NOTHING, 1, OUTBOX_NOTHING, 0, 1, 0, 1, CONTAINER_PENDING, "", OUTBOX_TELL,
	  CONTAINER_PENDING },
	{ "still no Pods", CONTAINER_PENDING, 1, OUTBOX_NOTHING, 1, 1, 0, 1, CONTAINER_PENDING, "", OUTBOX_TELL,
	  CONTAINER_PENDING },
	{ "created again, no Pods yet", CONTAINER_DELETED, 1, CONTAINER_DELETED, 0, 1, 0, 1, CONTAINER_PENDING, "",
	  OUTBOX_TELL, CONTAINER_PENDING },
	{ "being deleted, no Pods", CONTAINER_RUNNING, 1, OUTBOX_NOTHING, 0, 1, 0, 1, CONTAINER_DELETED, "",
	  OUTBOX_TELL, CONTAINER_DELETED },
};

Test(outbox, the_action_depends_on_current_and_published_state)
{
	for (size_t i = 0; i < ARRAY_LEN(judge_cases); i++) {
		const struct judge_case *c = &judge_cases[i];
		struct outbox *outbox = make(0);
		struct outbox_entry *entry = change(outbox, "a", 0);
		struct reconciled reconciled = { 0 };

		if (c->exists)
			reconciled = state_of("a", c->status, c->message);
		reconciled.unchanged = c->unchanged;
		reconciled.podless = c->podless;
		entry->reported = c->reported;
		entry->digest = c->reported >= 0 ? reconcile_digest((enum container_status)c->reported, "") : 0;
		entry->seen = c->seen;
		entry->confirmed = c->confirmed;
		entry->forced = c->forced;
		cr_expect_eq(outbox_judge(entry, &reconciled), c->action, "%s", c->name);
		if (c->action == OUTBOX_TELL)
			cr_expect_eq(reconciled.status, c->published, "%s", c->name);
		if (c->exists)
			cr_expect_neq(entry->confirmed, CONTAINER_DELETED, "%s", c->name);
		outbox_destroy(outbox);
	}
}

Test(outbox, a_record_that_was_written_before_its_event_is_not_left_behind)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 0);
	struct reconciled gone = { 0 };

	entry->reported = CONTAINER_DELETED;
	entry->recorded = CONTAINER_PENDING; /* created again */
	entry->confirmed = CONTAINER_DELETED;
	cr_expect_eq(outbox_judge(entry, &gone), OUTBOX_TELL);
	cr_expect_eq(gone.status, CONTAINER_DELETED);
	outbox_destroy(outbox);
}

Test(outbox, a_recorded_deletion_is_checked_once_more)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 0);
	struct reconciled gone = { 0 };
	uint64_t sent, recorded;

	entry->reported = entry->recorded = CONTAINER_RUNNING;
	cr_assert_eq(outbox_judge(entry, &gone), OUTBOX_CHECK);
	outbox_ask(outbox, entry);
	cr_expect_null(outbox_take(outbox, 100000));
	outbox_answer(outbox, entry, CONTAINER_DELETED, 10);
	cr_assert_eq(outbox_take(outbox, 10), entry);
	cr_assert_eq(outbox_judge(entry, &gone), OUTBOX_TELL);
	sent = tell(outbox, entry, &gone, 10);
	outbox_arrive(outbox, entry);
	cr_assert_eq(outbox_take(outbox, 10), entry);
	cr_expect_eq(entry->record_ms, 0);
	recorded = outbox_record(outbox, entry, CONTAINER_DELETED, 10);
	cr_expect_null(outbox_awaiting(outbox, sent),
		       "a second acknowledgement of the event does not apply to the record");
	cr_expect_eq(outbox_awaiting(outbox, recorded), entry);
	outbox_recorded(outbox, entry);
	cr_assert_eq(outbox_take(outbox, 10), entry);
	cr_expect_eq(outbox_judge(entry, &gone), OUTBOX_FORGET);
	outbox_forget(outbox, entry);
	cr_expect_eq(outbox_count(outbox), 0);
	outbox_destroy(outbox);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static const struct first_case {
	const char *name;
	int reported, recorded;
	unsigned char record_failures;
	enum container_status status;
	bool first;
} first_cases[] = {
	{ "new", OUTBOX_NOTHING, OUTBOX_NOTHING, 0, CONTAINER_PENDING, true },
	{ "new, running", OUTBOX_NOTHING, OUTBOX_NOTHING, 0, CONTAINER_RUNNING, true },
	{ "new, deleted", OUTBOX_NOTHING, OUTBOX_NOTHING, 0, CONTAINER_DELETED, false },
	{ "recorded", OUTBOX_NOTHING, CONTAINER_PENDING, 0, CONTAINER_RUNNING, false },
	{ "recorded by a worker", CONTAINER_PENDING, CONTAINER_PENDING, 0, CONTAINER_RUNNING, false },
	{ "reported, after a reconnect", CONTAINER_RUNNING, OUTBOX_NOTHING, 0, CONTAINER_FAILED, false },
	{ "created again", CONTAINER_DELETED, CONTAINER_DELETED, 0, CONTAINER_PENDING, true },
	{ "last try", OUTBOX_NOTHING, OUTBOX_NOTHING, OUTBOX_FIRST_RECORD_TRIES - 1, CONTAINER_PENDING, true },
	{ "refused", OUTBOX_NOTHING, OUTBOX_NOTHING, OUTBOX_FIRST_RECORD_TRIES, CONTAINER_PENDING, false },
};

Test(outbox, the_record_is_written_before_the_first_event_only)
{
	for (size_t i = 0; i < ARRAY_LEN(first_cases); i++) {
		const struct first_case *c = &first_cases[i];
		struct outbox *outbox = make(0);
		struct outbox_entry *entry = change(outbox, "a", 0);

		entry->reported = c->reported;
		entry->recorded = c->recorded;
		entry->record_failures = c->record_failures;
		cr_expect_eq(outbox_records_first(entry, c->status), c->first, "%s", c->name);
		outbox_destroy(outbox);
	}
}

Test(outbox, after_its_record_the_first_event_is_due)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 1000);
	const struct reconciled pending = state_of("a", CONTAINER_PENDING, "");

	outbox_record(outbox, entry, CONTAINER_PENDING, 1000);
	cr_expect_null(outbox_take(outbox, 2000));
	outbox_recorded(outbox, entry);
	cr_assert_eq(outbox_take(outbox, 1000), entry);
	cr_expect_eq(entry->reported, OUTBOX_NOTHING);
	tell(outbox, entry, &pending, 1000);
	outbox_arrive(outbox, entry);
	cr_expect_eq(outbox_due_ms(outbox), OUTBOX_NEVER, "the record is not written again");
	cr_expect_eq(outbox_pending(outbox).count, 0);
	outbox_destroy(outbox);
}

/* An entry that is due for any of these reasons waits for its first record, but not forever. */
Test(outbox, the_first_event_waits_8_to_12_s_for_its_record)
{
	enum { CHANGED, FORCED, GRACE_EXPIRED, REASON_COUNT };

	for (int reason = 0; reason < REASON_COUNT; reason++) {
		struct outbox *outbox = make(0);
		struct outbox_entry *entry = change(outbox, "a", 0);
		int64_t now = 0;

		if (reason == FORCED)
			outbox_force_all(outbox, 0, 0, false);
		if (reason == GRACE_EXPIRED)
			outbox_rest(outbox, entry, 0);
		for (; outbox_records_first(entry, CONTAINER_PENDING); now = outbox_due_ms(outbox)) {
			cr_assert_eq(outbox_take(outbox, now), entry, "%d", reason);
			outbox_record(outbox, entry, CONTAINER_PENDING, now);
			outbox_fail(outbox, entry, now);
			cr_expect_eq(entry->record_ms, OUTBOX_NEVER, "%d", reason);
			cr_expect_null(outbox_take(outbox, now + 200), "%d", reason);
		}
		cr_expect(now > 7700 && now < 12000, "%d: %d", reason, (int)now);
		cr_expect_eq(entry->recorded, OUTBOX_NOTHING, "%d", reason);
		cr_expect_not(entry->repeated, "%d: no event was sent", reason);
		outbox_destroy(outbox);
	}
}

Test(outbox, a_failed_record_is_retried_without_its_event_and_delays_no_other)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 1000);
	const struct reconciled running = state_of("a", CONTAINER_RUNNING, "");
	int64_t now = 1000;
	int64_t last = 0;

	tell(outbox, entry, &running, now);
	outbox_arrive(outbox, entry);
	for (int i = 0; i < 12; i++) {
		cr_assert_eq(outbox_take(outbox, now), entry);
		cr_assert_leq(entry->record_ms, now, "the record, not the event");
		outbox_record(outbox, entry, CONTAINER_RUNNING, now);
		outbox_fail(outbox, entry, now);
		last = entry->record_ms - now;
		cr_expect_leq(last, 24000);
		cr_expect_eq(outbox_due_ms(outbox), entry->record_ms);
		cr_expect_eq(outbox_pending(outbox).oldest_ms, 1000);
		now = entry->record_ms;
	}
	cr_expect_geq(last, 16000);
	change(outbox, "a", now - last + 1);
	cr_expect_eq(outbox_take(outbox, now - last + 1), entry, "a change is processed at once");
	cr_expect_gt(entry->record_ms, now - last + 1);
	outbox_rest(outbox, entry, OUTBOX_NEVER);
	cr_expect_eq(outbox_due_ms(outbox), now, "the record is still pending");
	outbox_force_all(outbox, now - last + 2, 0, true);
	cr_assert_eq(outbox_take(outbox, now - last + 2), entry, "a reconnect ends the delay");
	outbox_record(outbox, entry, CONTAINER_RUNNING, now);
	outbox_recorded(outbox, entry);
	cr_expect_eq(entry->record_failures, 0);
	outbox_destroy(outbox);
}

Test(outbox, a_deleted_container_is_kept_until_its_record_is_removed)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 0);
	struct reconciled gone = { 0 };

	entry->reported = entry->recorded = CONTAINER_RUNNING;
	entry->confirmed = CONTAINER_DELETED;
	cr_assert_eq(outbox_judge(entry, &gone), OUTBOX_TELL);
	tell(outbox, entry, &gone, 0);
	outbox_arrive(outbox, entry);
	for (int i = 0; i < 5; i++) {
		outbox_record(outbox, entry, CONTAINER_DELETED, 0);
		outbox_fail(outbox, entry, 0);
		cr_expect_eq(outbox_judge(entry, &gone), OUTBOX_REST, "failure %d", i);
	}
	outbox_record(outbox, entry, CONTAINER_DELETED, 0);
	outbox_fail(outbox, entry, 0);
	cr_expect_eq(outbox_judge(entry, &gone), OUTBOX_FORGET, "a bucket that refuses for long does not fill memory");
	outbox_destroy(outbox);
}

/* ---- limits and memory ------------------------------------------------------------------------------------------- */

Test(outbox, the_window_limits_pending_events_and_overdue_ones_free_a_slot)
{
	struct outbox *outbox = make(0);
	char id[16];
	int sent = 0;

	for (int i = 0; i < OUTBOX_WINDOW + 10; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		change(outbox, id, 0);
	}
	for (struct outbox_entry *entry; (entry = outbox_take(outbox, 0)); sent++) {
		struct reconciled running = state_of(entry->id, CONTAINER_RUNNING, "");

		cr_assert_neq(tell(outbox, entry, &running, 0), 0);
	}
	cr_expect_eq(sent, OUTBOX_WINDOW);
	cr_expect_eq(outbox_pending(outbox).count, (size_t)OUTBOX_WINDOW + 10);
	cr_expect_null(outbox_overdue(outbox, OUTBOX_ACK_MS - 1));
	outbox_fail(outbox, outbox_overdue(outbox, OUTBOX_ACK_MS), OUTBOX_ACK_MS);
	cr_expect_not_null(outbox_take(outbox, OUTBOX_ACK_MS));
	outbox_destroy(outbox);
}

Test(outbox, only_a_deployment_creates_an_entry)
{
	struct outbox *outbox = make(0);

	cr_assert_eq(outbox_change(outbox, "a", false, 0, NULL), RC_OK);
	cr_expect_eq(outbox_count(outbox), 0);
	change(outbox, "a", 0);
	cr_assert_eq(outbox_change(outbox, "a", false, 7, NULL), RC_OK);
	cr_expect_eq(outbox_find(outbox, "a")->last_change_ms, 7);
	outbox_clear(outbox);
	cr_expect_eq(outbox_count(outbox), 0);
	cr_expect_eq(outbox_due_ms(outbox), OUTBOX_NEVER);
	outbox_destroy(outbox);
}

Test(outbox, records_of_a_previous_process_do_not_replace_known_state)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 0);

	entry->reported = CONTAINER_FAILED;
	cr_assert_eq(outbox_remember(outbox, "a", KUBE_DEPLOYMENT, "name-a", CONTAINER_RUNNING, 0, NULL), RC_OK);
	cr_assert_eq(outbox_remember(outbox, "b", KUBE_DEPLOYMENT, "name-b", CONTAINER_RUNNING, 0, NULL), RC_OK);
	cr_expect_eq(entry->reported, CONTAINER_FAILED);
	cr_expect_not(entry->forced, "known state is not published again each time records are read");
	cr_expect_eq(outbox_find(outbox, "b")->reported, CONTAINER_RUNNING);
	cr_expect_str_eq(outbox_entry_name(outbox_find(outbox, "b")), "name-b");
	outbox_destroy(outbox);
}

Test(outbox, an_expired_grace_period_makes_an_entry_due)
{
	struct outbox *outbox = make(DEBOUNCE_MS);
	struct outbox_entry *entry = change(outbox, "a", 0);

	outbox_rest(outbox, entry, 5000);
	cr_expect_eq(outbox_due_ms(outbox), 5000);
	change(outbox, "a", 100);
	cr_expect_eq(outbox_due_ms(outbox), 100 + DEBOUNCE_MS);
	outbox_hurry(outbox);
	cr_expect_eq(outbox_take(outbox, 0), entry);
	outbox_destroy(outbox);
}

/* Entries are added and removed at random; the heap always returns the one that is due first. */
Test(outbox, the_heap_keeps_its_order)
{
	struct outbox *outbox = make(0);
	unsigned seed = 1;
	int64_t last = -1;
	char id[16];

	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "c%d", rand_r(&seed) % 500);
		change(outbox, id, rand_r(&seed) % 10000);
		if (i % 7 == 0)
			outbox_forget(outbox, outbox_find(outbox, id));
	}
	for (struct outbox_entry *entry; (entry = outbox_take(outbox, INT64_MAX - 1));) {
		cr_assert_geq(entry->due_ms, last);
		last = entry->due_ms;
		outbox_forget(outbox, entry);
	}
	cr_expect_eq(outbox_count(outbox), 0);
	outbox_destroy(outbox);
}

/* The age of a pending change: from the change until it is published and recorded, however often this is retried. */
Test(outbox, a_failed_event_is_pending_since_its_change)
{
	struct outbox *outbox = make(0);
	struct outbox_entry *entry = change(outbox, "a", 1000);
	const struct reconciled running = state_of("a", CONTAINER_RUNNING, "");

	cr_expect_eq(outbox_pending(outbox).oldest_ms, 1000);
	for (int64_t now = 2000; now < 100000; now += 20000) {
		tell(outbox, entry, &running, now);
		cr_expect_eq(outbox_pending(outbox).oldest_ms, 1000);
		outbox_fail(outbox, entry, now + 1);
		cr_expect_eq(outbox_pending(outbox).oldest_ms, 1000);
	}
	tell(outbox, entry, &running, 100000);
	change(outbox, "a", 100001);
	outbox_arrive(outbox, entry);
	outbox_record(outbox, entry, CONTAINER_RUNNING, 100002);
	cr_expect_eq(outbox_pending(outbox).oldest_ms, 1000);
	outbox_recorded(outbox, entry);
	cr_expect_eq(outbox_pending(outbox).oldest_ms, 100001, "a later change is pending since then");
	outbox_hurry(outbox);
	cr_expect_eq(outbox_pending(outbox).oldest_ms, 100001);
	outbox_rest(outbox, entry, OUTBOX_NEVER);
	cr_expect_eq(outbox_pending(outbox).oldest_ms, OUTBOX_NEVER);
	outbox_force_all(outbox, 200000, 60000, false);
	cr_expect_eq(outbox_pending(outbox).oldest_ms, OUTBOX_NEVER, "a resync is not a pending change");
	outbox_destroy(outbox);
}
