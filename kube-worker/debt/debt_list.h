/*
 * The state of the debts in the sweeper: their age, and the replies of their callers.
 */
#ifndef KUBE_WORKER_DEBT_DEBT_LIST_H
#define KUBE_WORKER_DEBT_DEBT_LIST_H

#include <stdatomic.h>

#include "kube-worker/operation/op_call.h"
#include "kube-worker/operation/permission.h"

struct debt_list;

enum rc debt_list_create(struct debt_list **ret_list, struct error *err) must_check;

/* NULL is allowed. */
void debt_list_destroy(struct debt_list *list);

/*
 * Check the debts once, records and marked objects, and process due ones.
 *
 * all   also finished records, at which a sweep that is due early does not look.
 * stop  if it becomes true, the rest is left for the next sweep. Returns whether to sweep again soon. Blocks: for the
 *       calls of all debts.
 */
bool debt_list_sweep(struct debt_list *list, struct op_call *call, bool all, const atomic_bool *stop);

/*
 * Whether a debt is due. Pure.
 *
 * word the caller's reply.
 * by_key     whether it has an Idempotency-Key.
 * seen_ms    how long the debt has been unchanged.
 * lost_ms    how long its call has been finished, or its caller missing, without interruption.
 * left_ms    time to the call's deadline when the debt was stored; 0: unknown.
 */
bool debt_list_is_due(enum caller_word word, bool by_key, int64_t seen_ms, int64_t lost_ms, int64_t left_ms);

#endif
