#include "api-svc/provider_health.h"

#include <pthread.h>
#include <stdlib.h>

#define FIRST_WAITING 16

struct provider_health {
	struct worker_client *client;
	void (*answer)(void *ctx, uint64_t cookie, bool healthy);
	void *ctx;
	pthread_mutex_t lock; /* protects the following */
	uint64_t *waiting;
	size_t count;
	size_t capacity;
	bool pending; /* a request is pending: its reply is for all waiting clients */
};

struct provider_health *provider_health_create(struct worker_client *client,
					       void (*answer)(void *ctx, uint64_t cookie, bool healthy), void *ctx)
{
	struct provider_health *health = calloc(1, sizeof(*health));

	if (!health)
		return NULL;
	health->client = client;
	health->answer = answer;
	health->ctx = ctx;
	pthread_mutex_init(&health->lock, NULL);
	return health;
}

void provider_health_destroy(struct provider_health *health)
{
	if (!health)
		return;
	pthread_mutex_destroy(&health->lock);
	free(health->waiting);
	free(health);
}

/* The lock is held. */
static bool add_waiting(struct provider_health *health, uint64_t cookie)
{
	if (health->count == health->capacity) {
		size_t capacity = health->capacity ? health->capacity * 2 : FIRST_WAITING;
		uint64_t *grown = realloc(health->waiting, capacity * sizeof(*grown));

		if (!grown)
			return false;
		health->waiting = grown;
		health->capacity = capacity;
	}
	health->waiting[health->count++] = cookie;
	return true;
}

/* Answer all waiting clients. */
static void answer_all(struct provider_health *health, bool healthy)
{
	uint64_t *waiting;
	size_t count;

	pthread_mutex_lock(&health->lock);
	waiting = TAKE(health->waiting);
	count = health->count;
	health->count = 0;
	health->capacity = 0;
	health->pending = false;
	pthread_mutex_unlock(&health->lock);
	for (size_t i = 0; i < count; i++)
		health->answer(health->ctx, waiting[i], healthy);
	free(waiting);
}

static void on_reply(void *ctx, uint64_t cookie unused, struct worker_reply *reply)
{
	answer_all(ctx, reply->error.rc == RC_OK); /* only a healthy reply is a success (worker_calls.c) */
}

static void ask_worker(struct provider_health *health, const char *request_id)
{
	struct worker_ask ask = {
		.operation = OPERATION_HEALTH,
		.body = "{}",
		.len = 2,
		.request_id = request_id,
		.timeout_ms = PROTOCOL_HEALTH_TIMEOUT_MS,
		.done = on_reply,
		.ctx = health,
	};

	if (worker_client_ask(health->client, &ask, NULL))
		answer_all(health, false);
}

void provider_health_ask(struct provider_health *health, uint64_t cookie, const char *request_id)
{
	bool first;
	bool waits;

	pthread_mutex_lock(&health->lock);
	waits = add_waiting(health, cookie);
	first = waits && !health->pending;
	if (first)
		health->pending = true;
	pthread_mutex_unlock(&health->lock);
	if (!waits)
		health->answer(health->ctx, cookie, false);
	else if (first)
		ask_worker(health, request_id);
}
