#include <stdlib.h>

#include "common/base/strutil.h"
#include "common/bus/bus_metrics.h"
#include "common/bus/bus_private.h"

#define TAKE_WAIT_MS 60000 /* cnats requires a timeout; the wait is repeated */

/* ---- on the current connection; `link` is held ---- */

static void deliver(natsConnection *connection unused, natsSubscription *nats unused, natsMsg *msg, void *closure)
{
	struct bus_subscription *sub = closure;

	if (!msg)
		return;
	bus_metrics_received((size_t)natsMsg_GetDataLength(msg));
	sub->handler(sub->ctx, (struct bus_message *)msg);
}

static void on_complete(void *closure)
{
	struct bus_subscription *sub = closure;

	bus_note_live(sub->bus, -1);
}

static natsStatus nats_subscribe(const struct bus_subscription *sub, natsSubscription **ret_nats)
{
	natsConnection *connection = sub->bus->connection;
	void *closure = (void *)(uintptr_t)sub;

	if (sub->handler && sub->queue)
		return natsConnection_QueueSubscribe(ret_nats, connection, sub->subject, sub->queue, deliver, closure);
	if (sub->handler)
		return natsConnection_Subscribe(ret_nats, connection, sub->subject, deliver, closure);
	if (sub->queue)
		return natsConnection_QueueSubscribeSync(ret_nats, connection, sub->subject, sub->queue);
	return natsConnection_SubscribeSync(ret_nats, connection, sub->subject);
}

natsStatus bus_subscription_attach(struct bus_subscription *sub)
{
	natsSubscription *nats = NULL;
	natsStatus s = nats_subscribe(sub, &nats);

	if (s != NATS_OK)
		return s;
	if (sub->handler && natsSubscription_SetOnCompleteCB(nats, on_complete, sub) == NATS_OK)
		bus_note_live(sub->bus, +1);
	pthread_mutex_lock(&sub->bus->lock);
	sub->nats = nats;
	sub->serial++;
	pthread_cond_broadcast(&sub->bus->changed);
	pthread_mutex_unlock(&sub->bus->lock);
	return NATS_OK;
}

void bus_subscription_detach(struct bus_subscription *sub)
{
	natsSubscription *nats;

	pthread_mutex_lock(&sub->bus->lock);
	while (sub->taking)
		pthread_cond_wait(&sub->bus->not_taking, &sub->bus->lock);
	nats = TAKE(sub->nats);
	pthread_mutex_unlock(&sub->bus->lock);
	natsSubscription_Destroy(nats);
}

/* ---- public functions ---- */

void bus_subscription_free(struct bus_subscription *sub)
{
	free(sub->subject);
	free(sub->queue);
	free(sub);
}

static struct bus_subscription *subscription_alloc(const char *subject, const char *queue)
{
	struct bus_subscription *sub = calloc(1, sizeof(*sub));

	if (!sub)
		return NULL;
	sub->subject = str_dup(subject);
	sub->queue = str_dup(queue);
	if (sub->subject && (sub->queue || !queue))
		return sub;
	bus_subscription_free(sub);
	return NULL;
}

enum rc bus_subscribe(struct bus *bus, const char *subject, const char *queue, bus_handler handler, void *ctx,
		      struct bus_subscription **ret_subscription, struct error *err)
{
	struct bus_subscription *sub = subscription_alloc(subject, queue);
	natsStatus s = NATS_OK;

	if (!sub)
		return error_no_memory(err);
	sub->bus = bus;
	sub->handler = handler;
	sub->ctx = ctx;
	pthread_rwlock_wrlock(&bus->link);
	if (bus->connection)
		s = bus_subscription_attach(sub);
	if (s == NATS_CONNECTION_CLOSED) /* the next connection delivers it */
		s = NATS_OK;
	if (s == NATS_OK) {
		sub->next = bus->subscriptions;
		bus->subscriptions = sub;
	}
	pthread_rwlock_unlock(&bus->link);
	if (s != NATS_OK) {
		bus_subscription_free(sub);
		return bus_fault(err, s, "subscribe");
	}
	if (ret_subscription)
		*ret_subscription = sub;
	return RC_OK;
}

enum rc bus_subscribe_to_take(struct bus *bus, const char *subject, const char *queue,
			      struct bus_subscription **ret_subscription, struct error *err)
{
	return bus_subscribe(bus, subject, queue, NULL, NULL, ret_subscription, err);
}

/* Wait for a subscription other than *serial, and prevent its release until end_taking(). NULL: none will follow. */
static natsSubscription *begin_taking(struct bus_subscription *sub, uint64_t *serial)
{
	struct bus *bus = sub->bus;
	natsSubscription *nats = NULL;

	pthread_mutex_lock(&bus->lock);
	while (!sub->drained && !bus->destroying && (!sub->nats || sub->serial == *serial))
		pthread_cond_wait(&bus->changed, &bus->lock);
	if (!bus->destroying && sub->serial != *serial)
		nats = sub->nats;
	sub->taking = nats != NULL;
	*serial = sub->serial;
	pthread_mutex_unlock(&bus->lock);
	return nats;
}

static void end_taking(struct bus_subscription *sub)
{
	pthread_mutex_lock(&sub->bus->lock);
	sub->taking = false;
	pthread_cond_signal(&sub->bus->not_taking); /* only drop_connection() waits for it */
	pthread_mutex_unlock(&sub->bus->lock);
}

enum rc bus_take(struct bus_subscription *subscription, struct bus_message **ret_msg, struct error *err)
{
	natsMsg *msg = NULL;
	natsStatus s = NATS_CONNECTION_CLOSED;
	uint64_t serial = 0; /* before the first one */

	for (;;) {
		natsSubscription *nats = begin_taking(subscription, &serial);

		if (!nats)
			return error_set(err, RC_UNAVAILABLE, "take a message: %s", natsStatus_GetText(s));
		do
			s = natsSubscription_NextMsg(&msg, nats, TAKE_WAIT_MS);
		while (s == NATS_TIMEOUT || s == NATS_SLOW_CONSUMER);
		end_taking(subscription);
		if (s == NATS_OK)
			break;
	}
	bus_metrics_received((size_t)natsMsg_GetDataLength(msg));
	*ret_msg = (struct bus_message *)msg;
	return RC_OK;
}

void bus_subscription_drain(struct bus_subscription *subscription, int64_t timeout_ms)
{
	struct bus *bus = subscription->bus;
	bool connected = bus_connected(bus);

	pthread_mutex_lock(&bus->lock);
	subscription->drained = true;
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
	pthread_rwlock_rdlock(&bus->link);
	if (!connected) /* nothing can arrive, and a drain would wait for the server */
		(void)natsSubscription_Unsubscribe(subscription->nats);
	else if (natsSubscription_DrainTimeout(subscription->nats, timeout_ms) == NATS_OK)
		(void)natsSubscription_WaitForDrainCompletion(subscription->nats, 0); /* ends, by force if necessary */
	pthread_rwlock_unlock(&bus->link);
}
