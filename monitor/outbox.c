#include "monitor/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "monitor/outbox_heap.h"

#define MAX_WAIT_FACTOR 4 /* while flapping, publish at least every n debounce times */
#define RETRY_FIRST_MS 250
#define RETRY_DOUBLINGS_MAX 6 /* 16 s */
#define REMOVAL_TRIES 6       /* of a record; failures are counted up to RETRY_DOUBLINGS_MAX */

struct outbox {
	int64_t debounce_ms;
	struct hash_table by_id;
	struct outbox_heap heap; /* RESTING entries by due_ms */
	struct outbox_entry *window[OUTBOX_WINDOW];
	size_t in_window;
	uint64_t last_ticket;
};

/* ---- the machine ------------------------------------------------------------------------------------------------- */

#define NO OUTBOX_STATE_COUNT

/* clang-format off */
static const enum outbox_state steps[OUTBOX_STATE_COUNT][OUTBOX_HAPPENING_COUNT] = {
	/*
	 * ASK            ANSWER          SEND            ARRIVE          RECORD            DONE            FAIL
	 */
	[OUTBOX_RESTING]   = { OUTBOX_ASKING, NO,             OUTBOX_SENDING, NO,             OUTBOX_RECORDING, NO,             NO },
	[OUTBOX_ASKING]    = { NO,            OUTBOX_RESTING, NO,             NO,             NO,               NO,             NO },
	[OUTBOX_SENDING]   = { NO,            NO,             NO,             OUTBOX_RESTING, NO,               NO,             OUTBOX_RESTING },
	[OUTBOX_RECORDING] = { NO,            NO,             NO,             NO,             NO,               OUTBOX_RESTING, OUTBOX_RESTING },
};
/* clang-format on */

static const char *const state_names[OUTBOX_STATE_COUNT] = {
	[OUTBOX_RESTING] = "resting",
	[OUTBOX_ASKING] = "asking",
	[OUTBOX_SENDING] = "sending",
	[OUTBOX_RECORDING] = "recording",
};

enum outbox_state outbox_step(enum outbox_state state, enum outbox_happening happening)
{
	return steps[state][happening];
}

const char *outbox_state_name(enum outbox_state state)
{
	return state_names[state];
}

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When the entry is due. */
static int64_t due_of(const struct outbox *outbox, const struct outbox_entry *e)
{
	int64_t due = e->recheck_ms;

	if (e->state != OUTBOX_RESTING)
		return OUTBOX_NEVER;
	if (e->dirty)
		due = min(due, min(e->last_change_ms + outbox->debounce_ms,
				   e->first_change_ms + outbox->debounce_ms * MAX_WAIT_FACTOR));
	if (e->forced)
		due = min(due, e->forced_ms);
	return min(max(due, e->not_before_ms), e->record_ms);
}

static void reschedule(struct outbox *outbox, struct outbox_entry *e)
{
	e->due_ms = due_of(outbox, e);
	outbox_heap_place(&outbox->heap, e);
}

/* The only place that changes the state. Returns false for an invalid transition. */
static bool set_state(struct outbox *outbox, struct outbox_entry *e, enum outbox_happening happening)
{
	enum outbox_state next = outbox_step(e->state, happening);

	if (next == OUTBOX_STATE_COUNT)
		return false;
	e->state = next;
	if (next == OUTBOX_RESTING && e->ticket) {
		outbox->window[e->ticket % OUTBOX_WINDOW] = NULL;
		outbox->in_window--;
		e->ticket = 0;
	}
	return true;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

enum rc outbox_create(int64_t debounce_ms, struct outbox **ret_outbox, struct error *err)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return error_no_memory(err);
	outbox->debounce_ms = debounce_ms;
	if (!hash_table_init(&outbox->by_id)) {
		free(outbox);
		return error_no_memory(err);
	}
	*ret_outbox = outbox;
	return RC_OK;
}

static struct outbox_entry *entry_of(struct hash_link *link)
{
	return link ? hash_entry_of(link, struct outbox_entry, by_id) : NULL;
}

static void entry_free(struct outbox_entry *entry)
{
	free(entry->name);
	free(entry);
}

void outbox_visit(struct outbox *outbox, void (*visit)(void *ctx, struct outbox_entry *entry), void *ctx)
{
	struct hash_link *next;

	for (struct hash_link *link = hash_table_first(&outbox->by_id); link; link = next) {
		next = hash_table_after(&outbox->by_id, link);
		visit(ctx, entry_of(link));
	}
}

static void forget_visited(void *ctx, struct outbox_entry *entry)
{
	outbox_forget(ctx, entry);
}

void outbox_clear(struct outbox *outbox)
{
	outbox_visit(outbox, forget_visited, outbox);
}

void outbox_destroy(struct outbox *outbox)
{
	if (!outbox)
		return;
	outbox_clear(outbox);
	outbox_heap_clear(&outbox->heap);
	hash_table_clear(&outbox->by_id);
	free(outbox);
}

struct outbox_entry *outbox_find(struct outbox *outbox, const char *id)
{
	struct hash_link *link = hash_table_find(&outbox->by_id, hash_text(HASH_INIT, id));

	while (link && strcmp(entry_of(link)->id, id) != 0)
		link = hash_table_find_next(link);
	return entry_of(link);
}

size_t outbox_count(const struct outbox *outbox)
{
	return outbox->by_id.count;
}

/* A new entry, with a reserved slot in the heap. */
static struct outbox_entry *add_entry(struct outbox *outbox, const char *id)
{
	size_t size = strlen(id) + 1;
	struct outbox_entry *e;

	if (!outbox_heap_reserve(&outbox->heap, outbox->by_id.count + 1))
		return NULL;
	e = calloc(1, sizeof(*e) + size);
	if (!e)
		return NULL;
	memcpy(e->id, id, size);
	e->reported = OUTBOX_NOTHING;
	e->recorded = OUTBOX_NOTHING;
	e->confirmed = OUTBOX_NOTHING;
	e->due_ms = OUTBOX_NEVER;
	e->record_ms = OUTBOX_NEVER;
	e->recheck_ms = OUTBOX_NEVER;
	hash_table_add(&outbox->by_id, &e->by_id, hash_text(HASH_INIT, id));
	return e;
}

void outbox_forget(struct outbox *outbox, struct outbox_entry *entry)
{
	hash_table_remove(&outbox->by_id, &entry->by_id);
	outbox_heap_remove(&outbox->heap, entry);
	if (entry->ticket) {
		outbox->window[entry->ticket % OUTBOX_WINDOW] = NULL;
		outbox->in_window--;
	}
	entry_free(entry);
}

const char *outbox_entry_name(const struct outbox_entry *entry)
{
	return entry->name ? entry->name : entry->id;
}

/* If out of memory the id is used, which is equal for our own containers. */
static void set_name(struct outbox_entry *entry, const char *name)
{
	if (strcmp(outbox_entry_name(entry), name) == 0)
		return;
	free(entry->name);
	entry->name = strcmp(name, entry->id) == 0 ? NULL : str_dup(name);
}

/* ---- making entries due ------------------------------------------------------------------------------------------ */

static void begin_waiting(struct outbox_entry *e, int64_t since_ms)
{
	if (!e->waiting_ms)
		e->waiting_ms = since_ms;
}

enum rc outbox_change(struct outbox *outbox, const char *id, bool is_root, int64_t now_ms, struct error *err)
{
	struct outbox_entry *e = outbox_find(outbox, id);

	if (!e && !is_root)
		return RC_OK;
	if (!e)
		e = add_entry(outbox, id);
	if (!e)
		return error_no_memory(err);
	e->seen = e->seen || is_root;
	if (!e->dirty)
		e->first_change_ms = now_ms;
	e->dirty = true;
	e->last_change_ms = now_ms;
	begin_waiting(e, now_ms);
	reschedule(outbox, e);
	return RC_OK;
}

enum rc outbox_remember(struct outbox *outbox, const char *id, enum kube_kind kind, const char *name,
			enum container_status status, int64_t now_ms, struct error *err)
{
	struct outbox_entry *e = outbox_find(outbox, id);

	if (e && e->reported != OUTBOX_NOTHING)
		return RC_OK;
	if (!e)
		e = add_entry(outbox, id);
	if (!e)
		return error_no_memory(err);
	e->recorded = (int)status;
	e->reported = (int)status;
	e->kind = kind;
	set_name(e, name);
	e->forced = true;
	e->forced_ms = now_ms;
	reschedule(outbox, e);
	return RC_OK;
}

static void end_pauses(struct outbox_entry *e)
{
	e->not_before_ms = 0;
	if (e->record_ms != OUTBOX_NEVER)
		e->record_ms = 0;
}

struct force {
	struct outbox *outbox;
	int64_t now_ms;
	int64_t spread_ms;
	bool anew;
};

static void force_one(void *ctx, struct outbox_entry *e)
{
	struct force *force = ctx;

	if (force->anew) {
		outbox_fail(force->outbox, e, force->now_ms);
		e->failures = 0;
		e->record_failures = 0;
		e->recorded = OUTBOX_NOTHING;
		end_pauses(e);
	}
	e->forced_ms = e->forced ? min(e->forced_ms, force->now_ms)
				 : force->now_ms + random_below(force->spread_ms + 1);
	e->forced = true;
	reschedule(force->outbox, e);
}

void outbox_force_all(struct outbox *outbox, int64_t now_ms, int64_t spread_ms, bool anew)
{
	struct force force = { .outbox = outbox, .now_ms = now_ms, .spread_ms = spread_ms, .anew = anew };

	outbox_visit(outbox, force_one, &force);
}

static void hurry_one(void *ctx, struct outbox_entry *e)
{
	e->forced_ms = 0;
	end_pauses(e);
	if (e->dirty)
		e->first_change_ms = e->last_change_ms = 0;
	reschedule(ctx, e);
}

void outbox_hurry(struct outbox *outbox)
{
	outbox->debounce_ms = 0;
	outbox_visit(outbox, hurry_one, outbox);
}

int64_t outbox_due_ms(const struct outbox *outbox)
{
	const struct outbox_entry *first = outbox_heap_first(&outbox->heap);

	return first && outbox->in_window < OUTBOX_WINDOW ? first->due_ms : OUTBOX_NEVER;
}

struct outbox_entry *outbox_take(struct outbox *outbox, int64_t now_ms)
{
	return outbox_due_ms(outbox) <= now_ms ? outbox_heap_first(&outbox->heap) : NULL;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

/* Whether a reported or recorded status is that of an existing container. */
static bool is_living(int status)
{
	return status != OUTBOX_NOTHING && status != CONTAINER_DELETED;
}

/* Of a deleted container. If the bucket refuses to remove its record, the entry is dropped later, to bound memory. */
static bool is_record_removed(const struct outbox_entry *entry)
{
	return entry->record_ms == OUTBOX_NEVER || entry->record_failures >= REMOVAL_TRIES;
}

static enum outbox_action judge_absent(const struct outbox_entry *entry, struct reconciled *reconciled)
{
	if (entry->reported == CONTAINER_DELETED && !is_living(entry->recorded))
		return is_record_removed(entry) ? OUTBOX_FORGET : OUTBOX_REST;
	if (!entry->seen && entry->reported == OUTBOX_NOTHING)
		return OUTBOX_FORGET;
	reconciled->status = CONTAINER_DELETED;
	reconcile_seal(reconciled);
	return entry->confirmed == CONTAINER_DELETED ? OUTBOX_TELL : OUTBOX_CHECK;
}

/* Whether the state may be an artefact that never existed, after another state was reported. */
static bool is_doubtful(const struct outbox_entry *entry, const struct reconciled *reconciled)
{
	return reconciled->podless && reconciled->status != CONTAINER_DELETED && is_living(entry->reported) &&
	       entry->reported != (int)reconciled->status;
}

enum outbox_action outbox_judge(struct outbox_entry *entry, struct reconciled *reconciled)
{
	if (!reconciled->exists)
		return judge_absent(entry, reconciled);
	entry->seen = true;
	entry->kind = reconciled->kind;
	set_name(entry, reconciled->name);
	if (!is_doubtful(entry, reconciled))
		entry->confirmed = OUTBOX_NOTHING;
	else if (!reconciled->unchanged && entry->confirmed != (int)reconciled->status)
		return OUTBOX_CHECK;
	if (reconciled->unchanged) {
		if (!entry->forced || !is_living(entry->reported))
			return OUTBOX_REST;
		reconciled->status = (enum container_status)entry->reported;
		reconcile_seal(reconciled);
		return OUTBOX_TELL;
	}
	if (entry->reported == CONTAINER_DELETED && reconciled->status == CONTAINER_DELETED)
		return OUTBOX_REST;
	if (entry->reported == (int)reconciled->status && entry->digest == reconciled->digest && !entry->forced)
		return OUTBOX_REST;
	return OUTBOX_TELL;
}

bool outbox_records_first(const struct outbox_entry *entry, enum container_status status)
{
	return status != CONTAINER_DELETED && !is_living(entry->reported) && !is_living(entry->recorded) &&
	       entry->record_failures < OUTBOX_FIRST_RECORD_TRIES;
}

/* The entry was processed: later events are new changes. */
static void looked_at(struct outbox_entry *entry, int64_t recheck_ms)
{
	entry->dirty = false;
	entry->forced = false;
	entry->recheck_ms = recheck_ms;
}

void outbox_rest(struct outbox *outbox, struct outbox_entry *entry, int64_t recheck_ms)
{
	looked_at(entry, recheck_ms);
	if (entry->record_ms == OUTBOX_NEVER)
		entry->waiting_ms = 0;
	reschedule(outbox, entry);
}

void outbox_ask(struct outbox *outbox, struct outbox_entry *entry)
{
	if (!set_state(outbox, entry, OUTBOX_ASK))
		return;
	looked_at(entry, OUTBOX_NEVER);
	reschedule(outbox, entry);
}

void outbox_answer(struct outbox *outbox, struct outbox_entry *entry, int confirmed, int64_t retry_ms)
{
	if (!set_state(outbox, entry, OUTBOX_ANSWER))
		return;
	entry->confirmed = confirmed;
	entry->forced = true;
	entry->forced_ms = retry_ms;
	reschedule(outbox, entry);
}

/* Give the entry a ticket with a free slot in the window; outbox_take() ensures that there is one. */
static uint64_t begin_flight(struct outbox *outbox, struct outbox_entry *entry, int64_t now_ms)
{
	do
		outbox->last_ticket++;
	while (outbox->window[outbox->last_ticket % OUTBOX_WINDOW]);
	entry->ticket = outbox->last_ticket;
	outbox->window[entry->ticket % OUTBOX_WINDOW] = entry;
	outbox->in_window++;
	entry->deadline_ms = now_ms + OUTBOX_ACK_MS;
	begin_waiting(entry, now_ms);
	reschedule(outbox, entry);
	return entry->ticket;
}

uint64_t outbox_send(struct outbox *outbox, struct outbox_entry *entry, const struct outbox_event *fresh,
		     int64_t recheck_ms, int64_t now_ms)
{
	if (!set_state(outbox, entry, OUTBOX_SEND))
		return 0;
	if (!entry->event.open || entry->event.digest != fresh->digest || entry->event.status != fresh->status)
		entry->event = *fresh;
	entry->event.open = true;
	looked_at(entry, recheck_ms);
	return begin_flight(outbox, entry, now_ms);
}

struct outbox_entry *outbox_awaiting(struct outbox *outbox, uint64_t ticket)
{
	struct outbox_entry *entry = outbox->window[ticket % OUTBOX_WINDOW];

	return entry && entry->ticket == ticket ? entry : NULL;
}

/*
 * Event and record are done. A deleted container is processed once more: it is dropped when its root no longer exists.
 */
static void settle(struct outbox *outbox, struct outbox_entry *entry)
{
	entry->waiting_ms = entry->dirty ? entry->first_change_ms : 0;
	if (entry->reported == CONTAINER_DELETED && !entry->forced) {
		entry->forced = true;
		entry->forced_ms = 0;
	}
	reschedule(outbox, entry);
}

void outbox_arrive(struct outbox *outbox, struct outbox_entry *entry)
{
	if (!set_state(outbox, entry, OUTBOX_ARRIVE))
		return;
	entry->event.open = false;
	entry->reported = entry->event.status;
	entry->digest = entry->event.digest;
	entry->repeated = false;
	entry->failures = 0;
	entry->not_before_ms = 0;
	if (entry->recorded == entry->reported) {
		settle(outbox, entry);
		return;
	}
	entry->record_ms = 0;
	reschedule(outbox, entry);
}

uint64_t outbox_record(struct outbox *outbox, struct outbox_entry *entry, enum container_status status, int64_t now_ms)
{
	if (!set_state(outbox, entry, OUTBOX_RECORD))
		return 0;
	entry->recorded = (int)status;
	entry->record_ms = OUTBOX_NEVER;
	return begin_flight(outbox, entry, now_ms);
}

void outbox_recorded(struct outbox *outbox, struct outbox_entry *entry)
{
	if (!set_state(outbox, entry, OUTBOX_DONE))
		return;
	entry->record_failures = 0;
	if (entry->recorded == entry->reported)
		settle(outbox, entry);
	else
		reschedule(outbox, entry);
}

void outbox_skip_record(struct outbox *outbox, struct outbox_entry *entry)
{
	entry->recorded = OUTBOX_NOTHING;
	entry->record_ms = OUTBOX_NEVER;
	settle(outbox, entry);
}

/* Count a failure. Returns the time of the next attempt. */
static int64_t retry_at(unsigned char *failures, int64_t now_ms)
{
	int64_t pause_ms = RETRY_FIRST_MS << *failures;

	if (*failures < RETRY_DOUBLINGS_MAX)
		++*failures;
	return now_ms + pause_ms + random_below(pause_ms / 2);
}

static void fail_event(struct outbox_entry *entry, int64_t now_ms)
{
	entry->repeated = true;
	entry->forced = true;
	entry->forced_ms = now_ms;
	entry->not_before_ms = retry_at(&entry->failures, now_ms);
}

static void fail_record(struct outbox_entry *entry, int64_t now_ms)
{
	int64_t retry_ms = retry_at(&entry->record_failures, now_ms);

	if (entry->recorded == entry->reported)
		entry->record_ms = retry_ms;
	else
		entry->not_before_ms = retry_ms; /* its event waits */
	entry->recorded = OUTBOX_NOTHING;
}

void outbox_fail(struct outbox *outbox, struct outbox_entry *entry, int64_t now_ms)
{
	bool recording = entry->state == OUTBOX_RECORDING;

	if (!set_state(outbox, entry, OUTBOX_FAIL))
		return;
	if (recording)
		fail_record(entry, now_ms);
	else
		fail_event(entry, now_ms);
	reschedule(outbox, entry);
}

struct outbox_entry *outbox_overdue(struct outbox *outbox, int64_t now_ms)
{
	for (size_t i = 0; outbox->in_window > 0 && i < OUTBOX_WINDOW; i++)
		if (outbox->window[i] && outbox->window[i]->deadline_ms <= now_ms)
			return outbox->window[i];
	return NULL;
}

static void count_pending(void *ctx, struct outbox_entry *e)
{
	struct outbox_pending *pending = ctx;

	if (!e->dirty && !e->forced && e->record_ms == OUTBOX_NEVER && e->state == OUTBOX_RESTING)
		return;
	pending->count++;
	if (e->waiting_ms)
		pending->oldest_ms = min(pending->oldest_ms, e->waiting_ms);
}

struct outbox_pending outbox_pending(struct outbox *outbox)
{
	struct outbox_pending pending = { .oldest_ms = OUTBOX_NEVER };

	outbox_visit(outbox, count_pending, &pending);
	return pending;
}
