/*
 * Whether the workers can reach Kubernetes. Health requests at the same time share one request to them.
 */
#ifndef API_SVC_PROVIDER_HEALTH_H
#define API_SVC_PROVIDER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_client.h"

struct provider_health;

/*
 * client  must outlive the result.
 * answer  called once for each provider_health_ask(), on any thread, also before it returns.
 * Returns NULL when out of memory.
 */
struct provider_health *provider_health_create(struct worker_client *client,
					       void (*answer)(void *ctx, uint64_t cookie, bool healthy), void *ctx);

/* Free it; no request is pending. NULL is allowed. */
void provider_health_destroy(struct provider_health *health);

/* Ask. The answer comes within PROTOCOL_HEALTH_TIMEOUT_MS: at once when no worker can be reached. */
void provider_health_ask(struct provider_health *health, uint64_t cookie, const char *request_id);

#endif
