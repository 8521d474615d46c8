/*
 * Pending worker requests, as a state machine: what is sent when, what is sent again, who may write, what is settled,
 * what is given up (common/protocol.h, SETTLING). No threads, no NATS, no clock of its own; worker_client.h puts those
 * around it, with a lock.
 *
 *	WAITING --send--> ASKED --reply--> (told, free)
 *	   ^                |  \--reply that is owed--> SETTLING --acknowledged--> (told, free)
 *	   +----------------+
 *	     rejected, lost, or silent: sent again, until worker_wait_ms or the deadline is over
 */
#ifndef API_SVC_PIPELINE_WORKER_CALLS_H
#define API_SVC_PIPELINE_WORKER_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_reply.h"
#include "common/base/backoff.h"
#include "common/base/slots.h"
#include "common/protocol.h"

#define WORKER_SILENCE_MS 3000       /* without a reply for so long, a worker is thought dead */
#define WORKER_SILENCE_AGAIN_MS 2000 /* the next one: a stopped worker still gets its share of the attempts */
#define WORKER_SETTLE_MS 500         /* between two tries to settle */
#define WORKER_PROMISES 8192         /* that are remembered, each for WORKER_PROMISE_MS */
#define WORKER_PROMISE_MS 120000

struct worker_ask {
	enum operation operation;
	const char *body; /* JSON; copied */
	size_t len;
	const char *request_id;  /* copied */
	const char *traceparent; /* copied; NULL: none */
	const char *version;     /* PROTOCOL_VERSION..., which its worker must know; NULL: PROTOCOL_VERSION */
	int64_t delay_ms;        /* before the first attempt is sent */
	int64_t timeout_ms;      /* until the answer must be there, counted from now */
	/*
	 * Called exactly once, on a thread of NATS or of the worker client, or before worker_client_ask() returns; must
	 * not block. The reply may be emptied (TAKE); what is left is freed afterwards.
	 */
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	/*
	 * Whether the client is still waiting. Asked with the lock held, before something is written or settled for it,
	 * and while a command runs. May be NULL.
	 */
	bool (*present)(void *ctx, uint64_t cookie);
	bool goes_on; /* it is written also for a client that has gone: it will come again for the result */
	void *ctx;
	uint64_t cookie;
};

/* What is sent: never changed, shared by the table and the threads that are sending it. */
struct worker_package {
	atomic_int references;
	enum operation operation;
	const char *version;
	char deadline[24]; /* unix ms */
	char request_id[PROTOCOL_REQUEST_ID_MAX + 1];
	char traceparent[PROTOCOL_TRACEPARENT_MAX + 1]; /* "": none */
	size_t len;
	char body[];
};

enum worker_call_state {
	WORKER_CALL_FREE,
	WORKER_CALL_WAITING,  /* to be sent (again) at due_ms */
	WORKER_CALL_ASKED,    /* on its way; at due_ms it is sent again, or given up */
	WORKER_CALL_SETTLING, /* the reply is there; what it owes is being settled, and sent again at due_ms */
	WORKER_CALL_STATE_COUNT
};

struct worker_call {
	enum worker_call_state state;
	uint32_t index; /* of its place */
	struct worker_package *package;
	unsigned attempt;    /* the number of the latest attempt */
	unsigned holder;     /* the attempt that has the permission to write; 0: none */
	unsigned lost;       /* attempts that stayed without a reply: they may have been carried out */
	int64_t wait_end_ms; /* monotonic, like all times here: until then a rejected call is sent again */
	int64_t deadline_ms;
	int64_t due_ms;
	int64_t silence_ms;
	struct backoff backoff;
	struct backoff busy; /* between attempts that full workers have rejected */
	struct worker_join join;
	struct worker_reply reply; /* SETTLING: what will be told */
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	bool (*present)(void *ctx, uint64_t cookie);
	bool goes_on;
	bool settle_at_once; /* SETTLING: not tried yet */
	bool waits;          /* nothing of it has begun, and it is rejected when its time to wait is over */
	void *ctx;
	uint64_t cookie;
};

struct worker_calls {
	struct slots slots; /* of struct worker_call */
	int64_t worker_wait_ms;
	int64_t next_due_ms; /* no call is due before; INT64_MAX: none is */
	size_t open[OPERATION_COUNT];
	struct worker_promise *promises; /* a ring of WORKER_PROMISES; NULL: none was made yet */
	size_t next_promise;
};

/* A call whose client was told while a worker takes the mark from the object (SETTLING 3). */
struct worker_promise {
	uint64_t call;    /* its ticket */
	char uid[40];     /* of the object */
	int64_t until_ms; /* later the mark is gone for certain, or a worker has asked */
};

/* One attempt: of which call, and which of its attempts. */
struct worker_attempt {
	uint64_t call;   /* its ticket (slots.h) */
	unsigned number; /* each another one, from 1: part of the reply's subject; 0: what settles the call */
	unsigned shown;  /* PROTOCOL_HEADER_ATTEMPT: one more than the attempts that may have been carried out */
	int64_t wait_ms; /* PROTOCOL_HEADER_WAIT */
};

/* A call that is over: to be told without the lock. */
struct worker_finished {
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply); /* NULL: nothing is over */
	void *ctx;
	uint64_t cookie;
	struct worker_reply reply;
};

/* Tell it, and free the reply. Does nothing when nothing is over. */
void worker_finished_tell(struct worker_finished *finished);

/* Make what an attempt sends, with one reference; NULL when out of memory. wall_ms: now, for the deadline. */
struct worker_package *worker_package_make(const struct worker_ask *ask, int64_t wall_ms);
void worker_package_unref(struct worker_package *package);

void worker_calls_init(struct worker_calls *calls, int64_t worker_wait_ms);
/* Drop all calls without telling anybody. */
void worker_calls_clear(struct worker_calls *calls);

/*
 * Add a call, WAITING; it takes over the package. The caller begins at once, unless there is a delay: then it becomes
 * due. False when out of memory; the package is then still the caller's.
 */
bool worker_calls_add(struct worker_calls *calls, const struct worker_ask *ask, struct worker_package *package,
		      int64_t now_ms, struct worker_attempt *ret_attempt);

/*
 * A WAITING call is about to be sent: it becomes ASKED, attempt->number is set. Returns the package with a reference
 * for the caller; NULL when the call is not there or not WAITING any more.
 */
struct worker_package *worker_calls_begin(struct worker_calls *calls, struct worker_attempt *attempt, int64_t now_ms);

/*
 * A SETTLING call whose time has come is about to be settled; attempt->number becomes 0. Returns the package and, in
 * *ret_debt, what is owed, each with a reference for the caller; NULL when there is nothing to settle now.
 */
struct worker_package *worker_calls_begin_settling(struct worker_calls *calls, struct worker_attempt *attempt,
						   int64_t now_ms, struct worker_debt **ret_debt);

/*
 * What may happen to an attempt. *finished is set when the call is over by it.
 *   rejected  by rc, before anything was started: no responders, NATS is away
 *   failed   it cannot be sent, now or later
 *   message  a worker says something; afterwards the call may be SETTLING, to be settled at once
 *   settled  the record was stored, or a worker has taken the mark: RC_OK; RC_CONFLICT: it was void; else it is tried
 *            again. sequence: of the record that we stored
 */
void worker_calls_refused(struct worker_calls *calls, const struct worker_attempt *attempt, const char *why,
			  int64_t now_ms, struct worker_finished *finished);
void worker_calls_failed(struct worker_calls *calls, const struct worker_attempt *attempt, const struct error *err,
			 struct worker_finished *finished);
void worker_calls_message(struct worker_calls *calls, const struct worker_attempt *attempt,
			  const struct worker_message *msg, int64_t now_ms, struct worker_finished *finished);
void worker_calls_settled(struct worker_calls *calls, const struct worker_attempt *attempt, enum rc rc,
			  uint64_t sequence, int64_t now_ms, struct worker_finished *finished);

/*
 * What a worker asks about an attempt: may it write? Is the call over, or was the object settled whose uid the question
 * carries? Returns what to say as status. A call that is begun once is over by the question when its client has gone:
 * *finished is set then.
 */
const char *worker_calls_permission(struct worker_calls *calls, const struct worker_attempt *attempt, int64_t now_ms);
const char *worker_calls_probe(struct worker_calls *calls, const struct worker_attempt *attempt,
			       const struct worker_message *question, int64_t now_ms, struct worker_finished *finished);

/*
 * The same for whatever call is at an index (0..slots.capacity-1):
 *   lost    the connection was lost
 *   cancel  it is given up (undo: only with `undo_too`)
 *   hurry   an undo that waits becomes due now
 */
void worker_calls_lost(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_finished *finished);
void worker_calls_cancel(struct worker_calls *calls, uint32_t index, bool undo_too, struct worker_finished *finished);
void worker_calls_hurry(struct worker_calls *calls, uint32_t index, int64_t now_ms);

/* Time has passed for the call at an index. True: worker_calls_begin() and send it, or begin_settling() and do that. */
bool worker_calls_due(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_attempt *ret_attempt,
		      struct worker_finished *finished);

/* Let calls->next_due_ms be no later than when the call at an index is due. */
void worker_calls_plan(struct worker_calls *calls, uint32_t index);

#endif
