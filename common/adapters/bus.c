#include "common/adapters/bus.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/services/log.h"

#define URLS_MAX 16
#define CONNECT_TIMEOUT_MS 2000
#define PING_INTERVAL_MS 10000 /* with PINGS_OUT_MAX: a half-open connection is found within 30 s */
#define PINGS_OUT_MAX 2
#define WRITE_DEADLINE_MS 2000 /* a blocked write holds the connection's lock; cnats' default is for ever */
#define RECONNECT_FIRST_MS 50
#define RECONNECT_MAX_MS 5000
#define CLOSE_WAIT_MS 2000
#define TAKE_WAIT_MS 60000                   /* cnats wants a limit; whoever waits goes on waiting behind it */
#define PAYLOAD_BEFORE_CONNECT (1024 * 1024) /* nats-server's default */

struct bus_subscription {
	natsSubscription *nats;
	struct bus *bus;
	bus_handler handler;
	void *ctx;
	struct bus_subscription *next;
};

struct bus {
	natsConnection *connection;
	void (*on_state)(void *ctx, bool connected, bool closed_for_good);
	void *ctx;
	atomic_bool destroying;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t ended_changed;
	bool closed; /* the connection's last callback has run */
	int live;    /* subscriptions whose handler may still run */
	bool ended;  /* closed, and none is live */
	struct bus_subscription *subscriptions;
};

static enum rc nats_fault(struct error *err, natsStatus status, const char *what)
{
	enum rc rc = RC_INTERNAL;

	if (status == NATS_NO_MEMORY)
		rc = RC_NO_MEMORY;
	else if (status == NATS_MAX_PAYLOAD)
		rc = RC_TOO_LARGE;
	else if (status == NATS_TIMEOUT)
		rc = RC_TIMEOUT;
	else if (status == NATS_INVALID_ARG || status == NATS_ADDRESS_MISSING)
		rc = RC_INVALID_ARGUMENT;
	else if (status == NATS_CONNECTION_CLOSED || status == NATS_CONNECTION_DISCONNECTED ||
		 status == NATS_IO_ERROR || status == NATS_INSUFFICIENT_BUFFER || status == NATS_NO_SERVER ||
		 status == NATS_STALE_CONNECTION || status == NATS_DRAINING)
		rc = RC_UNAVAILABLE;
	return error_set(err, rc, "%s: %s", what, natsStatus_GetText(status));
}

static void report_state(struct bus *bus, bool connected, bool closed_for_good)
{
	if (bus->on_state && !atomic_load(&bus->destroying))
		bus->on_state(bus->ctx, connected, closed_for_good);
}

static void on_connected(natsConnection *connection, void *closure)
{
	char url[256] = "";

	(void)natsConnection_GetConnectedUrl(connection, url, sizeof(url)); /* for the log only */
	log_info("connected to NATS", log_str("server", strrchr(url, '@') ? strrchr(url, '@') + 1 : url));
	report_state(closure, true, false);
}

static void on_disconnected(natsConnection *connection unused, void *closure)
{
	struct bus *bus = closure;

	if (!atomic_load(&bus->destroying))
		log_warn("NATS connection lost; reconnecting");
	report_state(bus, false, false);
}

/* The connection has closed, or `subscriptions` (-1, +1) ended or began. */
static void note_end(struct bus *bus, bool closed, int subscriptions)
{
	pthread_mutex_lock(&bus->lock);
	bus->closed = bus->closed || closed;
	bus->live += subscriptions;
	bus->ended = bus->closed && bus->live == 0;
	if (bus->ended)
		pthread_cond_broadcast(&bus->ended_changed);
	pthread_mutex_unlock(&bus->lock);
}

static void on_closed(natsConnection *connection unused, void *closure)
{
	struct bus *bus = closure;

	report_state(bus, false, true);
	note_end(bus, true, 0);
}

/* The subscription is not touched: cnats 3.4 may have freed it (nats.c#659). */
static void on_error(natsConnection *connection unused, natsSubscription *subscription unused, natsStatus status,
		     void *closure unused)
{
	log_warn("NATS reported an error; going on", log_str("error", natsStatus_GetText(status)));
}

/* cnats sleeps its fixed 2 s before the first attempt when there is one URL; this makes the first one quick. */
static int64_t reconnect_delay(natsConnection *connection unused, int attempts, void *closure unused)
{
	int64_t delay = RECONNECT_FIRST_MS;

	for (int i = 1; i < attempts && delay < RECONNECT_MAX_MS; i++)
		delay *= 2;
	return delay + random_below(delay);
}

/* The comma-separated list, cut into `copy`. */
static size_t split_urls(char *copy, const char *urls[URLS_MAX])
{
	size_t count = 0;

	while (copy && count < URLS_MAX) {
		char *comma = strchr(copy, ',');

		if (comma)
			*comma = '\0';
		copy += strspn(copy, " ");
		if (*copy)
			urls[count++] = copy;
		copy = comma ? comma + 1 : NULL;
	}
	return count;
}

static natsStatus set_servers(natsOptions *nats, const char *list)
{
	cleanup_free char *copy = str_dup(list);
	const char *urls[URLS_MAX];
	size_t count;

	if (!copy)
		return NATS_NO_MEMORY;
	count = split_urls(copy, urls);
	return count ? natsOptions_SetServers(nats, urls, (int)count) : NATS_INVALID_ARG;
}

#define CHAIN(status, call)                \
	do {                               \
		if ((status) == NATS_OK)   \
			(status) = (call); \
	} while (0)

static natsStatus set_options(natsOptions *nats, const struct bus_options *options, struct bus *bus)
{
	natsStatus s = set_servers(nats, options->urls);

	CHAIN(s, natsOptions_SetName(nats, options->client_name));
	CHAIN(s, natsOptions_SetTimeout(nats, CONNECT_TIMEOUT_MS));
	CHAIN(s, natsOptions_SetAllowReconnect(nats, true));
	CHAIN(s, natsOptions_SetMaxReconnect(nats, -1));
	CHAIN(s, natsOptions_SetCustomReconnectDelay(nats, reconnect_delay, bus));
	CHAIN(s, natsOptions_SetReconnectBufSize(nats, 0)); /* really none, whatever its documentation says */
	CHAIN(s, natsOptions_SetRetryOnFailedConnect(nats, true, on_connected, bus));
	CHAIN(s, natsOptions_SetPingInterval(nats, PING_INTERVAL_MS));
	CHAIN(s, natsOptions_SetMaxPingsOut(nats, PINGS_OUT_MAX));
	CHAIN(s, natsOptions_SetWriteDeadline(nats, WRITE_DEADLINE_MS));
	CHAIN(s, natsOptions_SetSendAsap(nats, true)); /* the flusher thread costs about 1 ms a message */
	CHAIN(s, natsOptions_SetDisconnectedCB(nats, on_disconnected, bus));
	CHAIN(s, natsOptions_SetReconnectedCB(nats, on_connected, bus));
	CHAIN(s, natsOptions_SetClosedCB(nats, on_closed, bus));
	CHAIN(s, natsOptions_SetErrorHandler(nats, on_error, bus));
	return s;
}

static struct bus *bus_alloc(const struct bus_options *options)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->on_state = options->on_state;
	bus->ctx = options->ctx;
	pthread_mutex_init(&bus->lock, NULL);
	pthread_cond_init(&bus->ended_changed, NULL);
	return bus;
}

enum rc bus_connect(const struct bus_options *options, struct bus **ret_bus, struct error *err)
{
	struct bus *bus = bus_alloc(options);
	natsOptions *nats = NULL;
	natsStatus s;

	if (!bus)
		return error_no_memory(err);
	s = natsOptions_Create(&nats);
	CHAIN(s, set_options(nats, options, bus));
	CHAIN(s, natsConnection_Connect(&bus->connection, nats));
	natsOptions_Destroy(nats);
	if (s == NATS_OK)
		on_connected(bus->connection, bus);
	else if (s == NATS_NOT_YET_CONNECTED)
		log_warn("NATS does not answer yet; connecting in the background");
	else {
		bus_destroy(bus);
		return nats_fault(err, s, "connect to NATS");
	}
	*ret_bus = bus;
	return RC_OK;
}

/* cnats calls on_closed() and the handlers from threads of its own, which still use the bus. */
static void wait_until_ended(struct bus *bus)
{
	bool ended;

	pthread_mutex_lock(&bus->lock);
	ended = thread_wait_until(&bus->ended_changed, &bus->lock, &bus->ended, CLOSE_WAIT_MS);
	pthread_mutex_unlock(&bus->lock);
	if (!ended)
		log_warn("NATS callbacks still run at the end");
}

void bus_destroy(struct bus *bus)
{
	struct bus_subscription *next;

	if (!bus)
		return;
	atomic_store(&bus->destroying, true);
	if (bus->connection) {
		natsConnection_Close(bus->connection);
		wait_until_ended(bus);
	}
	for (struct bus_subscription *sub = bus->subscriptions; sub; sub = next) {
		next = sub->next;
		natsSubscription_Destroy(sub->nats);
		free(sub);
	}
	natsConnection_Destroy(bus->connection);
	pthread_cond_destroy(&bus->ended_changed);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

bool bus_connected(struct bus *bus)
{
	return natsConnection_Status(bus->connection) == NATS_CONN_STATUS_CONNECTED;
}

size_t bus_max_payload(struct bus *bus)
{
	int64_t max = natsConnection_GetMaxPayload(bus->connection);

	return max > 0 ? (size_t)max : PAYLOAD_BEFORE_CONNECT;
}

enum rc bus_new_inbox(char out[BUS_INBOX_MAX], struct error *err)
{
	natsInbox *inbox = NULL;
	natsStatus s = natsInbox_Create(&inbox);

	if (s != NATS_OK)
		return nats_fault(err, s, "make an inbox");
	snprintf(out, BUS_INBOX_MAX, "%s", inbox);
	natsInbox_Destroy(inbox);
	return RC_OK;
}

/* What the server counts: "NATS/1.0", the headers, an empty line, and the data. cnats 3.4 looks at the data alone. */
static size_t counted_size(const struct bus_outgoing *out)
{
	size_t size = out->len;

	if (out->header_count > 0)
		size += strlen("NATS/1.0\r\n\r\n");
	for (size_t i = 0; i < out->header_count; i++)
		size += strlen(out->headers[i].name) + strlen(": ") + strlen(out->headers[i].value) + strlen("\r\n");
	return size;
}

enum rc bus_publish(struct bus *bus, const struct bus_outgoing *out, struct error *err)
{
	natsMsg *msg = NULL;
	natsStatus s;

	if (!bus_connected(bus))
		return error_set(err, RC_UNAVAILABLE, "publish: NATS is not connected");
	if (counted_size(out) > bus_max_payload(bus)) /* the server would close the connection, with all that waits */
		return error_set(err, RC_TOO_LARGE, "publish: more than %zu bytes", bus_max_payload(bus));
	s = natsMsg_Create(&msg, out->subject, out->reply, out->data, (int)out->len);
	for (size_t i = 0; i < out->header_count; i++)
		CHAIN(s, natsMsgHeader_Set(msg, out->headers[i].name, out->headers[i].value));
	CHAIN(s, natsConnection_PublishMsg(bus->connection, msg));
	natsMsg_Destroy(msg);
	return s == NATS_OK ? RC_OK : nats_fault(err, s, "publish");
}

enum rc bus_flush(struct bus *bus, int64_t timeout_ms, struct error *err)
{
	natsStatus s = natsConnection_FlushTimeout(bus->connection, timeout_ms);

	return s == NATS_OK ? RC_OK : nats_fault(err, s, "flush");
}

static void deliver(natsConnection *connection unused, natsSubscription *nats unused, natsMsg *msg, void *closure)
{
	struct bus_subscription *sub = closure;

	if (msg)
		sub->handler(sub->ctx, (struct bus_message *)msg);
}

static void on_complete(void *closure)
{
	struct bus_subscription *sub = closure;

	note_end(sub->bus, false, -1);
}

/* Fill in `sub` by the function of cnats that fits. */
static natsStatus nats_subscribe(struct bus_subscription *sub, const char *subject, const char *queue)
{
	natsConnection *connection = sub->bus->connection;

	if (sub->handler && queue)
		return natsConnection_QueueSubscribe(&sub->nats, connection, subject, queue, deliver, sub);
	if (sub->handler)
		return natsConnection_Subscribe(&sub->nats, connection, subject, deliver, sub);
	if (queue)
		return natsConnection_QueueSubscribeSync(&sub->nats, connection, subject, queue);
	return natsConnection_SubscribeSync(&sub->nats, connection, subject);
}

enum rc bus_subscribe(struct bus *bus, const char *subject, const char *queue, bus_handler handler, void *ctx,
		      struct bus_subscription **ret_subscription, struct error *err)
{
	struct bus_subscription *sub = calloc(1, sizeof(*sub));
	natsStatus s;

	if (!sub)
		return error_no_memory(err);
	*sub = (struct bus_subscription){ .bus = bus, .handler = handler, .ctx = ctx };
	s = nats_subscribe(sub, subject, queue);
	if (s != NATS_OK) {
		free(sub);
		return nats_fault(err, s, "subscribe");
	}
	if (handler && natsSubscription_SetOnCompleteCB(sub->nats, on_complete, sub) == NATS_OK)
		note_end(bus, false, +1);
	pthread_mutex_lock(&bus->lock);
	sub->next = bus->subscriptions;
	bus->subscriptions = sub;
	pthread_mutex_unlock(&bus->lock);
	if (ret_subscription)
		*ret_subscription = sub;
	return RC_OK;
}

enum rc bus_subscribe_to_take(struct bus *bus, const char *subject, const char *queue,
			      struct bus_subscription **ret_subscription, struct error *err)
{
	return bus_subscribe(bus, subject, queue, NULL, NULL, ret_subscription, err);
}

enum rc bus_take(struct bus_subscription *subscription, struct bus_message **ret_msg, struct error *err)
{
	natsMsg *msg = NULL;
	natsStatus s;

	do
		s = natsSubscription_NextMsg(&msg, subscription->nats, TAKE_WAIT_MS);
	while (s == NATS_TIMEOUT || s == NATS_SLOW_CONSUMER);
	if (s != NATS_OK)
		return error_set(err, RC_UNAVAILABLE, "take a message: %s", natsStatus_GetText(s));
	*ret_msg = (struct bus_message *)msg;
	return RC_OK;
}

void bus_subscription_drain(struct bus_subscription *subscription, int64_t timeout_ms)
{
	if (!bus_connected(subscription->bus)) /* nothing comes, and a drain would wait for the server */
		(void)natsSubscription_Unsubscribe(subscription->nats);
	else if (natsSubscription_Drain(subscription->nats) == NATS_OK)
		(void)natsSubscription_WaitForDrainCompletion(subscription->nats,
							      timeout_ms); /* late is as good as done */
}

const char *bus_message_subject(const struct bus_message *msg)
{
	return natsMsg_GetSubject((const natsMsg *)msg);
}

const char *bus_message_reply(const struct bus_message *msg)
{
	return natsMsg_GetReply((const natsMsg *)msg);
}

const char *bus_message_data(const struct bus_message *msg, size_t *ret_len)
{
	*ret_len = (size_t)natsMsg_GetDataLength((const natsMsg *)msg);
	return natsMsg_GetData((const natsMsg *)msg);
}

const char *bus_message_header(struct bus_message *msg, const char *name)
{
	const char *value = NULL;

	return natsMsgHeader_Get((natsMsg *)msg, name, &value) == NATS_OK ? value : NULL;
}

bool bus_message_is_no_responders(struct bus_message *msg)
{
	return natsMsg_IsNoResponders((natsMsg *)msg);
}

void bus_message_destroy(struct bus_message *msg)
{
	natsMsg_Destroy((natsMsg *)msg);
}

void cleanup_bus_message_at(struct bus_message **msg)
{
	bus_message_destroy(*msg);
}
