/*
 * The caller's permission to write (protocol.h, SETTLING 1), and probes of a call (4).
 */
#ifndef KUBE_WORKER_OPERATION_PERMISSION_H
#define KUBE_WORKER_OPERATION_PERMISSION_H

#include "kube-worker/operation/op_call.h"

/*
 * Ensure that this attempt may write now: requests permission, unless the last one is still valid. Without call->caller
 * always allowed.
 *
 * Errors: RC_CANCELLED the call has finished, another attempt has the permission, or no reply. Blocks: 2 s at most.
 */
enum rc permission_hold(struct op_call *call, struct error *err) must_check;

/* The two halves, for concurrent work. After RC_OK of the first the second must follow. */
enum rc permission_begin(struct op_call *call, struct bus_pending *pending, struct error *err) must_check;
enum rc permission_end(struct op_call *call, struct bus_pending *pending, struct error *err) must_check;

/*
 * For asynchronous use: the permission request, and the probe; and whether the reply is positive. caller: borrowed by
 * the result.
 */
struct bus_outgoing permission_question(const char *caller);
struct bus_outgoing permission_probe_question(const char *caller);
bool permission_is_given(struct bus_message *reply);

/* permission_hold() as kube_request.may_repeat; ctx is the call. */
bool permission_to_repeat(void *ctx);

enum caller_word {
	CALLER_OPEN,    /* the call is running, or being settled */
	CALLER_SETTLED, /* the response was sent */
	CALLER_OVER,    /* another, or no, response was sent */
	CALLER_GONE,    /* no subscriber: the process has exited, or has lost NATS */
	CALLER_SILENT,  /* timeout, or an unknown reply */
};

/*
 * Probe the call of an attempt.
 *
 * subject  its reply subject, from a record or an annotation.
 * uid      of the root that may have been settled without a record; "": none.
 * Blocks: 500 ms at most.
 */
enum caller_word permission_probe(struct bus_caller *caller, const char *subject, const char *uid);

/* Whether the text can be the reply subject of an api-svc's attempt. For untrusted texts. */
bool permission_is_caller(const char *subject);

/* Whether these are the reply subjects of two attempts of one call. */
bool permission_same_call(const char *subject, const char *other);

#endif
