/*
 * The health operation: checks that the Kubernetes API responds. On its own thread, so that a busy worker replies as
 * well.
 */
#ifndef KUBE_WORKER_KUBE_HEALTH_H
#define KUBE_WORKER_KUBE_HEALTH_H

#include "common/bus/bus.h"
#include "common/kube/kube_auth.h"

struct kube_health;

/*
 * Start the thread, which immediately checks once, to connect to Kubernetes before the first request.
 *
 * auth must outlive it. ret_health owned by the caller (kube_health_destroy).
 * Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc kube_health_create(struct kube_auth *auth, struct kube_health **ret_health, struct error *err) must_check;

/* Block until the first check has ended, with any result, for at most timeout_ms. */
void kube_health_wait_first(struct kube_health *health, int64_t timeout_ms);

/* End the thread and free. NULL is allowed. */
void kube_health_destroy(struct kube_health *health);

/*
 * Take ownership of a health request, and reply soon. Requests during a check of /version share it. Does not block.
 *
 * bus  for the reply, always the same; must outlive the thread.
 */
void kube_health_ask(struct kube_health *health, struct bus *bus, struct bus_message *request);

#endif
