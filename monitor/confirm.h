/*
 * Before DELETED is said: a thread that asks the API server whether the root is really gone, or has only lost our
 * labels. The watch cannot tell the two apart, and must not wait for an answer. Likewise before it is said that a
 * container has lost its Pods: its root may have gone before them, unseen by a watch that was interrupted.
 */
#ifndef MONITOR_CONFIRM_H
#define MONITOR_CONFIRM_H

#include "common/kube/kube_auth.h"
#include "monitor/delivery.h"

struct confirm;

/*
 * Start answering the delivery's questions.
 * auth, namespace, delivery  outlive it. ret_confirm: owned by the caller. Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc confirm_create(struct kube_auth *auth, const char *namespace, struct delivery *delivery,
		       struct confirm **ret_confirm, struct error *err) must_check;

/* Wait for the thread and free; call after delivery_stop(). NULL is allowed. */
void confirm_destroy(struct confirm *confirm);

#endif
