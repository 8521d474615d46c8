#include "api-svc/pipeline/worker_calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory_budget.h"
#include "common/base/strutil.h"
#include "common/services/log.h"

static const char *const state_names[WORKER_CALL_STATE_COUNT] = {
	[WORKER_CALL_FREE] = "FREE",
	[WORKER_CALL_WAITING] = "WAITING",
	[WORKER_CALL_ASKED] = "ASKED",
	[WORKER_CALL_SETTLING] = "SETTLING",
};

/* The retry policies. */
static const struct policy {
	bool sent_again;          /* if rejected or without a reply; else the first rejection is the reply */
	bool begun_once;          /* but not if a worker may have started it */
	bool until_done;          /* after any failure until the deadline */
	bool first_success;       /* all workers reply: the first success wins, errors only if there is none */
	int64_t again_ms, max_ms; /* delays between rejected attempts */
} policies[OPERATION_REPEAT_COUNT] = {
	[OPERATION_SENT_ONCE] = { 0 },
	[OPERATION_BEGUN_ONCE] = { .sent_again = true, .begun_once = true, .again_ms = 50, .max_ms = 250 },
	[OPERATION_SENT_AGAIN] = { .sent_again = true, .again_ms = 50, .max_ms = 250 },
	[OPERATION_UNTIL_DONE] = { .sent_again = true, .until_done = true, .again_ms = 250, .max_ms = 5000 },
	[OPERATION_SENT_TO_ALL] = { .first_success = true },
};

/* Backoff for busy workers: frequent retries would add to the overload. */
#define BUSY_FIRST_MS 200
#define BUSY_MAX_MS 800
#define ANSWER_MS 300     /* of the wait time are reserved for the reply */
#define WAIT_LEAST_MS 700 /* wait time of a later call of the same request */

static const struct policy *policy_of(const struct worker_call *call)
{
	return &policies[operation_row(call->package->operation)->repeat];
}

/* Whether a lost attempt may have been executed and changed something. */
static bool changes_something(const struct worker_call *call)
{
	return operation_row(call->package->operation)->effect == OPERATION_CHANGES;
}

static bool only_reads(const struct worker_call *call)
{
	return operation_row(call->package->operation)->effect == OPERATION_READS;
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
	p->version = ask->version ? ask->version : PROTOCOL_VERSION;
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
		.slots = { .value_size = sizeof(struct worker_call) },
		.worker_wait_ms = worker_wait_ms,
		.next_due_ms = INT64_MAX,
	};
}

void worker_calls_clear(struct worker_calls *calls)
{
	for (uint32_t i = 0; i < calls->slots.capacity; i++) {
		struct worker_call *call = slots_at(&calls->slots, i);

		worker_package_unref(call->package);
		worker_join_clear(&call->join);
		worker_reply_clear(&call->reply);
	}
	slots_clear(&calls->slots);
	free(calls->promises);
	worker_calls_init(calls, calls->worker_wait_ms);
}

static struct worker_call *find_call(struct worker_calls *calls, const struct worker_attempt *a)
{
	return slots_is_valid(&calls->slots, a->call) ? slots_at(&calls->slots, slots_index(a->call)) : NULL;
}

static void set_state(struct worker_calls *calls, struct worker_call *call, enum worker_call_state state,
		      int64_t due_ms)
{
	if (log_enabled(LOG_DEBUG) && call->state != state)
		log_debug("call", log_num("call", call->index), log_str("from", state_names[call->state]),
			  log_str("to", state_names[state]), log_num("attempt", call->attempt),
			  log_str("request_id", call->package->request_id));
	call->state = state;
	call->due_ms = due_ms;
	if (due_ms < calls->next_due_ms)
		calls->next_due_ms = due_ms;
}

/* The time until which a worker must start. */
static int64_t begin_end(const struct worker_call *call)
{
	return call->wait_end_ms - ANSWER_MS;
}

static int64_t before_deadline(const struct worker_call *call, int64_t due_ms)
{
	return due_ms < call->deadline_ms ? due_ms : call->deadline_ms;
}

/* Its slot is free afterwards. */
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
	call->reply = (struct worker_reply){ .body = NULL };
	slots_release(&calls->slots, call->index);
}

/* The rest of the wait time, which all calls of a request share, so that its 503 is not late. */
static int64_t wait_ms(const struct worker_calls *calls, const struct worker_ask *ask)
{
	int64_t least = calls->worker_wait_ms < WAIT_LEAST_MS ? calls->worker_wait_ms : WAIT_LEAST_MS;
	int64_t rest = calls->worker_wait_ms - ask->elapsed_ms;

	return rest > least ? rest : least;
}

bool worker_calls_add(struct worker_calls *calls, const struct worker_ask *ask, struct worker_package *package,
		      int64_t now_ms, struct worker_attempt *ret_attempt)
{
	const struct policy *policy = &policies[operation_row(ask->operation)->repeat];
	struct worker_call *call;
	uint32_t index;

	if (!slots_take(&calls->slots, &index))
		return false;
	call = slots_at(&calls->slots, index);
	*ret_attempt = (struct worker_attempt){ .call = slots_ticket(&calls->slots, index) };
	*call = (struct worker_call){
		.index = index,
		.package = package,
		.wait_end_ms = now_ms + ask->delay_ms + wait_ms(calls, ask),
		.deadline_ms = now_ms + ask->timeout_ms,
		.silence_ms = WORKER_SILENCE_MS,
		.backoff = { .first_ms = policy->again_ms, .max_ms = policy->max_ms },
		.busy = { .first_ms = BUSY_FIRST_MS, .max_ms = BUSY_MAX_MS },
		.done = ask->done,
		.present = ask->present,
		.goes_on = ask->goes_on,
		.ctx = ask->ctx,
		.cookie = ask->cookie,
	};
	calls->open[ask->operation]++;
	set_state(calls, call, WORKER_CALL_WAITING,
		  ask->delay_ms ? before_deadline(call, now_ms + ask->delay_ms) : call->deadline_ms);
	return true;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

#define BEGUN "it was started, and its outcome is unknown"

/* After the permission to start a command, no response may suggest a retry. */
static bool has_begun(const struct worker_call *call)
{
	return policy_of(call)->begun_once && call->holder;
}

static void give_up(struct worker_calls *calls, struct worker_call *call, enum rc rc, const char *why, bool unknown,
		    struct worker_finished *finished)
{
	struct worker_reply reply = { .outcome_unknown = unknown && changes_something(call) };

	if (has_begun(call) && rc != RC_TIMEOUT)
		error_set(&reply.error, RC_TIMEOUT, BEGUN);
	else
		error_set(&reply.error, rc, "%s", why);
	worker_reply_clear(&call->reply);
	end_call(calls, call, &reply, finished);
}

static bool may_run(const struct worker_call *call)
{
	return call->lost > 0 || call->state == WORKER_CALL_ASKED || call->state == WORKER_CALL_SETTLING;
}

static void on_deadline(struct worker_calls *calls, struct worker_call *call, struct worker_finished *finished)
{
	if (may_run(call))
		give_up(calls, call, RC_TIMEOUT, "timeout waiting for the reply", true, finished);
	else
		give_up(calls, call, RC_UNAVAILABLE, "no worker accepted the request in time; nothing was changed",
			false, finished);
}

/* An attempt had no reply: it may have been executed, and must not be from now on. */
static void note_lost(struct worker_calls *calls, struct worker_call *call, int64_t now_ms)
{
	call->lost++;
	call->holder = 0;
	call->wait_end_ms = now_ms + calls->worker_wait_ms;
}

/* The time until which a rejected call is retried. */
static int64_t patience_end(const struct worker_call *call, enum rc rc)
{
	if (policy_of(call)->until_done || rc == RC_PENDING)
		return call->deadline_ms;
	if (!policy_of(call)->sent_again)
		return 0;
	return rc == RC_BUSY ? begin_end(call) : call->wait_end_ms;
}

/* The latest attempt was rejected before anything was started. Takes ownership of the reply. */
static void on_refused(struct worker_calls *calls, struct worker_call *call, struct worker_reply *reply, int64_t now_ms,
		       struct worker_finished *finished)
{
	int64_t end_ms = patience_end(call, reply->error.rc);
	int64_t due_ms;

	if (now_ms >= end_ms) {
		/* An earlier lost attempt may be running, or may have been executed. */
		reply->outcome_unknown |= call->lost > 0 && changes_something(call);
		end_call(calls, call, reply, finished);
		return;
	}
	due_ms = now_ms + backoff_next_ms(reply->error.rc == RC_BUSY ? &call->busy : &call->backoff);
	call->waits = reply->error.rc == RC_BUSY && due_ms >= end_ms; /* no further retry */
	worker_reply_clear(reply);
	set_state(calls, call, WORKER_CALL_WAITING, before_deadline(call, due_ms < end_ms ? due_ms : end_ms));
}

static bool is_refusal(enum rc rc)
{
	return rc == RC_BUSY || rc == RC_PENDING || rc == RC_UNSUPPORTED;
}

static bool is_present(const struct worker_call *call)
{
	return !call->present || call->present(call->ctx, call->cookie);
}

static bool is_wanted(const struct worker_call *call)
{
	return call->goes_on || is_present(call);
}

#define GONE "the client has disconnected"

/* The reply has a debt to settle. Takes ownership of it. */
static void begin_settling(struct worker_calls *calls, struct worker_call *call, struct worker_reply *reply,
			   int64_t now_ms, struct worker_finished *finished)
{
	if (!is_present(call)) {
		worker_reply_clear(reply);
		give_up(calls, call, RC_CANCELLED, GONE, true, finished);
		return;
	}
	reply->debt->by_only_attempt = call->attempt == 1;
	call->reply = *reply;
	call->settle_at_once = true;
	set_state(calls, call, WORKER_CALL_SETTLING, before_deadline(call, now_ms + WORKER_SETTLE_MS));
}

/* Health is requested from all workers: the first healthy reply ends the call. */
static bool is_success(const struct worker_reply *reply)
{
	cleanup_json cJSON *tree = NULL;

	return reply->error.rc == RC_OK && json_parse(reply->body, reply->len, &tree, NULL) == RC_OK &&
	       json_true_at(tree, "healthy");
}

/* A complete reply of a worker, to the latest or to an earlier attempt. Takes ownership of it. */
static void on_reply(struct worker_calls *calls, struct worker_call *call, unsigned attempt, struct worker_reply *reply,
		     int64_t now_ms, struct worker_finished *finished)
{
	enum rc rc = reply->error.rc;

	if (call->state == WORKER_CALL_SETTLING || (call->holder && call->holder != attempt) ||
	    (is_refusal(rc) && (attempt != call->attempt || call->state != WORKER_CALL_ASKED))) {
		worker_reply_clear(reply); /* of an obsolete attempt */
	} else if (policy_of(call)->first_success && !is_success(reply)) {
		worker_reply_clear(reply);
	} else if (is_refusal(rc)) {
		call->holder = 0; /* the attempt has ended: the next one may write */
		on_refused(calls, call, reply, now_ms, finished);
	} else if (rc != RC_OK && policy_of(call)->until_done) {
		log_debug("retrying", log_str("operation", operation_name(call->package->operation)),
			  log_err(&reply->error), log_str("request_id", call->package->request_id));
		on_refused(calls, call, reply, now_ms, finished);
	} else if (rc == RC_OK && reply->debt) {
		begin_settling(calls, call, reply, now_ms, finished);
	} else {
		/* A lost attempt may still be executed, although another one has failed. */
		reply->outcome_unknown |= rc != RC_OK && call->lost > 0 && changes_something(call);
		end_call(calls, call, reply, finished);
	}
}

struct worker_package *worker_calls_begin(struct worker_calls *calls, struct worker_attempt *attempt, int64_t now_ms)
{
	struct worker_call *call = find_call(calls, attempt);

	if (!call || call->state != WORKER_CALL_WAITING)
		return NULL;
	attempt->number = ++call->attempt;
	call->waits = false;
	attempt->shown = call->lost + 1;
	attempt->wait_ms = begin_end(call) > now_ms ? begin_end(call) - now_ms : 0;
	atomic_fetch_add(&call->package->references, 1);
	set_state(calls, call, WORKER_CALL_ASKED, before_deadline(call, now_ms + call->silence_ms));
	return call->package;
}

struct worker_package *worker_calls_begin_settling(struct worker_calls *calls, struct worker_attempt *attempt,
						   int64_t now_ms, struct worker_debt **ret_debt)
{
	struct worker_call *call = find_call(calls, attempt);

	if (!call || call->state != WORKER_CALL_SETTLING || (call->due_ms > now_ms && !call->settle_at_once))
		return NULL;
	call->settle_at_once = false;
	attempt->number = 0;
	*ret_debt = worker_debt_ref(call->reply.debt);
	atomic_fetch_add(&call->package->references, 1);
	set_state(calls, call, WORKER_CALL_SETTLING, before_deadline(call, now_ms + WORKER_SETTLE_MS));
	return call->package;
}

/* The call whose latest attempt this is; NULL if it has ended, or another attempt is running. */
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
	if (policy_of(call)->first_success &&
	    attempt->number == 1) /* workers of v0.1 do not subscribe to the broadcast subject */
		set_state(calls, call, WORKER_CALL_WAITING, now_ms);
	else
		on_refused(calls, call, &reply, now_ms, finished);
}

void worker_calls_failed(struct worker_calls *calls, const struct worker_attempt *attempt, const struct error *err,
			 struct worker_finished *finished)
{
	struct worker_call *call = find_asked(calls, attempt);

	if (call)
		give_up(calls, call, err->rc, err->text, call->lost > 0, finished);
}

static bool streams(const struct worker_call *call)
{
	return operation_row(call->package->operation)->reply == OPERATION_REPLY_STREAM;
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
		reply.outcome_unknown = changes_something(call);
	} else if (reply.error.rc == RC_OK && !worker_reply_set_etag(&reply, msg->etag)) {
		log_error("malformed etag of a reply", log_str("request_id", call->package->request_id));
		reply.outcome_unknown = changes_something(call);
	} else if (reply.error.rc == RC_OK &&
		   worker_debt_read(msg->debt, msg->settle, msg->notice, &reply.debt, &reply.error)) {
		log_error("malformed debt of a reply", log_err(&reply.error),
			  log_str("request_id", call->package->request_id));
		reply.outcome_unknown = changes_something(call);
	} else if (reply.error.rc == RC_OK && streams(call)) {
		reply.stream = str_dup(msg->stream);
		if (!reply.stream)
			error_set(&reply.error, RC_INTERNAL, "a stream without a subject");
	}
	if (reply.error.rc == RC_BUSY && policy_of(call)->begun_once && call->holder == msg->attempt)
		error_set(&reply.error, RC_TIMEOUT, BEGUN); /* the worker has ended in the meantime */
	on_reply(calls, call, msg->attempt, &reply, now_ms, finished);
}

/* Keepalive of a worker: restart the silence timer. A queued request is rejected when its wait time has expired. */
static void on_sign_of_life(struct worker_calls *calls, struct worker_call *call, bool waits, int64_t now_ms)
{
	int64_t due_ms = now_ms + call->silence_ms;

	if (call->state != WORKER_CALL_ASKED)
		return;
	call->waits = waits && !policy_of(call)->until_done;
	if (call->waits && begin_end(call) < due_ms)
		due_ms = begin_end(call);
	set_state(calls, call, WORKER_CALL_ASKED, before_deadline(call, due_ms));
}

void worker_calls_message(struct worker_calls *calls, const struct worker_attempt *attempt,
			  const struct worker_message *msg, int64_t now_ms, struct worker_finished *finished)
{
	struct worker_call *call = find_call(calls, attempt);

	if (!call)
		return;
	if (str_equal(msg->status, PROTOCOL_STATUS_WORKING)) {
		on_sign_of_life(calls, call, msg->wait && msg->attempt == call->attempt, now_ms);
		return;
	}
	switch (worker_join_add(&call->join, msg, only_reads(call))) {
	case WORKER_JOIN_DONE:
		on_whole_reply(calls, call, msg, now_ms, finished);
		break;
	case WORKER_JOIN_MORE:
		on_sign_of_life(calls, call, false, now_ms);
		break;
	case WORKER_JOIN_STRAY:
		log_debug("stray part of a reply", log_str("request_id", call->package->request_id));
		break;
	case WORKER_JOIN_MALFORMED:
		log_error("malformed part of a reply", log_str("request_id", call->package->request_id));
		give_up(calls, call, RC_INTERNAL, "the worker's reply is malformed", true, finished);
		break;
	case WORKER_JOIN_NO_ROOM:
		give_up(calls, call, RC_BUSY, "too many bytes of requests and responses in flight", false, finished);
		break;
	}
}

/* ---- permissions and debts ---- */

static const char *const granted = "OK";

const char *worker_calls_permission(struct worker_calls *calls, const struct worker_attempt *attempt, int64_t now_ms)
{
	struct worker_call *call = find_call(calls, attempt);
	bool free = call && (call->holder == 0 || call->holder == attempt->number);

	if (!free || call->state == WORKER_CALL_SETTLING || now_ms >= call->deadline_ms)
		return rc_name(RC_CANCELLED);
	if (!is_wanted(call)) {
		set_state(calls, call, call->state, now_ms); /* and cancelled immediately */
		return rc_name(RC_CANCELLED);
	}
	call->holder = attempt->number;
	on_sign_of_life(calls, call, false, now_ms);
	return granted;
}

static void promise(struct worker_calls *calls, const struct worker_attempt *attempt, const struct worker_debt *debt,
		    int64_t now_ms)
{
	cleanup_json cJSON *tree = NULL;
	struct worker_promise *place;
	struct debt settled;

	if (debt_read(debt->value, strlen(debt->value), &tree, &settled, NULL))
		return; /* then the worker has not received it either */
	if (!calls->promises)
		calls->promises = calloc(WORKER_PROMISES, sizeof(*calls->promises));
	if (!calls->promises)
		return; /* then it depends on the worker completing it */
	place = &calls->promises[calls->next_promise];
	*place = (struct worker_promise){ attempt->call, "", now_ms + WORKER_PROMISE_MS };
	snprintf(place->uid, sizeof(place->uid), "%s", settled.uid);
	calls->next_promise = (calls->next_promise + 1) % WORKER_PROMISES;
}

/* A promise that is still probed is kept: the mark exists as long as Kubernetes rejects its removal. */
static bool is_promised(struct worker_calls *calls, const struct worker_attempt *attempt,
			const struct worker_message *question, int64_t now_ms)
{
	for (size_t i = 0; calls->promises && i < WORKER_PROMISES; i++) {
		struct worker_promise *p = &calls->promises[i];

		if (p->call != attempt->call || p->until_ms <= now_ms)
			continue;
		if (question->len != strlen(p->uid) || memcmp(question->data, p->uid, question->len) != 0)
			return false;
		p->until_ms = now_ms + WORKER_PROMISE_MS;
		return true;
	}
	return false;
}

const char *worker_calls_probe(struct worker_calls *calls, const struct worker_attempt *attempt,
			       const struct worker_message *question, int64_t now_ms, struct worker_finished *finished)
{
	struct worker_call *call = find_call(calls, attempt);

	if (call && policy_of(call)->begun_once && !is_wanted(call)) {
		give_up(calls, call, RC_CANCELLED, GONE, true, finished);
		return rc_name(RC_CANCELLED);
	}
	if (call)
		return rc_name(RC_OK);
	return is_promised(calls, attempt, question, now_ms) ? PROTOCOL_STATUS_SETTLED : rc_name(RC_CANCELLED);
}

void worker_calls_settled(struct worker_calls *calls, const struct worker_attempt *attempt, enum rc rc,
			  uint64_t sequence, int64_t now_ms, struct worker_finished *finished)
{
	struct worker_call *call = find_call(calls, attempt);

	if (!call || call->state != WORKER_CALL_SETTLING)
		return;
	if (rc == RC_OK && !call->reply.debt->object && sequence == 0)
		rc = RC_INTERNAL; /* only a stream's acknowledgement has a sequence; this is another sender */
	if (rc == RC_CONFLICT) {
		give_up(calls, call, RC_UNAVAILABLE, "the container was removed before the response was sent", true,
			finished);
	} else if (rc == RC_OK) {
		struct worker_reply reply = call->reply;

		call->reply = (struct worker_reply){ .body = NULL };
		reply.debt->sequence = sequence;
		if (reply.debt->object)
			promise(calls, attempt, reply.debt, now_ms);
		end_call(calls, call, &reply, finished);
	} else {
		log_debug("not settled yet; retrying", log_str("code", rc_name(rc)),
			  log_str("request_id", call->package->request_id));
	}
}

/* ---- for the call at an index -- */

void worker_calls_lost(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_finished *finished)
{
	struct worker_call *call = slots_at(&calls->slots, index);

	if (call->state != WORKER_CALL_ASKED)
		return;
	if (!policy_of(call)->sent_again || policy_of(call)->begun_once) {
		give_up(calls, call, RC_UNAVAILABLE, "the connection to NATS was lost", true, finished);
		return;
	}
	note_lost(calls, call, now_ms);
	set_state(calls, call, WORKER_CALL_WAITING, before_deadline(call, now_ms + backoff_next_ms(&call->backoff)));
}

void worker_calls_cancel(struct worker_calls *calls, uint32_t index, bool undo_too, struct worker_finished *finished)
{
	struct worker_call *call = slots_at(&calls->slots, index);

	if (call->state != WORKER_CALL_FREE && (undo_too || !policy_of(call)->until_done))
		give_up(calls, call, RC_UNAVAILABLE, "the service is stopping", may_run(call), finished);
}

void worker_calls_hurry(struct worker_calls *calls, uint32_t index, int64_t now_ms)
{
	struct worker_call *call = slots_at(&calls->slots, index);

	if (call->state == WORKER_CALL_WAITING && policy_of(call)->until_done)
		set_state(calls, call, WORKER_CALL_WAITING, now_ms);
}

bool worker_calls_due(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_attempt *ret_attempt,
		      struct worker_finished *finished)
{
	struct worker_call *call = slots_at(&calls->slots, index);

	if (call->state == WORKER_CALL_FREE || call->due_ms > now_ms)
		return false;
	if (now_ms >= call->deadline_ms) {
		on_deadline(calls, call, finished);
		return false;
	}
	if (call->state != WORKER_CALL_SETTLING && !is_wanted(call)) {
		give_up(calls, call, RC_CANCELLED, GONE, call->lost > 0 || call->holder, finished);
		return false;
	}
	if (call->waits && now_ms >= begin_end(call)) {
		give_up(calls, call, RC_BUSY, "no worker could start the request in time", call->lost > 0, finished);
		return false;
	}
	if (call->state == WORKER_CALL_ASKED && policy_of(call)->begun_once) {
		give_up(calls, call, RC_UNAVAILABLE, "the worker does not respond; nothing was started", true,
			finished);
		return false;
	}
	if (call->state == WORKER_CALL_ASKED) { /* no reply: the worker may be dead */
		log_debug("no reply; retrying", log_str("request_id", call->package->request_id));
		note_lost(calls, call, now_ms);
		call->silence_ms = WORKER_SILENCE_AGAIN_MS;
		set_state(calls, call, WORKER_CALL_WAITING, now_ms);
	}
	*ret_attempt = (struct worker_attempt){ .call = slots_ticket(&calls->slots, index) };
	return true;
}

void worker_calls_plan(struct worker_calls *calls, uint32_t index)
{
	const struct worker_call *call = slots_at(&calls->slots, index);

	if (call->state != WORKER_CALL_FREE && call->due_ms < calls->next_due_ms)
		calls->next_due_ms = call->due_ms;
}
