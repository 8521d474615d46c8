/*
 * The caller's permission to write (protocol.h, SETTLING 1), and its word on a call (4).
 */
#ifndef KUBE_WORKER_OPERATION_PERMISSION_H
#define KUBE_WORKER_OPERATION_PERMISSION_H

#include "kube-worker/operation/op_call.h"

/*
 * Make sure that this attempt may write now: asks, unless the last permission is still good. Without call->caller it
 * always may.
 *
 * Errors: RC_CANCELLED the call is over, another attempt has the permission, or the caller cannot be heard.
 * Blocks: 2 s at most.
 */
enum rc permission_hold(struct op_call *call, struct error *err) must_check;

/* The two halves, for what can be done meanwhile. After RC_OK of the first the second must follow. */
enum rc permission_begin(struct op_call *call, struct bus_pending *pending, struct error *err) must_check;
enum rc permission_end(struct op_call *call, struct bus_pending *pending, struct error *err) must_check;

/*
 * For who asks without waiting: the question whether it may write, and whether the call still runs; and whether the
 * reply says so. caller: borrowed by the result.
 */
struct bus_outgoing permission_question(const char *caller);
struct bus_outgoing permission_probe_question(const char *caller);
bool permission_is_given(struct bus_message *reply);

/* permission_hold() as kube_request.may_repeat; ctx is the call. */
bool permission_to_repeat(void *ctx);

enum caller_word {
	CALLER_OPEN,    /* the call runs, or is being settled */
	CALLER_SETTLED, /* its client was told */
	CALLER_OVER,    /* its client was told otherwise, or nothing */
	CALLER_GONE,    /* no subscriber: the process has ended, or has lost NATS */
	CALLER_SILENT,  /* no word in time, or none that is understood */
};

/*
 * Ask about the call that an attempt belongs to.
 *
 * subject  its reply subject, from a record or an annotation.
 * uid      of the root that may have been settled without a record; "": none.
 * Blocks: 500 ms at most.
 */
enum caller_word permission_probe(struct bus_caller *caller, const char *subject, const char *uid);

/* May this be the reply subject of an api-svc's attempt? For texts that others may have written. */
bool permission_is_caller(const char *subject);

/* Are these the reply subjects of two attempts of one call? */
bool permission_same_call(const char *subject, const char *other);

#endif
