#include "api-svc/worker_calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/memory_budget.h"
#include "common/base/strutil.h"
#include "common/services/log.h"

#define FIRST_CALLS 64
#define NO_CALL UINT32_MAX

static const char *const state_names[WORKER_CALL_STATE_COUNT] = {
	[WORKER_CALL_FREE] = "FREE",
	[WORKER_CALL_WAITING] = "WAITING",
	[WORKER_CALL_ASKED] = "ASKED",
};

/* How the operations differ. */
static const struct policy {
	bool asks_again;          /* when refused or without an answer; else the first refusal is the answer */
	bool changes_something;   /* an asking that was lost may have been carried out */
	bool until_done;          /* any failure but the deadline is answered by asking again */
	int64_t again_ms, max_ms; /* between askings that were refused */
} policies[OPERATION_COUNT] = {
	/* clang-format off */
	[OPERATION_CREATE] = { .asks_again = true, .changes_something = true, .again_ms = 50, .max_ms = 250 },
	[OPERATION_UNDO]   = { .asks_again = true, .changes_something = true, .until_done = true,
			       .again_ms = 250, .max_ms = 5000 },
	[OPERATION_GET]    = { .asks_again = true, .again_ms = 50, .max_ms = 250 },
	[OPERATION_LIST]   = { .asks_again = true, .again_ms = 50, .max_ms = 250 },
	[OPERATION_DELETE] = { .asks_again = true, .changes_something = true, .again_ms = 50, .max_ms = 250 },
	[OPERATION_HEALTH] = { .asks_again = false },
	/* clang-format on */
};

static const struct policy *policy_of(const struct worker_call *call)
{
	return &policies[call->package->operation];
}

void worker_finished_tell(struct worker_finished *finished)
{
	if (!finished->done)
		return;
	finished->done(finished->ctx, finished->cookie, &finished->reply);
	worker_reply_clear(&finished->reply);
	finished->done = NULL;
}

/* ---- packages ---- */

struct worker_package *worker_package_make(const struct worker_ask *ask, int64_t wall_ms)
{
	struct worker_package *p = malloc(sizeof(*p) + ask->len);

	if (!p)
		return NULL;
	atomic_init(&p->references, 1);
	p->operation = ask->operation;
	p->len = ask->len;
	memory_budget_add(p->len);
	snprintf(p->deadline, sizeof(p->deadline), "%" PRId64, wall_ms + ask->timeout_ms);
	snprintf(p->request_id, sizeof(p->request_id), "%s", ask->request_id);
	snprintf(p->traceparent, sizeof(p->traceparent), "%s", ask->traceparent ? ask->traceparent : "");
	if (ask->len > 0)
		memcpy(p->body, ask->body, ask->len);
	return p;
}

void worker_package_unref(struct worker_package *package)
{
	if (package && atomic_fetch_sub(&package->references, 1) == 1) {
		memory_budget_give(package->len);
		free(package);
	}
}

/* ---- the table ---- */

void worker_calls_init(struct worker_calls *calls, int64_t worker_wait_ms)
{
	*calls = (struct worker_calls){
		.first_free = NO_CALL,
		.worker_wait_ms = worker_wait_ms,
		.next_due_ms = INT64_MAX,
	};
}

void worker_calls_clear(struct worker_calls *calls)
{
	for (uint32_t i = 0; i < calls->capacity; i++) {
		worker_package_unref(calls->items[i].package);
		worker_join_clear(&calls->items[i].join);
	}
	free(calls->items);
	worker_calls_init(calls, calls->worker_wait_ms);
}

static bool grow(struct worker_calls *calls)
{
	uint32_t capacity = calls->capacity ? calls->capacity * 2 : FIRST_CALLS;
	struct worker_call *grown = realloc(calls->items, capacity * sizeof(*grown));

	if (!grown)
		return false;
	calls->items = grown;
	for (uint32_t i = capacity; i > calls->capacity; i--) {
		grown[i - 1] = (struct worker_call){ .next_free = calls->first_free, .due_ms = INT64_MAX };
		calls->first_free = i - 1;
	}
	calls->capacity = capacity;
	return true;
}

static struct worker_call *find_call(struct worker_calls *calls, const struct worker_attempt *a)
{
	struct worker_call *call = a->index < calls->capacity ? &calls->items[a->index] : NULL;

	return call && call->state != WORKER_CALL_FREE && call->generation == a->generation ? call : NULL;
}

static uint32_t index_of(const struct worker_calls *calls, const struct worker_call *call)
{
	return (uint32_t)(call - calls->items);
}

static void set_state(struct worker_calls *calls, struct worker_call *call, enum worker_call_state state,
		      int64_t due_ms)
{
	if (log_enabled(LOG_DEBUG) && call->state != state)
		log_debug("call", log_num("call", index_of(calls, call)), log_str("from", state_names[call->state]),
			  log_str("to", state_names[state]), log_num("attempt", call->attempt),
			  log_str("request_id", call->package->request_id));
	call->state = state;
	call->due_ms = due_ms;
	if (due_ms < calls->next_due_ms)
		calls->next_due_ms = due_ms;
}

static int64_t before_deadline(const struct worker_call *call, int64_t due_ms)
{
	return due_ms < call->deadline_ms ? due_ms : call->deadline_ms;
}

/* Its place is free afterwards. */
static void end_call(struct worker_calls *calls, struct worker_call *call, struct worker_reply *reply,
		     struct worker_finished *finished)
{
	*finished = (struct worker_finished){
		.done = call->done,
		.ctx = call->ctx,
		.cookie = call->cookie,
		.reply = *reply,
	};
	set_state(calls, call, WORKER_CALL_FREE, INT64_MAX);
	calls->open[call->package->operation]--;
	worker_package_unref(TAKE(call->package));
	worker_join_clear(&call->join);
	call->generation++;
	call->next_free = calls->first_free;
	calls->first_free = index_of(calls, call);
}

bool worker_calls_add(struct worker_calls *calls, const struct worker_ask *ask, struct worker_package *package,
		      int64_t now_ms, struct worker_attempt *ret_attempt)
{
	const struct policy *policy = &policies[ask->operation];
	struct worker_call *call;

	if (calls->first_free == NO_CALL && !grow(calls))
		return false;
	call = &calls->items[calls->first_free];
	*ret_attempt = (struct worker_attempt){ .index = calls->first_free, .generation = call->generation };
	calls->first_free = call->next_free;
	*call = (struct worker_call){
		.generation = call->generation,
		.package = package,
		.started_ms = now_ms,
		.deadline_ms = now_ms + ask->timeout_ms,
		.silence_ms = WORKER_SILENCE_MS,
		.backoff = { .first_ms = policy->again_ms, .max_ms = policy->max_ms },
		.done = ask->done,
		.ctx = ask->ctx,
		.cookie = ask->cookie,
	};
	calls->open[ask->operation]++;
	set_state(calls, call, WORKER_CALL_WAITING,
		  before_deadline(call, ask->delay_ms > 0 ? now_ms + ask->delay_ms : INT64_MAX));
	return true;
}

/* ---- what happens ---- */

static void give_up(struct worker_calls *calls, struct worker_call *call, enum rc rc, const char *why, bool unknown,
		    struct worker_finished *finished)
{
	struct worker_reply reply = { .outcome_unknown = unknown && policy_of(call)->changes_something };

	error_set(&reply.error, rc, "%s", why);
	end_call(calls, call, &reply, finished);
}

static bool may_run(const struct worker_call *call)
{
	return call->lost > 0 || call->state == WORKER_CALL_ASKED;
}

static void on_deadline(struct worker_calls *calls, struct worker_call *call, struct worker_finished *finished)
{
	if (may_run(call))
		give_up(calls, call, RC_TIMEOUT, "no answer came in time", true, finished);
	else
		give_up(calls, call, RC_UNAVAILABLE, "no worker took the request in time; nothing was done", false,
			finished);
}

static void ask_later(struct worker_calls *calls, struct worker_call *call, int64_t now_ms)
{
	set_state(calls, call, WORKER_CALL_WAITING, before_deadline(call, now_ms + backoff_next_ms(&call->backoff)));
}

/* The latest asking was refused before anything was started. Takes the reply over. */
static void on_refused(struct worker_calls *calls, struct worker_call *call, struct worker_reply *reply, int64_t now_ms,
		       struct worker_finished *finished)
{
	const struct policy *policy = policy_of(call);
	bool bounded = !policy->until_done;
	int64_t wait_end;

	if (!call->refused_ms)
		call->refused_ms = call->lost ? now_ms : call->started_ms;
	wait_end = call->refused_ms + calls->worker_wait_ms;
	if (!policy->asks_again || (bounded && now_ms >= wait_end)) {
		/* An earlier asking that was lost may run somewhere, or may have run. */
		reply->outcome_unknown |= call->lost > 0 && policy->changes_something;
		end_call(calls, call, reply, finished);
		return;
	}
	worker_reply_clear(reply);
	ask_later(calls, call, now_ms);
	if (bounded && call->due_ms > wait_end)
		set_state(calls, call, WORKER_CALL_WAITING, wait_end);
}

static bool is_refusal(enum rc rc)
{
	return rc == RC_BUSY || rc == RC_UNSUPPORTED;
}

/* A complete answer of a worker, to the latest or to an earlier asking. Takes it over. */
static void on_reply(struct worker_calls *calls, struct worker_call *call, unsigned attempt, struct worker_reply *reply,
		     int64_t now_ms, struct worker_finished *finished)
{
	enum rc rc = reply->error.rc;

	if (is_refusal(rc) && (attempt != call->attempt || call->state != WORKER_CALL_ASKED)) {
		worker_reply_clear(reply); /* a later asking is under way */
	} else if (is_refusal(rc)) {
		on_refused(calls, call, reply, now_ms, finished);
	} else if (rc != RC_OK && policy_of(call)->until_done) {
		log_debug("asking again", log_str("operation", operation_name(call->package->operation)),
			  log_err(&reply->error), log_str("request_id", call->package->request_id));
		worker_reply_clear(reply);
		ask_later(calls, call, now_ms);
	} else {
		/* An asking that was lost may still be carried out, although another one has failed. */
		reply->outcome_unknown |= rc != RC_OK && call->lost > 0 && policy_of(call)->changes_something;
		end_call(calls, call, reply, finished);
	}
}

struct worker_package *worker_calls_begin(struct worker_calls *calls, struct worker_attempt *attempt, int64_t now_ms)
{
	struct worker_call *call = find_call(calls, attempt);

	if (!call || call->state != WORKER_CALL_WAITING)
		return NULL;
	attempt->number = ++call->attempt;
	attempt->shown = call->lost + 1;
	atomic_fetch_add(&call->package->references, 1);
	set_state(calls, call, WORKER_CALL_ASKED, before_deadline(call, now_ms + call->silence_ms));
	return call->package;
}

/* The call whose latest asking this is; NULL when it is over, or another asking is under way. */
static struct worker_call *find_asked(struct worker_calls *calls, const struct worker_attempt *attempt)
{
	struct worker_call *call = find_call(calls, attempt);

	return call && call->state == WORKER_CALL_ASKED && call->attempt == attempt->number ? call : NULL;
}

void worker_calls_refused(struct worker_calls *calls, const struct worker_attempt *attempt, const char *why,
			  int64_t now_ms, struct worker_finished *finished)
{
	struct worker_call *call = find_asked(calls, attempt);
	struct worker_reply reply = { .body = NULL };

	if (!call)
		return;
	error_set(&reply.error, RC_UNAVAILABLE, "%s", why);
	on_refused(calls, call, &reply, now_ms, finished);
}

void worker_calls_failed(struct worker_calls *calls, const struct worker_attempt *attempt, const struct error *err,
			 struct worker_finished *finished)
{
	struct worker_call *call = find_asked(calls, attempt);

	if (call)
		give_up(calls, call, err->rc, err->text, call->lost > 0, finished);
}

/* The bytes of a complete reply: the joined parts, or a copy of the message. */
static char *take_body(struct worker_call *call, const struct worker_message *msg, size_t *ret_len)
{
	struct buf copy;

	if (msg->part)
		return buf_take(&call->join.data, ret_len);
	copy = buf_make(PROTOCOL_REPLY_MAX);
	buf_add(&copy, msg->data, msg->len);
	return buf_take(&copy, ret_len);
}

static void on_whole_reply(struct worker_calls *calls, struct worker_call *call, const struct worker_message *msg,
			   int64_t now_ms, struct worker_finished *finished)
{
	struct worker_reply reply;
	size_t len = 0;
	char *body = take_body(call, msg, &len);

	if (!worker_reply_read(call->package->operation, msg->status, body, len, &reply)) {
		log_error("malformed reply", log_err(&reply.error), log_str("request_id", call->package->request_id));
		reply.outcome_unknown = policy_of(call)->changes_something;
	}
	on_reply(calls, call, msg->attempt, &reply, now_ms, finished);
}

/* Somebody is at it: not silent, only slow. */
static void on_sign_of_life(struct worker_calls *calls, struct worker_call *call, int64_t now_ms)
{
	if (call->state == WORKER_CALL_ASKED)
		set_state(calls, call, WORKER_CALL_ASKED, before_deadline(call, now_ms + call->silence_ms));
}

void worker_calls_message(struct worker_calls *calls, const struct worker_attempt *attempt,
			  const struct worker_message *msg, int64_t now_ms, struct worker_finished *finished)
{
	struct worker_call *call = find_call(calls, attempt);

	if (!call)
		return;
	if (str_equal(msg->status, PROTOCOL_STATUS_WORKING)) {
		on_sign_of_life(calls, call, now_ms);
		return;
	}
	switch (worker_join_add(&call->join, msg)) {
	case WORKER_JOIN_DONE:
		on_whole_reply(calls, call, msg, now_ms, finished);
		break;
	case WORKER_JOIN_MORE:
		on_sign_of_life(calls, call, now_ms);
		break;
	case WORKER_JOIN_STRAY:
		log_debug("stray part of a reply", log_str("request_id", call->package->request_id));
		break;
	case WORKER_JOIN_MALFORMED:
		log_error("malformed part of a reply", log_str("request_id", call->package->request_id));
		give_up(calls, call, RC_INTERNAL, "the worker's answer is malformed", true, finished);
		break;
	case WORKER_JOIN_NO_ROOM:
		give_up(calls, call, RC_BUSY, "too many bytes of requests and answers are in flight", true, finished);
		break;
	}
}

void worker_calls_lost(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_finished *finished)
{
	struct worker_call *call = &calls->items[index];

	if (call->state != WORKER_CALL_ASKED)
		return;
	if (!policy_of(call)->asks_again) {
		give_up(calls, call, RC_UNAVAILABLE, "the connection to NATS was lost", true, finished);
		return;
	}
	call->lost++;
	call->refused_ms = 0;
	ask_later(calls, call, now_ms);
}

void worker_calls_cancel(struct worker_calls *calls, uint32_t index, bool undo_too, struct worker_finished *finished)
{
	struct worker_call *call = &calls->items[index];

	if (call->state != WORKER_CALL_FREE && (undo_too || !policy_of(call)->until_done))
		give_up(calls, call, RC_UNAVAILABLE, "the service is stopping", may_run(call), finished);
}

void worker_calls_hurry(struct worker_calls *calls, uint32_t index, int64_t now_ms)
{
	struct worker_call *call = &calls->items[index];

	if (call->state == WORKER_CALL_WAITING && policy_of(call)->until_done)
		set_state(calls, call, WORKER_CALL_WAITING, now_ms);
}

bool worker_calls_due(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_attempt *ret_attempt,
		      struct worker_finished *finished)
{
	struct worker_call *call = &calls->items[index];

	if (call->state == WORKER_CALL_FREE || call->due_ms > now_ms)
		return false;
	if (now_ms >= call->deadline_ms) {
		on_deadline(calls, call, finished);
		return false;
	}
	if (call->state == WORKER_CALL_ASKED) { /* nobody has answered: the worker may be dead */
		log_debug("no answer; asking again", log_str("request_id", call->package->request_id));
		call->lost++;
		call->refused_ms = 0;
		call->silence_ms *= 2;
		set_state(calls, call, WORKER_CALL_WAITING, now_ms);
	}
	*ret_attempt = (struct worker_attempt){ .index = index, .generation = call->generation };
	return true;
}
