/*
 * The sweeper: processes the debts of all creates (protocol.h, SETTLING 4). Every worker has one; compare-and-set on
 * the record decides between them.
 */
#ifndef KUBE_WORKER_DEBT_SWEEPER_H
#define KUBE_WORKER_DEBT_SWEEPER_H

#include "common/kube/kube_auth.h"
#include "kube-worker/operation/op_call.h"

struct sweeper;

/*
 * Start the thread. env and auth must outlive it.
 *
 * A debt is due immediately if its call has finished, after 5 s if its caller no longer exists, with an Idempotency-Key
 * after 30 s in both cases, so that a repeat can take it over; after the deadline if its caller is silent. Then all
 * objects with the token are removed, including those of earlier writes that Kubernetes executes later.
 *
 * ret_sweeper: owned by the caller (sweeper_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc sweeper_create(const struct op_env *env, struct kube_auth *auth, struct sweeper **ret_sweeper,
		       struct error *err) must_check;

/* End the thread and free. NULL is allowed. Blocks while it calls Kubernetes. */
void sweeper_destroy(struct sweeper *sweeper);

/*
 * Settle the mark of an object soon: its caller is sending the response (protocol.h, settle).
 *
 * value  PROTOCOL_HEADER_SETTLE, from another process.
 * Errors: RC_INTERNAL malformed; RC_BUSY too many pending; RC_NO_MEMORY.  Threads: any; does not block.
 */
enum rc sweeper_settle(struct sweeper *sweeper, const char *value, size_t len, struct error *err) must_check;

#endif
