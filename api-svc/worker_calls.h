/*
 * The askings that are open, as a state machine: what is sent when, what is made again, what is given up. No threads,
 * no NATS, no clock of its own; worker_client.h puts those around it, with a lock.
 *
 *	WAITING --send--> ASKED --answer--> (told, free)
 *	   ^                |
 *	   +----------------+  refused, lost, or silent: asked again, until worker_wait_ms or the deadline is over
 */
#ifndef API_SVC_WORKER_CALLS_H
#define API_SVC_WORKER_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/worker_reply.h"
#include "common/base/backoff.h"
#include "common/protocol.h"

#define WORKER_SILENCE_MS 3000    /* without an answer for so long, a worker is thought dead; then twice as long... */
#define WORKER_TRACEPARENT_MAX 64 /* bytes with the NUL; W3C: 55 characters */

struct worker_ask {
	enum operation operation;
	const char *body; /* JSON; copied */
	size_t len;
	const char *request_id;  /* copied */
	const char *traceparent; /* copied; NULL: none */
	int64_t delay_ms;        /* before the first asking */
	int64_t timeout_ms;      /* until the answer must be there, counted from now */
	/*
	 * Called exactly once, on a thread of NATS or of the worker client, or before worker_client_ask() returns; must
	 * not block. The reply may be emptied (TAKE); what is left is freed afterwards.
	 */
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	void *ctx;
	uint64_t cookie;
};

/* What is sent: never changed, shared by the table and the threads that are sending it. */
struct worker_package {
	atomic_int references;
	enum operation operation;
	char deadline[24]; /* unix ms */
	char request_id[PROTOCOL_REQUEST_ID_MAX + 1];
	char traceparent[WORKER_TRACEPARENT_MAX]; /* "": none */
	size_t len;
	char body[];
};

enum worker_call_state {
	WORKER_CALL_FREE,
	WORKER_CALL_WAITING, /* to be asked (again) at due_ms */
	WORKER_CALL_ASKED,   /* on its way; at due_ms it is asked again, or given up */
	WORKER_CALL_STATE_COUNT
};

struct worker_call {
	enum worker_call_state state;
	uint32_t generation;
	uint32_t next_free;
	struct worker_package *package;
	unsigned attempt;   /* the number of the latest asking */
	unsigned lost;      /* askings that stayed without an answer: they may have been carried out */
	int64_t started_ms; /* monotonic, like all times here */
	int64_t refused_ms; /* since when it is refused without a break; 0: it is not */
	int64_t deadline_ms;
	int64_t due_ms;
	int64_t silence_ms;
	struct backoff backoff;
	struct worker_join join;
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	void *ctx;
	uint64_t cookie;
};

struct worker_calls {
	struct worker_call *items;
	uint32_t capacity;
	uint32_t first_free;
	int64_t worker_wait_ms;
	int64_t next_due_ms; /* no call is due before; INT64_MAX: none is */
	size_t open[OPERATION_COUNT];
};

/* One asking: which call, and which of its attempts. */
struct worker_attempt {
	uint32_t index;
	uint32_t generation;
	unsigned number; /* of the asking, each another one: stands in the reply's subject */
	unsigned shown;  /* PROTOCOL_HEADER_ATTEMPT: one more than the askings that may have been carried out */
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

/* Make what an asking sends, with one reference; NULL when memory is short. wall_ms: now, for the deadline. */
struct worker_package *worker_package_make(const struct worker_ask *ask, int64_t wall_ms);
void worker_package_unref(struct worker_package *package);

void worker_calls_init(struct worker_calls *calls, int64_t worker_wait_ms);
/* Drop all calls without telling anybody. */
void worker_calls_clear(struct worker_calls *calls);

/*
 * Add a call, WAITING; it takes over the package. With a delay it becomes due by itself, without one the caller begins
 * at once. False when memory is short; the package is then still the caller's.
 */
bool worker_calls_add(struct worker_calls *calls, const struct worker_ask *ask, struct worker_package *package,
		      int64_t now_ms, struct worker_attempt *ret_attempt);

/*
 * A WAITING call is about to be asked: it becomes ASKED, attempt->number is set. Returns the package with a reference
 * for the caller; NULL when the call is not there or not WAITING any more.
 */
struct worker_package *worker_calls_begin(struct worker_calls *calls, struct worker_attempt *attempt, int64_t now_ms);

/*
 * What may happen to an asking. *finished is set when the call is over by it.
 *   refused  by rc, before anything was started: nobody listens, NATS is away
 *   failed   it cannot be sent, now or later
 *   message  a worker says something
 */
void worker_calls_refused(struct worker_calls *calls, const struct worker_attempt *attempt, const char *why,
			  int64_t now_ms, struct worker_finished *finished);
void worker_calls_failed(struct worker_calls *calls, const struct worker_attempt *attempt, const struct error *err,
			 struct worker_finished *finished);
void worker_calls_message(struct worker_calls *calls, const struct worker_attempt *attempt,
			  const struct worker_message *msg, int64_t now_ms, struct worker_finished *finished);

/*
 * The same for whatever call is at an index (0..capacity-1):
 *   lost    the connection was lost
 *   cancel  it is given up (undo: only with `undo_too`)
 *   hurry   an undo that waits becomes due now
 */
void worker_calls_lost(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_finished *finished);
void worker_calls_cancel(struct worker_calls *calls, uint32_t index, bool undo_too, struct worker_finished *finished);
void worker_calls_hurry(struct worker_calls *calls, uint32_t index, int64_t now_ms);

/* Time has passed for the call at an index. True: worker_calls_begin() and send it. */
bool worker_calls_due(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_attempt *ret_attempt,
		      struct worker_finished *finished);

#endif
