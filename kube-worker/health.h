/*
 * The health operation: does the Kubernetes API answer? On a thread of its own, so that a full worker answers as well.
 */
#ifndef KUBE_WORKER_HEALTH_H
#define KUBE_WORKER_HEALTH_H

#include "common/adapters/bus.h"
#include "common/kube/kube_auth.h"

struct health;

/* Start the thread. bus and auth outlive it. ret_health: given (health_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc health_create(struct bus *bus, struct kube_auth *auth, struct health **ret_health, struct error *err)
	must_check;

/* End the thread and free. Takes NULL. */
void health_destroy(struct health *health);

/*
 * Take a health request, which is given, and answer it soon. Requests that wait together share one look at /version.
 * Does not block.
 */
void health_ask(struct health *health, struct bus_message *request);

#endif
