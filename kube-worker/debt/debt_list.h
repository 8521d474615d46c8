/*
 * What the sweeper knows of the debts: how long each has been pending, and what its caller's answer implies.
 */
#ifndef KUBE_WORKER_DEBT_DEBT_LIST_H
#define KUBE_WORKER_DEBT_DEBT_LIST_H

#include <stdatomic.h>

#include "kube-worker/operation/op_call.h"
#include "kube-worker/operation/permission.h"

struct debt_list;

enum rc debt_list_create(struct debt_list **ret_list, struct error *err) must_check;

/* Takes NULL. */
void debt_list_destroy(struct debt_list *list);

/*
 * Look at all debts once, the records and the marked objects, and act on those whose time has come.
 *
 * stop  when it becomes true the rest is left for another time.
 * Returns whether it should be done again soon. Blocks: for as many calls as there are debts to look at.
 */
bool debt_list_sweep(struct debt_list *list, struct op_call *call, const atomic_bool *stop);

/*
 * Is a debt to be acted on now? Pure.
 *
 * word       the caller's.
 * by_key     was it made by an Idempotency-Key?
 * seen_ms    how long we have seen the debt unchanged.
 * lost_ms    how long its caller has been over or gone without a break.
 * left_ms    of the call until its deadline, when the debt was stored; 0: not known.
 */
bool debt_list_is_due(enum caller_word word, bool by_key, int64_t seen_ms, int64_t lost_ms, int64_t left_ms);

#endif
