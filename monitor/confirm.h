/*
 * Verification before DELETED is reported: a thread that reads the root from the API server, to check that it was
 * really deleted, or has lost our labels. The watch cannot distinguish these, and must not block. Likewise before a
 * container is reported as having lost its Pods: its root may have been deleted first, unnoticed by an interrupted
 * watch.
 */
#ifndef MONITOR_CONFIRM_H
#define MONITOR_CONFIRM_H

#include "common/kube/kube_auth.h"
#include "monitor/delivery.h"

struct confirm;

/*
 * Start to answer the delivery's questions. auth, namespace, delivery must outlive it. ret_confirm: owned by the
 * caller. Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc confirm_create(struct kube_auth *auth, const char *namespace, struct delivery *delivery,
		       struct confirm **ret_confirm, struct error *err) must_check;

/* Wait for the thread and free; call after delivery_stop(). NULL is allowed. */
void confirm_destroy(struct confirm *confirm);

#endif
