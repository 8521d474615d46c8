/*
 * Asking whether the workers reach Kubernetes. Those who ask at the same time share one question.
 */
#ifndef API_SVC_HEALTH_H
#define API_SVC_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_client.h"

struct health;

/*
 * client  must outlive the result.
 * answer  called once for each health_ask(), on any thread, also before it returns.
 * Returns NULL when memory is short.
 */
struct health *health_create(struct worker_client *client, void (*answer)(void *ctx, uint64_t cookie, bool healthy),
			     void *ctx);

/* Free it; nobody asks any more, and no question is open. Takes NULL. */
void health_destroy(struct health *health);

/* Ask. The answer comes within PROTOCOL_HEALTH_TIMEOUT_MS: at once when no worker can be reached. */
void health_ask(struct health *health, uint64_t cookie, const char *request_id);

#endif
