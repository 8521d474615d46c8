#include "monitor/delivery.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/bus/bus_inbox.h"
#include "common/container/record.h"
#include "common/container/workload.h"
#include "common/protocol.h"
#include "common/services/cloudevent.h"
#include "common/services/log.h"
#include "monitor/event.h"

#define TICK_MS 250             /* maximum sleep of the thread */
#define OVERDUE_EVERY_MS 100    /* interval of checks for overdue acknowledgements */
#define RECHECK_UNKNOWN_MS 2000 /* the API server did not respond */
#define RECHECK_REFUTED_MS 1000 /* refuted: the watch is late */
#define FLUSH_POLL_MS 10
#define SWEEP_MS 30000
#define SWEEP_SLACK 1000 /* entries above twice the number of containers before unreported ones are dropped */

/* A message that the thread sends without the lock. */
struct parcel {
	uint64_t ticket;  /* 0: nothing to send */
	int64_t until_ms; /* must not be sent later */
	bool acknowledged;
	char subject[BUS_BUCKET_SUBJECT_MAX];
	char event_id[CRYPTO_UUID_MAX]; /* "": no event */
	struct buf body;
};

struct question {
	struct question *next;
	struct delivery_question text;
};

struct delivery {
	struct delivery_options options;
	struct bus_inbox *inbox;
	char source[EVENT_SOURCE_MAX];
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* protects all below */
	pthread_cond_t wake;
	pthread_cond_t asked;
	bool woken;
	bool stopping;
	bool open;
	bool acknowledged;
	bool question_waits;
	int64_t allowed_until_ms;
	int64_t seen_ms; /* last progress of the thread */
	int64_t overdue_looked_ms;
	int64_t swept_ms;
	char bucket[BUS_BUCKET_MAX]; /* "": no records */
	struct kube_cache *cache;
	struct outbox *outbox;
	struct question *questions, **questions_end;
	struct delivery_counts counts;
};

static void wake_locked(struct delivery *d)
{
	d->woken = true;
	pthread_cond_signal(&d->wake);
}

/* ---- reading the cache ------------------------------------------------------------------------------------------- */

struct look {
	struct reconciled *reconciled;
	int64_t now_ms;
	struct status_rules rules;
	const char *namespace; /* NULL: the addresses of containers are unknown */
};

static void look_at(void *ctx, const struct fact *const *facts, size_t count)
{
	struct look *look = ctx;

	reconcile(facts, count, look->now_ms, &look->rules, look->namespace, look->reconciled);
}

static void look(struct delivery *d, const char *id, struct reconciled *reconciled)
{
	struct look ctx = { .reconciled = reconciled, .now_ms = clock_mono_ms(), .rules = d->options.rules };

	if (kube_cache_is_synced(d->cache, workload_child_kinds()))
		ctx.namespace = d->options.namespace;
	kube_cache_visit(d->cache, id, look_at, &ctx);
}

static int64_t recheck_of(const struct reconciled *reconciled)
{
	return reconciled->exists && reconciled->recheck_ms ? reconciled->recheck_ms : OUTBOX_NEVER;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static void pack_event(struct delivery *d, struct outbox_entry *entry, const struct reconciled *reconciled,
		       struct parcel *parcel)
{
	struct outbox_event fresh = { .digest = reconciled->digest,
				      .status = (int)reconciled->status,
				      .time_ms = clock_wall_ms() };
	struct event event = { .type = d->options.type,
			       .source = d->source,
			       .instance_id = entry->id,
			       .message = reconciled->message,
			       .output = &reconciled->output };

	if (fresh.time_ms <
	    entry->event.time_ms) /* the clock was set back; event times of a container must not decrease */
		fresh.time_ms = entry->event.time_ms;
	if (!crypto_random(fresh.id, sizeof(fresh.id))) {
		outbox_rest(d->outbox, entry, clock_mono_ms() + RECHECK_UNKNOWN_MS);
		return;
	}
	d->counts.retried += entry->repeated;
	parcel->ticket = outbox_send(d->outbox, entry, &fresh, recheck_of(reconciled), clock_mono_ms());
	parcel->acknowledged = d->acknowledged;
	snprintf(parcel->subject, sizeof(parcel->subject), "%s", resource_row(event.type)->event_subject);
	event.status = (enum container_status)entry->event.status;
	event.time_ms = entry->event.time_ms;
	memcpy(event.id, entry->event.id, sizeof(event.id));
	event_write_id(&event, parcel->event_id);
	event_write(&event, &parcel->body);
}

static void pack_record(struct delivery *d, struct outbox_entry *entry, enum container_status status,
			struct parcel *parcel)
{
	const struct record record = {
		.id = entry->id, .kind = entry->kind, .name = outbox_entry_name(entry), .status = status
	};
	char key[RECORD_KEY_MAX];
	char body[BUS_BUCKET_SUBJECT_MAX];

	record_key(d->options.type, entry->id, key);
	if (status == CONTAINER_DELETED) {
		bus_bucket_removal(d->bucket, key, parcel->subject, body);
		buf_add_str(&parcel->body, body);
	} else {
		bus_bucket_subject(d->bucket, key, parcel->subject);
		record_write(&record, &parcel->body);
	}
	parcel->acknowledged = true;
	parcel->ticket = outbox_record(d->outbox, entry, status, clock_mono_ms());
}

/* Without the lock: a publish may block on the socket. */
static enum rc send_parcel(struct delivery *d, const struct parcel *parcel, struct error *err)
{
	const struct bus_header headers[] = {
		{ CLOUDEVENT_HEADER, CLOUDEVENT_CONTENT_TYPE },
		{ BUS_STREAM_MESSAGE_ID, parcel->event_id },
	};
	const struct bus_outgoing out = {
		.subject = parcel->subject,
		.headers = headers,
		.header_count = parcel->event_id[0] ? ARRAY_LEN(headers) : 0,
		.data = parcel->body.data,
		.len = parcel->body.len,
	};
	enum rc rc = buf_check(&parcel->body, err);

	if (!rc && clock_mono_ms() >= parcel->until_ms) /* the process may have been suspended meanwhile */
		rc = error_set(err, RC_TIMEOUT, "the lease expired before the event was sent");
	if (rc)
		return rc;
	return parcel->acknowledged ? bus_inbox_ask(d->inbox, parcel->ticket, &out, err)
				    : bus_publish(d->options.bus, &out, err);
}

/* ---- acknowledgements -------------------------------------------------------------------------------------------- */

static void note_arrival(struct delivery *d, struct outbox_entry *entry)
{
	d->counts.failing = false;
	d->counts.published++;
	d->counts.deleted += entry->event.status == CONTAINER_DELETED;
	d->counts.sending_ns += (clock_mono_ms() - (entry->deadline_ms - OUTBOX_ACK_MS)) * 1000000;
	outbox_arrive(d->outbox, entry);
}

static void note_failure(struct delivery *d, struct outbox_entry *entry, const struct error *err)
{
	d->counts.failing = true;
	snprintf(d->counts.last_error, sizeof(d->counts.last_error), "%s", err->text);
	log_debug("not acknowledged; retrying", log_str("id", entry->id),
		  log_str("state", outbox_state_name(entry->state)), log_err(err));
	outbox_fail(d->outbox, entry, clock_mono_ms());
}

static enum rc take_reply(struct delivery *d, struct outbox_entry *entry, struct bus_message *msg, struct error *err)
{
	enum rc rc;

	if (entry->state == OUTBOX_SENDING) {
		rc = bus_stream_read_ack(msg, NULL, err);
		if (!rc)
			note_arrival(d, entry);
		return rc;
	}
	rc = entry->recorded == CONTAINER_DELETED ? bus_bucket_read_removal(msg, err)
						  : bus_stream_read_ack(msg, NULL, err);
	if (!rc) {
		d->counts.recorded++;
		outbox_recorded(d->outbox, entry);
	}
	return rc;
}

/* On a thread of cnats. */
static void on_reply(void *ctx, uint64_t ticket, struct bus_message *msg)
{
	struct bus_message *owned cleanup_bus_message = msg;
	struct delivery *d = ctx;
	struct outbox_entry *entry;
	struct error err = { 0 };
	enum rc rc = RC_OK;

	pthread_mutex_lock(&d->lock);
	entry = outbox_awaiting(d->outbox, ticket);
	if (entry) {
		rc = take_reply(d, entry, owned, &err);
		if (rc)
			note_failure(d, entry, &err);
		wake_locked(d);
	}
	pthread_mutex_unlock(&d->lock);
	if (rc && d->options.on_doubt)
		d->options.on_doubt(d->options.ctx);
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

/* If out of memory, the question is retried later. */
static void queue_question(struct delivery *d, struct outbox_entry *entry, enum container_status status)
{
	struct question *question = calloc(1, sizeof(*question));

	outbox_ask(d->outbox, entry);
	if (!question) {
		outbox_answer(d->outbox, entry, OUTBOX_NOTHING, clock_mono_ms() + RECHECK_UNKNOWN_MS);
		return;
	}
	snprintf(question->text.id, sizeof(question->text.id), "%s", entry->id);
	question->text.kind = entry->kind;
	snprintf(question->text.name, sizeof(question->text.name), "%s", outbox_entry_name(entry));
	question->text.type = d->options.type;
	question->text.status = status;
	question->text.rules = d->options.rules;
	*d->questions_end = question;
	d->questions_end = &question->next;
	d->question_waits = true;
	pthread_cond_signal(&d->asked);
}

static void handle_state(struct delivery *d, struct outbox_entry *entry, struct parcel *parcel)
{
	struct reconciled reconciled cleanup_reconciled = { .exists = false };

	look(d, entry->id, &reconciled);
	switch (outbox_judge(entry, &reconciled)) {
	case OUTBOX_REST:
		outbox_rest(d->outbox, entry, recheck_of(&reconciled));
		break;
	case OUTBOX_TELL:
		if (d->bucket[0] && outbox_records_first(entry, reconciled.status))
			pack_record(d, entry, reconciled.status, parcel);
		else
			pack_event(d, entry, &reconciled, parcel);
		break;
	case OUTBOX_CHECK:
		queue_question(d, entry, reconciled.status);
		break;
	case OUTBOX_FORGET:
		outbox_forget(d->outbox, entry);
		break;
	}
}

static void handle_due(struct delivery *d, struct outbox_entry *entry, struct parcel *parcel)
{
	if (entry->record_ms > clock_mono_ms())
		handle_state(d, entry, parcel);
	else if (d->bucket[0])
		pack_record(d, entry, (enum container_status)entry->reported, parcel);
	else
		outbox_skip_record(d->outbox, entry);
}

static void deliver_locked(struct delivery *d, struct parcel *parcel)
{
	struct outbox_entry *entry;
	struct error err = { 0 };
	enum rc rc;

	parcel->until_ms = d->allowed_until_ms;
	pthread_mutex_unlock(&d->lock);
	rc = send_parcel(d, parcel, &err);
	pthread_mutex_lock(&d->lock);
	entry = outbox_awaiting(d->outbox, parcel->ticket); /* the reply may have arrived first */
	if (!entry)
		return;
	if (rc)
		note_failure(d, entry, &err);
	else if (!parcel->acknowledged)
		note_arrival(d, entry);
}

static void fail_overdue(struct delivery *d, int64_t now_ms)
{
	struct error err;
	struct outbox_entry *entry;
	bool any = false;

	if (now_ms - d->overdue_looked_ms < OVERDUE_EVERY_MS)
		return;
	d->overdue_looked_ms = now_ms;
	(void)error_set(&err, RC_TIMEOUT, "no acknowledgement within %d ms", OUTBOX_ACK_MS); /* constant text */
	while ((entry = outbox_overdue(d->outbox, now_ms))) {
		note_failure(d, entry, &err);
		any = true;
	}
	if (any && d->options.on_doubt)
		d->options.on_doubt(d->options.ctx);
}

static bool may_tell(const struct delivery *d, int64_t now_ms)
{
	return d->open && now_ms < d->allowed_until_ms && bus_connected(d->options.bus);
}

static void forget_unheard(void *ctx, struct outbox_entry *entry)
{
	struct delivery *d = ctx;
	struct reconciled reconciled cleanup_reconciled = { .exists = false };

	if (entry->state != OUTBOX_RESTING || entry->reported != OUTBOX_NOTHING || entry->recorded != OUTBOX_NOTHING)
		return;
	look(d, entry->id, &reconciled);
	if (!reconciled.exists)
		outbox_forget(d->outbox, entry);
}

/*
 * While publishing is impossible, thousands of containers may be created and deleted. Deleted ones that were never
 * reported or recorded are dropped, to bound memory by the number of containers.
 */
static void sweep(struct delivery *d, int64_t now_ms)
{
	if (!d->cache || now_ms - d->swept_ms < SWEEP_MS)
		return;
	d->swept_ms = now_ms;
	if (outbox_count(d->outbox) > 2 * kube_cache_size(d->cache).instances + SWEEP_SLACK)
		outbox_visit(d->outbox, forget_unheard, d);
}

static void wait_for_work(struct delivery *d, int64_t now_ms)
{
	int64_t wait_ms = TICK_MS;

	if (may_tell(d, now_ms)) {
		int64_t due_ms = outbox_due_ms(d->outbox);

		if (due_ms - now_ms < wait_ms)
			wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
	} else {
		sweep(d, now_ms);
	}
	(void)thread_wait_until(&d->wake, &d->lock, &d->woken, wait_ms); /* check again in any case */
	d->woken = false;
}

static void *run_delivery(void *ctx)
{
	struct delivery *d = ctx;
	struct parcel parcel = { .body = buf_make(EVENT_MAX) };

	pthread_mutex_lock(&d->lock);
	while (!d->stopping) {
		int64_t now_ms = clock_mono_ms();
		struct outbox_entry *entry;

		d->seen_ms = now_ms;
		fail_overdue(d, now_ms);
		entry = may_tell(d, now_ms) ? outbox_take(d->outbox, now_ms) : NULL;
		if (!entry) {
			wait_for_work(d, now_ms);
			continue;
		}
		parcel.ticket = 0;
		parcel.event_id[0] = '\0';
		buf_reset(&parcel.body);
		handle_due(d, entry, &parcel);
		if (parcel.ticket)
			deliver_locked(d, &parcel);
	}
	pthread_mutex_unlock(&d->lock);
	buf_clear(&parcel.body);
	return NULL;
}

/*
 * ---- called by the coordinator -------------------------------------------------------------------------------------
 */

void delivery_begin(struct delivery *delivery, struct kube_cache *cache)
{
	pthread_mutex_lock(&delivery->lock);
	delivery->cache = cache;
	pthread_mutex_unlock(&delivery->lock);
}

void delivery_change(void *ctx, enum kube_kind kind, const char *instance_id)
{
	struct delivery *d = ctx;
	struct error err;

	if (strlen(instance_id) >= DELIVERY_ID_MAX)
		return; /* not a valid label */
	pthread_mutex_lock(&d->lock);
	if (d->cache) {
		if (outbox_change(d->outbox, instance_id, workload_is_root(kind), clock_mono_ms(), &err))
			log_error("cannot record a change; the next resync reports it", log_str("id", instance_id),
				  log_err(&err));
		wake_locked(d);
	}
	pthread_mutex_unlock(&d->lock);
}

void delivery_remember(struct delivery *delivery, const struct record *record)
{
	struct error err;

	if (strlen(record->id) >= DELIVERY_ID_MAX)
		return;
	pthread_mutex_lock(&delivery->lock);
	if (delivery->cache && outbox_remember(delivery->outbox, record->id, record->kind, record->name, record->status,
					       clock_mono_ms(), &err))
		log_error("cannot store a record", log_str("id", record->id), log_err(&err));
	pthread_mutex_unlock(&delivery->lock);
}

void delivery_open(struct delivery *delivery)
{
	pthread_mutex_lock(&delivery->lock);
	delivery->open = true;
	outbox_force_all(delivery->outbox, clock_mono_ms(), 0, false);
	wake_locked(delivery);
	pthread_mutex_unlock(&delivery->lock);
}

static void free_questions(struct delivery *d)
{
	struct question *next;

	for (struct question *q = d->questions; q; q = next) {
		next = q->next;
		free(q);
	}
	d->questions = NULL;
	d->questions_end = &d->questions;
	d->question_waits = false;
}

void delivery_end(struct delivery *delivery)
{
	pthread_mutex_lock(&delivery->lock);
	delivery->open = false;
	delivery->cache = NULL;
	outbox_clear(delivery->outbox);
	free_questions(delivery);
	pthread_mutex_unlock(&delivery->lock);
}

void delivery_allow(struct delivery *delivery, int64_t until_ms)
{
	pthread_mutex_lock(&delivery->lock);
	if (delivery->allowed_until_ms <= clock_mono_ms() && until_ms > delivery->allowed_until_ms)
		wake_locked(delivery);
	delivery->allowed_until_ms = until_ms;
	pthread_mutex_unlock(&delivery->lock);
}

bool delivery_is_allowed(struct delivery *delivery)
{
	bool allowed;

	pthread_mutex_lock(&delivery->lock);
	allowed = clock_mono_ms() < delivery->allowed_until_ms;
	pthread_mutex_unlock(&delivery->lock);
	return allowed;
}

void delivery_set_route(struct delivery *delivery, bool acknowledged, const char *bucket)
{
	pthread_mutex_lock(&delivery->lock);
	delivery->acknowledged = acknowledged;
	snprintf(delivery->bucket, sizeof(delivery->bucket), "%s", bucket ? bucket : "");
	pthread_mutex_unlock(&delivery->lock);
}

/* For the resync: an instance whose change was lost for lack of memory has no entry. */
static void note_missing(void *ctx, const struct fact *const *facts, size_t count)
{
	struct delivery *d = ctx;
	struct error err;

	for (size_t i = 0; i < count; i++)
		if (workload_is_root(facts[i]->kind) && facts[i]->instance_id[0] &&
		    strlen(facts[i]->instance_id) < DELIVERY_ID_MAX && !outbox_find(d->outbox, facts[i]->instance_id) &&
		    outbox_change(d->outbox, facts[i]->instance_id, true, clock_mono_ms(), &err))
			log_error("cannot record a container", log_str("id", facts[i]->instance_id), log_err(&err));
}

void delivery_tell_all(struct delivery *delivery, int64_t spread_ms, bool anew)
{
	pthread_mutex_lock(&delivery->lock);
	if (delivery->cache) {
		kube_cache_visit_all(delivery->cache, note_missing, delivery);
		outbox_force_all(delivery->outbox, clock_mono_ms(), spread_ms, anew);
		wake_locked(delivery);
	}
	pthread_mutex_unlock(&delivery->lock);
}

bool delivery_flush(struct delivery *delivery, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;
	bool done;

	pthread_mutex_lock(&delivery->lock);
	outbox_hurry(delivery->outbox);
	wake_locked(delivery);
	done = !delivery->open || outbox_pending(delivery->outbox).count == 0;
	while (!done && clock_mono_ms() < deadline_ms) {
		pthread_mutex_unlock(&delivery->lock);
		clock_sleep_ms(FLUSH_POLL_MS);
		pthread_mutex_lock(&delivery->lock);
		done = outbox_pending(delivery->outbox).count == 0;
	}
	pthread_mutex_unlock(&delivery->lock);
	return done;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

bool delivery_next_question(struct delivery *delivery, struct delivery_question *ret_question)
{
	struct question *question = NULL;

	pthread_mutex_lock(&delivery->lock);
	while (!delivery->questions && !delivery->stopping)
		(void)thread_wait_until(&delivery->asked, &delivery->lock, &delivery->question_waits, TICK_MS);
	if (!delivery->stopping) {
		question = delivery->questions;
		delivery->questions = question->next;
		if (!delivery->questions)
			delivery->questions_end = &delivery->questions;
		delivery->question_waits = delivery->questions != NULL;
		*ret_question = question->text;
	}
	pthread_mutex_unlock(&delivery->lock);
	free(question);
	return question != NULL;
}

void delivery_answer(struct delivery *delivery, const struct delivery_question *question, enum delivery_answer answer)
{
	static const int64_t pause_ms[] = {
		[DELIVERY_CONFIRMED] = 0,
		[DELIVERY_REFUTED] = RECHECK_REFUTED_MS,
		[DELIVERY_UNKNOWN] = RECHECK_UNKNOWN_MS,
	};
	struct outbox_entry *entry;

	pthread_mutex_lock(&delivery->lock);
	entry = outbox_find(delivery->outbox, question->id);
	if (entry)
		outbox_answer(delivery->outbox, entry,
			      answer == DELIVERY_CONFIRMED ? (int)question->status : OUTBOX_NOTHING,
			      clock_mono_ms() + pause_ms[answer]);
	wake_locked(delivery);
	pthread_mutex_unlock(&delivery->lock);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

enum rc delivery_create(const struct delivery_options *options, struct delivery **ret_delivery, struct error *err)
{
	struct delivery *d = calloc(1, sizeof(*d));
	enum rc rc;

	if (!d)
		return error_no_memory(err);
	d->options = *options;
	d->questions_end = &d->questions;
	d->seen_ms = clock_mono_ms();
	event_write_source(options->provider_name, d->source);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	pthread_cond_init(&d->asked, NULL);
	rc = outbox_create(options->debounce_ms, &d->outbox, err);
	if (!rc)
		rc = bus_inbox_create(options->bus, on_reply, d, &d->inbox, err);
	if (!rc)
		rc = thread_start(run_delivery, d, &d->thread, err);
	d->running = !rc;
	*ret_delivery = d; /* also after a failure: the inbox refers to it until bus_destroy() */
	return rc;
}

void delivery_stop(struct delivery *delivery)
{
	if (!delivery || !delivery->running)
		return;
	pthread_mutex_lock(&delivery->lock);
	delivery->stopping = true;
	delivery->woken = true;
	delivery->question_waits = true;
	pthread_cond_broadcast(&delivery->wake);
	pthread_cond_broadcast(&delivery->asked);
	pthread_mutex_unlock(&delivery->lock);
	pthread_join(delivery->thread, NULL);
	delivery->running = false;
}

void delivery_destroy(struct delivery *delivery)
{
	if (!delivery)
		return;
	delivery_stop(delivery);
	free_questions(delivery);
	outbox_destroy(delivery->outbox);
	bus_inbox_destroy(delivery->inbox);
	pthread_cond_destroy(&delivery->asked);
	pthread_cond_destroy(&delivery->wake);
	pthread_mutex_destroy(&delivery->lock);
	free(delivery);
}

void delivery_counts(struct delivery *delivery, struct delivery_counts *ret_counts)
{
	struct outbox_pending pending;
	int64_t now_ms = clock_mono_ms();

	pthread_mutex_lock(&delivery->lock);
	pending = outbox_pending(delivery->outbox);
	*ret_counts = delivery->counts;
	ret_counts->entries = outbox_count(delivery->outbox);
	ret_counts->pending = pending.count;
	ret_counts->lag_ms = pending.oldest_ms == OUTBOX_NEVER ? 0 : now_ms - pending.oldest_ms;
	ret_counts->idle_ms = now_ms - delivery->seen_ms;
	pthread_mutex_unlock(&delivery->lock);
}

static void count_status(void *ctx, struct outbox_entry *entry)
{
	size_t *counts = ctx;

	if (entry->reported >= 0 && entry->reported < DELIVERY_STATUSES)
		counts[entry->reported]++;
}

void delivery_statuses(struct delivery *delivery, size_t ret_counts[DELIVERY_STATUSES])
{
	memset(ret_counts, 0, DELIVERY_STATUSES * sizeof(ret_counts[0]));
	pthread_mutex_lock(&delivery->lock);
	outbox_visit(delivery->outbox, count_status, ret_counts);
	pthread_mutex_unlock(&delivery->lock);
}
