/*
 * One question over NATS, and its answer: for threads that may wait.
 */
#ifndef COMMON_ADAPTERS_BUS_CALL_H
#define COMMON_ADAPTERS_BUS_CALL_H

#include "common/adapters/bus.h"

struct bus_caller;

/* Make a caller. ret_caller: given to the caller. Errors: those of bus_inbox_create(). */
enum rc bus_caller_create(struct bus *bus, struct bus_caller **ret_caller, struct error *err) must_check;

/* Free; call after bus_destroy(). Takes NULL. */
void bus_caller_destroy(struct bus_caller *caller);

/*
 * Ask and wait. A reply that comes later than timeout_ms is thrown away.
 *
 * out        its reply subject is not used.
 * ret_reply  given to the caller (bus_message_destroy).
 *
 * Errors: RC_NOT_FOUND nobody listens on the subject; RC_TIMEOUT; those of bus_publish().
 * Blocks: up to timeout_ms.  Threads: any, any number at once.
 */
enum rc bus_call(struct bus_caller *caller, const struct bus_outgoing *out, int64_t timeout_ms,
		 struct bus_message **ret_reply, struct error *err) must_check;

#endif
