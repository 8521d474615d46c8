/*
 * Whether the workers can reach Kubernetes. Concurrent health requests share one request to the workers.
 */
#ifndef API_SVC_PROVIDER_HEALTH_H
#define API_SVC_PROVIDER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_client.h"

struct provider_health;

/*
 * client  must outlive the result.
 * answer  called once for each provider_health_ask(), on any thread, possibly before it returns.
 * Returns NULL if out of memory.
 */
struct provider_health *provider_health_create(struct worker_client *client,
					       void (*answer)(void *ctx, uint64_t cookie, bool healthy), void *ctx);

/* Free it; no request may be pending. NULL is allowed. */
void provider_health_destroy(struct provider_health *health);

/* Request the health. answer() is called within PROTOCOL_HEALTH_TIMEOUT_MS: immediately if no worker is reachable. */
void provider_health_ask(struct provider_health *health, uint64_t cookie, const char *request_id);

#endif
