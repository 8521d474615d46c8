/*
 * The state machine of pending worker requests: attempts, retries, permissions, settling, timeouts (common/protocol.h,
 * SETTLING). No threads, NATS, clock or lock; worker_client.h adds those.
 *
 *	WAITING --send--> ASKED --reply--> (done, free)
 *	   ^                |  \--reply with debt--> SETTLING --acknowledged--> (done, free)
 *	   +----------------+
 *	     rejected, lost, or silent: retried, until worker_wait_ms or the deadline
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

#define WORKER_SILENCE_MS 3000       /* a worker is considered dead after this time without a reply */
#define WORKER_SILENCE_AGAIN_MS 2000 /* for later attempts, which may reach a stopped worker again */
#define WORKER_SETTLE_MS 500         /* between two attempts to settle */
#define WORKER_PROMISES 8192         /* maximum number, each valid for WORKER_PROMISE_MS */
#define WORKER_PROMISE_MS 120000

struct worker_ask {
	enum operation operation;
	const char *body; /* JSON; copied */
	size_t len;
	const char *request_id;  /* copied */
	const char *traceparent; /* copied; NULL: none */
	const char *version;     /* PROTOCOL_VERSION... that the worker must support; NULL: PROTOCOL_VERSION */
	int64_t delay_ms;        /* before the first attempt */
	int64_t elapsed_ms;      /* since the beginning of its request, whose calls share worker_wait_ms */
	int64_t timeout_ms;      /* until the reply, from now */
	/*
	 * Called exactly once, on a thread of NATS or of the worker client, or before worker_client_ask() returns; must
	 * not block. The callee may take members of the reply (TAKE); the rest is freed afterwards.
	 */
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	/*
	 * Whether the client is still waiting. Called with the lock held, before something is written or settled for
	 * it, and while a command runs. May be NULL.
	 */
	bool (*present)(void *ctx, uint64_t cookie);
	bool goes_on; /* written even if the client has disconnected, as it will repeat the request */
	void *ctx;
	uint64_t cookie;
};

/* The request: immutable, shared by the table and the sending threads. */
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
	WORKER_CALL_WAITING,  /* sent (again) at due_ms */
	WORKER_CALL_ASKED,    /* sent; at due_ms it is retried, or ended */
	WORKER_CALL_SETTLING, /* the reply was received; its debt is being settled, retried at due_ms */
	WORKER_CALL_STATE_COUNT
};

struct worker_call {
	enum worker_call_state state;
	uint32_t index; /* of its slot */
	struct worker_package *package;
	unsigned attempt;    /* the number of the latest attempt */
	unsigned holder;     /* the attempt that has the permission to write; 0: none */
	unsigned lost;       /* attempts without a reply, which may have been executed */
	int64_t wait_end_ms; /* monotonic, like all times here: until then a rejected call is retried */
	int64_t deadline_ms;
	int64_t due_ms;
	int64_t silence_ms;
	struct backoff backoff;
	struct backoff busy; /* between attempts that busy workers have rejected */
	struct worker_join join;
	struct worker_reply reply; /* SETTLING: the reply to return */
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	bool (*present)(void *ctx, uint64_t cookie);
	bool goes_on;
	bool settle_at_once; /* SETTLING: not attempted yet */
	bool waits;          /* queued, rejected when its wait time has expired */
	void *ctx;
	uint64_t cookie;
};

struct worker_calls {
	struct slots slots; /* of struct worker_call */
	int64_t worker_wait_ms;
	int64_t next_due_ms; /* no call is due before; INT64_MAX: none */
	size_t open[OPERATION_COUNT];
	struct worker_promise *promises; /* a ring of WORKER_PROMISES; NULL: none yet */
	size_t next_promise;
};

/* A call whose response was sent while a worker is clearing the mark of the object (SETTLING 3). */
struct worker_promise {
	uint64_t call;    /* its ticket */
	char uid[40];     /* of the object */
	int64_t until_ms; /* after that the mark is cleared, or a worker has probed */
};

/* An attempt of a call. */
struct worker_attempt {
	uint64_t call;   /* its ticket (slots.h) */
	unsigned number; /* unique, from 1, part of the reply subject; 0: settles the call */
	unsigned shown;  /* PROTOCOL_HEADER_ATTEMPT: one more than the attempts that may have been executed */
	int64_t wait_ms; /* PROTOCOL_HEADER_WAIT */
};

/* A finished call, whose done() is to be called without the lock. */
struct worker_finished {
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply); /* NULL: none */
	void *ctx;
	uint64_t cookie;
	struct worker_reply reply;
};

/* Call done(), and free the reply. No effect if there is none. */
void worker_finished_tell(struct worker_finished *finished);

/* Create the request package, with one reference; NULL if out of memory. wall_ms: now, for the deadline. */
struct worker_package *worker_package_make(const struct worker_ask *ask, int64_t wall_ms);
void worker_package_unref(struct worker_package *package);

void worker_calls_init(struct worker_calls *calls, int64_t worker_wait_ms);
/* Drop all calls without calling done(). */
void worker_calls_clear(struct worker_calls *calls);

/*
 * Add a call, WAITING, which owns the package. The caller sends it immediately, unless there is a delay: then it
 * becomes due. Returns false if out of memory; the caller then still owns the package.
 */
bool worker_calls_add(struct worker_calls *calls, const struct worker_ask *ask, struct worker_package *package,
		      int64_t now_ms, struct worker_attempt *ret_attempt);

/*
 * A WAITING call is about to be sent: it becomes ASKED, attempt->number is set. Returns the package with a reference
 * for the caller; NULL if the call does not exist or is no longer WAITING.
 */
struct worker_package *worker_calls_begin(struct worker_calls *calls, struct worker_attempt *attempt, int64_t now_ms);

/*
 * A due SETTLING call is about to be settled; attempt->number becomes 0. Returns the package and, in *ret_debt, the
 * debt, each with a reference for the caller; NULL if nothing is due.
 */
struct worker_package *worker_calls_begin_settling(struct worker_calls *calls, struct worker_attempt *attempt,
						   int64_t now_ms, struct worker_debt **ret_debt);

/*
 * Events of an attempt. *finished is set if the event ends the call.
 *   refused rejected with rc, before anything was started: no responders, NATS unavailable
 *   failed   it can never be sent
 *   message  a message of a worker; afterwards the call may be SETTLING, due immediately
 *   settled  the record was stored, or a worker will clear the mark: RC_OK; RC_CONFLICT: it was void; else it is
 *            retried. sequence: of the stored record
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
 * Permission requests and probes of a worker about an attempt: may it write; has the call ended, or was the object with
 * the given uid settled. Returns the status to reply. A command's probe ends the call if its client has disconnected:
 * *finished is set then.
 */
const char *worker_calls_permission(struct worker_calls *calls, const struct worker_attempt *attempt, int64_t now_ms);
const char *worker_calls_probe(struct worker_calls *calls, const struct worker_attempt *attempt,
			       const struct worker_message *question, int64_t now_ms, struct worker_finished *finished);

/*
 * The same for the call at an index (0..slots.capacity-1), if any:
 *   lost    the connection was lost
 *   cancel  it is ended (undo: only with `undo_too`)
 *   hurry   a WAITING undo becomes due now
 */
void worker_calls_lost(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_finished *finished);
void worker_calls_cancel(struct worker_calls *calls, uint32_t index, bool undo_too, struct worker_finished *finished);
void worker_calls_hurry(struct worker_calls *calls, uint32_t index, int64_t now_ms);

/*
 * Check the time of the call at an index. Returns true if it must be sent (worker_calls_begin()) or settled
 * (begin_settling()).
 */
bool worker_calls_due(struct worker_calls *calls, uint32_t index, int64_t now_ms, struct worker_attempt *ret_attempt,
		      struct worker_finished *finished);

/* Update calls->next_due_ms with the due time of the call at an index. */
void worker_calls_plan(struct worker_calls *calls, uint32_t index);

#endif
