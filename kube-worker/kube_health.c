#include "kube-worker/kube_health.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/kube/kube_client.h"
#include "common/kube/kube_presence.h"
#include "common/protocol.h"
#include "common/services/json_write.h"
#include "common/services/log.h"
#include "kube-worker/operation/reply.h"

#define WAITING_MAX 256 /* requests per check; more are dropped, and time out as unhealthy */

/* Their sum leaves part of PROTOCOL_HEALTH_TIMEOUT_MS for NATS. */
static const int64_t look_timeouts_ms[] = { 250, 250 };

struct kube_health {
	struct kube_client *kube;
	pthread_t thread;
	pthread_mutex_t lock; /* protects all below */
	pthread_cond_t work;
	struct bus *bus; /* of the waiting requests */
	struct bus_message *waiting[WAITING_MAX];
	size_t count;
	bool stopping;
	bool looked; /* at least once */
	pthread_cond_t looked_once;
};

/* Any response of Kubernetes to this process in the meantime counts as well: it may be busy. */
static bool look(struct kube_health *health, bool healthy_before)
{
	int64_t start_ms = clock_mono_ms();
	enum rc rc = RC_UNAVAILABLE;
	struct error err;

	for (size_t i = 0; rc && i < ARRAY_LEN(look_timeouts_ms); i++) {
		struct kube_reply reply cleanup_kube_reply = { 0 };
		struct kube_request request = {
			.method = "GET",
			.path = "/version",
			.deadline_ms = clock_mono_ms() + look_timeouts_ms[i],
		};

		rc = kube_client_do(health->kube, &request, &reply, &err);
		if (rc == RC_TIMEOUT && kube_presence_last_answer_ms() >= start_ms)
			rc = RC_OK;
	}
	if (!rc && !healthy_before)
		log_info("Kubernetes responds");
	if (rc && healthy_before)
		log_warn("Kubernetes does not respond; reporting unhealthy", log_err(&err));
	return rc == RC_OK;
}

static void answer(struct bus *bus, struct bus_message *request, bool healthy)
{
	struct buf body cleanup_buf = buf_make(64);
	struct json_writer w = json_writer_make(&body);
	struct error err;

	json_begin_object(&w, NULL);
	json_bool(&w, "healthy", healthy);
	json_end_object(&w);
	if (reply_result(bus, request, &body, NULL, &err))
		log_debug("cannot send a health reply", log_err(&err));
	bus_message_destroy(request);
}

/* Requests that arrived during the check receive its result as well. */
static void answer_waiting(struct kube_health *health, bool healthy)
{
	struct bus_message *taken[WAITING_MAX];
	struct bus *bus;
	size_t count;

	pthread_mutex_lock(&health->lock);
	bus = health->bus;
	count = health->count;
	for (size_t i = 0; i < count; i++)
		taken[i] = health->waiting[i];
	health->count = 0;
	health->looked = true;
	pthread_cond_broadcast(&health->looked_once);
	pthread_mutex_unlock(&health->lock);
	for (size_t i = 0; i < count; i++)
		answer(bus, taken[i], healthy);
}

/* Returns false if stopping. */
static bool wait_for_request(struct kube_health *health)
{
	bool asked;

	pthread_mutex_lock(&health->lock);
	while (health->count == 0 && !health->stopping)
		pthread_cond_wait(&health->work, &health->lock);
	asked = health->count > 0;
	pthread_mutex_unlock(&health->lock);
	return asked;
}

static void *run_health(void *ctx)
{
	struct kube_health *health = ctx;
	bool healthy = false;

	do {
		healthy = look(health, healthy);
		answer_waiting(health, healthy);
	} while (wait_for_request(health));
	return NULL;
}

void kube_health_ask(struct kube_health *health, struct bus *bus, struct bus_message *request)
{
	bool room;

	pthread_mutex_lock(&health->lock);
	room = health->count < WAITING_MAX && !health->stopping;
	if (room) {
		health->bus = bus;
		health->waiting[health->count++] = request;
		pthread_cond_signal(&health->work);
	}
	pthread_mutex_unlock(&health->lock);
	if (!room)
		bus_message_destroy(request);
}

void kube_health_wait_first(struct kube_health *health, int64_t timeout_ms)
{
	pthread_mutex_lock(&health->lock);
	(void)thread_wait_until(&health->looked_once, &health->lock, &health->looked, timeout_ms);
	pthread_mutex_unlock(&health->lock);
}

static void kube_health_free(struct kube_health *health)
{
	kube_client_destroy(health->kube);
	pthread_cond_destroy(&health->work);
	pthread_cond_destroy(&health->looked_once);
	pthread_mutex_destroy(&health->lock);
	free(health);
}

enum rc kube_health_create(struct kube_auth *auth, struct kube_health **ret_health, struct error *err)
{
	struct kube_health *health = calloc(1, sizeof(*health));
	enum rc rc;

	if (!health)
		return error_no_memory(err);
	pthread_mutex_init(&health->lock, NULL);
	pthread_cond_init(&health->work, NULL);
	pthread_cond_init(&health->looked_once, NULL);
	rc = kube_client_create(auth, &health->kube, err);
	if (!rc)
		rc = thread_start(run_health, health, &health->thread, err);
	if (rc) {
		kube_health_free(health);
		return rc;
	}
	*ret_health = health;
	return RC_OK;
}

void kube_health_destroy(struct kube_health *health)
{
	if (!health)
		return;
	pthread_mutex_lock(&health->lock);
	health->stopping = true;
	pthread_cond_signal(&health->work);
	pthread_mutex_unlock(&health->lock);
	pthread_join(health->thread, NULL);
	kube_health_free(health);
}
