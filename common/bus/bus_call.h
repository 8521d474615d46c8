/*
 * Synchronous request and reply over NATS, for threads that may block.
 */
#ifndef COMMON_BUS_BUS_CALL_H
#define COMMON_BUS_BUS_CALL_H

#include <pthread.h>

#include "common/bus/bus.h"

struct bus_caller;

/* A pending call; owned by the caller (usually on the stack), between bus_call_begin() and bus_call_end(). */
struct bus_pending {
	struct bus_pending *next;
	uint64_t ticket;
	bool done;
	struct bus_message *reply;
	pthread_cond_t answered;
	int64_t begun_ms;
	const char *subject; /* for messages */
};

/* Make a caller. ret_caller: owned by the caller. Errors: those of bus_inbox_create(). */
enum rc bus_caller_create(struct bus *bus, struct bus_caller **ret_caller, struct error *err) must_check;

/* Free; call after bus_destroy(). NULL is allowed. */
void bus_caller_destroy(struct bus_caller *caller);

/*
 * Send a request and wait for the reply. Replies after timeout_ms are dropped.
 *
 * out        its reply subject is not used.
 * ret_reply  owned by the caller (bus_message_destroy).
 *
 * Errors: RC_NOT_FOUND no responders on the subject; RC_TIMEOUT; those of bus_publish().
 * Blocks: up to timeout_ms.  Threads: any, any number concurrently.
 */
enum rc bus_call(struct bus_caller *caller, const struct bus_outgoing *out, int64_t timeout_ms,
		 struct bus_message **ret_reply, struct error *err) must_check;

/*
 * The two halves of bus_call(), for concurrent calls. After RC_OK of the first the second must follow; out's subject
 * must be valid until then. timeout_ms counts from the first.
 */
enum rc bus_call_begin(struct bus_caller *caller, const struct bus_outgoing *out, struct bus_pending *pending,
		       struct error *err) must_check;
enum rc bus_call_end(struct bus_caller *caller, struct bus_pending *pending, int64_t timeout_ms,
		     struct bus_message **ret_reply, struct error *err) must_check;

/* bus_publish() on the caller's connection, without a reply. */
enum rc bus_call_tell(struct bus_caller *caller, const struct bus_outgoing *out, struct error *err) must_check;

#endif
