/*
 * The sweeper: looks at the debts of all creates (protocol.h, SETTLING 4), whoever has died. Every worker has one; the
 * record's sequence decides who acts.
 */
#ifndef KUBE_WORKER_DEBT_SWEEPER_H
#define KUBE_WORKER_DEBT_SWEEPER_H

#include "common/kube/kube_auth.h"
#include "kube-worker/operation/op_call.h"

struct sweeper;

/*
 * Start the thread. env and auth outlive it.
 *
 * A debt whose call is over is acted on at once; one whose caller is gone after 5 s; by an Idempotency-Key after 30 s
 * in both cases, so that a repeat may still take it over; one whose caller is silent after its deadline. Then all that
 * carries the token is removed, also what Kubernetes makes of a request that it had received before.
 *
 * ret_sweeper: given to the caller (sweeper_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc sweeper_create(const struct op_env *env, struct kube_auth *auth, struct sweeper **ret_sweeper,
		       struct error *err) must_check;

/* End the thread and free. Takes NULL. Blocks while it calls Kubernetes. */
void sweeper_destroy(struct sweeper *sweeper);

/*
 * Settle the mark of an object soon: its caller is telling the client (protocol.h, settle).
 *
 * value  PROTOCOL_HEADER_SETTLE, from another process.
 * Errors: RC_INTERNAL malformed; RC_BUSY too many are waiting; RC_NO_MEMORY.  Threads: any; does not block.
 */
enum rc sweeper_settle(struct sweeper *sweeper, const char *value, size_t len, struct error *err) must_check;

#endif
