/*
 * The health operation: does the Kubernetes API answer? On a thread of its own, so that a full worker answers as well.
 */
#ifndef KUBE_WORKER_KUBE_HEALTH_H
#define KUBE_WORKER_KUBE_HEALTH_H

#include "common/bus/bus.h"
#include "common/kube/kube_auth.h"

struct kube_health;

/*
 * Start the thread, which looks once at once: its connection to Kubernetes is there when the first request comes.
 *
 * auth        outlives it.
 * ret_health  given (kube_health_destroy).
 * Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc kube_health_create(struct kube_auth *auth, struct kube_health **ret_health, struct error *err) must_check;

/* Block until the first look has ended, however it ended, for at most timeout_ms. */
void kube_health_wait_first(struct kube_health *health, int64_t timeout_ms);

/* End the thread and free. Takes NULL. */
void kube_health_destroy(struct kube_health *health);

/*
 * Take a health request, which is given, and answer it soon. Requests that come while a look at /version is under way
 * share it. Does not block.
 *
 * bus  where the answer goes, the same each time; outlives the thread.
 */
void kube_health_ask(struct kube_health *health, struct bus *bus, struct bus_message *request);

#endif
