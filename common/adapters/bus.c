#include "common/adapters/bus.h"

#include <nats/nats.h>
#include <pthread.h>
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
	struct bus *bus;
	char *subject;
	char *queue; /* NULL: none */
	bus_handler handler;
	void *ctx;
	natsSubscription *nats; /* of the present connection; NULL: there is none. Guarded as the connection */
	uint64_t serial;        /* which one it is: addresses come again */
	bool taking;            /* somebody waits in it: it may not be freed */
	bool drained;           /* for good */
	struct bus_subscription *next;
};

/*
 * cnats reconnects by itself. It gives up when the server refuses the login twice, and it keeps what was in the files:
 * then `keeper` makes a new connection, with the same subscriptions.
 */
struct bus {
	struct bus_options options;
	pthread_t keeper;
	bool keeper_runs;
	struct error said; /* by the keeper: the last failure to connect */
	/*
	 * Who uses the connection holds it for reading, who replaces it for writing. Taken before `lock`.
	 */
	pthread_rwlock_t link;
	natsConnection *connection; /* NULL: none yet, or none at the moment */
	pthread_mutex_t lock;       /* guards all below, and the members of subscriptions */
	pthread_cond_t changed;     /* any of it, but for who takes */
	pthread_cond_t not_taking;  /* of a subscription; apart, or each message would wake the keeper */
	bool destroying;
	bool outdated; /* files have changed since the login */
	int live;      /* callbacks that may still come: the connection's last one, and handlers that may run */
	bool ended;    /* none; there is no connection, or it is closed */
	struct bus_login login;
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

static bool is_destroying(struct bus *bus)
{
	bool destroying;

	pthread_mutex_lock(&bus->lock);
	destroying = bus->destroying;
	pthread_mutex_unlock(&bus->lock);
	return destroying;
}

static void report_state(struct bus *bus, bool connected)
{
	if (bus->options.on_state && !is_destroying(bus))
		bus->options.on_state(bus->options.ctx, connected);
}

static void on_connected(natsConnection *connection, void *closure)
{
	char url[256] = "";

	(void)natsConnection_GetConnectedUrl(connection, url, sizeof(url)); /* for the log only */
	log_info("connected to NATS", log_str("server", strrchr(url, '@') ? strrchr(url, '@') + 1 : url));
	report_state(closure, true);
}

static void on_disconnected(natsConnection *connection unused, void *closure)
{
	struct bus *bus = closure;

	if (!is_destroying(bus))
		log_warn("NATS connection lost; reconnecting");
	report_state(bus, false);
}

/* A connection or a subscription began (+1), or its last callback has run (-1). */
static void note_live(struct bus *bus, int change)
{
	pthread_mutex_lock(&bus->lock);
	bus->live += change;
	bus->ended = bus->live == 0;
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
}

static void on_closed(natsConnection *connection unused, void *closure)
{
	report_state(closure, false);
	note_live(closure, -1);
}

/* The subscription is not touched: cnats 3.4 may have freed it (nats.c#659). */
static void on_error(natsConnection *connection, natsSubscription *subscription unused, natsStatus status,
		     void *closure unused)
{
	const char *text = NULL;

	(void)natsConnection_GetLastError(connection, &text); /* for the log only */
	log_warn("NATS reported an error; going on", log_str("error", natsStatus_GetText(status)),
		 log_str("text", text ? text : ""));
}

/* cnats sleeps its fixed 2 s before the first attempt when there is one URL; this makes the first one quick. */
static int64_t reconnect_delay(natsConnection *connection unused, int attempts, void *closure)
{
	struct bus *bus = closure;
	int64_t delay = RECONNECT_FIRST_MS;

	pthread_mutex_lock(&bus->lock);
	bus->outdated = bus_login_changed(&bus->login, bus->options.access);
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
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

static natsStatus set_login(natsOptions *nats, const struct bus_access *access, const struct bus_login *login)
{
	natsStatus s = NATS_OK;

	if (access->credentials[0])
		CHAIN(s, natsOptions_SetUserCredentialsFromFiles(nats, access->credentials, NULL));
	if (access->nkey[0])
		CHAIN(s, natsOptions_SetNKeyFromSeed(nats, login->nkey_public, access->nkey));
	if (login->password)
		CHAIN(s, natsOptions_SetUserInfo(nats, access->user, login->password));
	if (login->token)
		CHAIN(s, natsOptions_SetToken(nats, login->token));
	if (login->tls)
		CHAIN(s, natsOptions_SetSecure(nats, true));
	if (access->tls_ca[0])
		CHAIN(s, natsOptions_LoadCATrustedCertificates(nats, access->tls_ca));
	if (access->tls_cert[0])
		CHAIN(s, natsOptions_LoadCertificatesChain(nats, access->tls_cert, access->tls_key));
	return s;
}

static natsStatus set_options(natsOptions *nats, struct bus *bus)
{
	natsStatus s = set_servers(nats, bus->options.access->urls);

	CHAIN(s, natsOptions_SetName(nats, bus->options.client_name));
	CHAIN(s, natsOptions_SetTimeout(nats, CONNECT_TIMEOUT_MS));
	CHAIN(s, natsOptions_SetAllowReconnect(nats, true));
	CHAIN(s, natsOptions_SetMaxReconnect(nats, -1));
	CHAIN(s, natsOptions_SetCustomReconnectDelay(nats, reconnect_delay, bus));
	CHAIN(s, natsOptions_SetReconnectBufSize(nats, 0)); /* really none, whatever its documentation says */
	CHAIN(s, natsOptions_SetPingInterval(nats, PING_INTERVAL_MS));
	CHAIN(s, natsOptions_SetMaxPingsOut(nats, PINGS_OUT_MAX));
	CHAIN(s, natsOptions_SetWriteDeadline(nats, WRITE_DEADLINE_MS));
	CHAIN(s, natsOptions_SetSendAsap(nats, true)); /* the flusher thread costs about 1 ms a message */
	CHAIN(s, natsOptions_SetDisconnectedCB(nats, on_disconnected, bus));
	CHAIN(s, natsOptions_SetReconnectedCB(nats, on_connected, bus));
	CHAIN(s, natsOptions_SetClosedCB(nats, on_closed, bus));
	CHAIN(s, natsOptions_SetErrorHandler(nats, on_error, bus));
	CHAIN(s, set_login(nats, bus->options.access, &bus->login));
	return s;
}

/* ---- subscriptions of the present connection; `link` is held ---- */

static void deliver(natsConnection *connection unused, natsSubscription *nats unused, natsMsg *msg, void *closure)
{
	struct bus_subscription *sub = closure;

	if (msg)
		sub->handler(sub->ctx, (struct bus_message *)msg);
}

static void on_complete(void *closure)
{
	struct bus_subscription *sub = closure;

	note_live(sub->bus, -1);
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

static natsStatus attach(struct bus_subscription *sub)
{
	natsSubscription *nats = NULL;
	natsStatus s = nats_subscribe(sub, &nats);

	if (s != NATS_OK)
		return s;
	if (sub->handler && natsSubscription_SetOnCompleteCB(nats, on_complete, sub) == NATS_OK)
		note_live(sub->bus, +1);
	pthread_mutex_lock(&sub->bus->lock);
	sub->nats = nats;
	sub->serial++;
	pthread_cond_broadcast(&sub->bus->changed);
	pthread_mutex_unlock(&sub->bus->lock);
	return NATS_OK;
}

/* Its connection is closed, so nobody stays in it for long. */
static void detach(struct bus_subscription *sub)
{
	natsSubscription *nats;

	pthread_mutex_lock(&sub->bus->lock);
	while (sub->taking)
		pthread_cond_wait(&sub->bus->not_taking, &sub->bus->lock);
	nats = TAKE(sub->nats);
	pthread_mutex_unlock(&sub->bus->lock);
	natsSubscription_Destroy(nats);
}

/* ---- the connection ---- */

/* Free what is closed. */
static void drop_connection(struct bus *bus)
{
	pthread_rwlock_wrlock(&bus->link);
	if (bus->connection)
		for (struct bus_subscription *sub = bus->subscriptions; sub; sub = sub->next)
			detach(sub);
	natsConnection_Destroy(bus->connection);
	bus->connection = NULL;
	pthread_rwlock_unlock(&bus->link);
}

/* A server that refuses the login, or whose certificate is not good, may be better next time. */
static enum rc connect_fault(natsStatus status, struct error *err)
{
	const char *text = nats_GetLastError(NULL); /* this thread's: "(file:line): text" */
	const char *behind = text ? strstr(text, "): ") : NULL;
	enum rc rc = nats_fault(err, status, "connect to NATS");

	return error_set(err, rc == RC_INTERNAL ? RC_UNAVAILABLE : rc, "connect to NATS: %s",
			 behind ? behind + strlen("): ") : natsStatus_GetText(status));
}

static enum rc connect_with(struct bus *bus, natsConnection **ret_connection, struct error *err)
{
	natsOptions *nats = NULL;
	natsStatus s = natsOptions_Create(&nats);
	enum rc rc = RC_OK;

	CHAIN(s, set_options(nats, bus));
	if (s != NATS_OK)
		rc = nats_fault(err, s, "the settings for NATS");
	else if ((s = natsConnection_Connect(ret_connection, nats)) != NATS_OK)
		rc = connect_fault(s, err);
	natsOptions_Destroy(nats);
	return rc;
}

/* Make the connection and its subscriptions. One that does not come is closed already, and is made again. */
static enum rc make_connection(struct bus *bus, struct error *err)
{
	struct bus_login login = { 0 };
	natsConnection *connection = NULL;
	natsStatus s = NATS_OK;
	enum rc rc = bus_login_read(bus->options.access, &login, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&bus->lock);
	bus_login_clear(&bus->login);
	bus->login = login;
	bus->outdated = false;
	pthread_mutex_unlock(&bus->lock);
	rc = connect_with(bus, &connection, err);
	if (rc)
		return rc;
	note_live(bus, +1);
	pthread_rwlock_wrlock(&bus->link);
	bus->connection = connection;
	for (struct bus_subscription *sub = bus->subscriptions; sub; sub = sub->next)
		if (!sub->drained)
			CHAIN(s, attach(sub));
	pthread_rwlock_unlock(&bus->link);
	if (s != NATS_OK) {
		natsConnection_Close(connection);
		return nats_fault(err, s, "subscribe");
	}
	on_connected(connection, bus);
	return RC_OK;
}

/* Says what is wrong once, and not each time that it still is. */
static enum rc try_connect(struct bus *bus, struct error *err)
{
	enum rc rc = make_connection(bus, err);

	if (rc && strcmp(bus->said.text, err->text) != 0)
		log_warn("NATS is not connected; trying again", log_err(err));
	bus->said = rc ? *err : (struct error){ .rc = RC_OK };
	return rc;
}

/* Until there is something to do. The lock is held. */
static void wait_for_end(struct bus *bus)
{
	while (!bus->destroying && !bus->ended) {
		if (bus->outdated) {
			bus->outdated = false;
			pthread_mutex_unlock(&bus->lock);
			log_info("files of the login to NATS have changed; connecting anew");
			natsConnection_Close(bus->connection);
			pthread_mutex_lock(&bus->lock);
		} else {
			pthread_cond_wait(&bus->changed, &bus->lock);
		}
	}
}

static void *run_keeper(void *ctx)
{
	struct bus *bus = ctx;
	struct backoff backoff = { .first_ms = RECONNECT_FIRST_MS, .max_ms = RECONNECT_MAX_MS };
	struct error err;

	pthread_mutex_lock(&bus->lock);
	for (;;) {
		wait_for_end(bus);
		if (thread_wait_until(&bus->changed, &bus->lock, &bus->destroying, backoff_next_ms(&backoff)))
			break;
		pthread_mutex_unlock(&bus->lock);
		drop_connection(bus);
		if (!try_connect(bus, &err))
			backoff_reset(&backoff);
		pthread_mutex_lock(&bus->lock);
	}
	pthread_mutex_unlock(&bus->lock);
	return NULL;
}

static struct bus *bus_alloc(const struct bus_options *options)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->options = *options;
	bus->ended = true;
	pthread_rwlock_init(&bus->link, NULL);
	pthread_mutex_init(&bus->lock, NULL);
	pthread_cond_init(&bus->changed, NULL);
	pthread_cond_init(&bus->not_taking, NULL);
	return bus;
}

enum rc bus_connect(const struct bus_options *options, struct bus **ret_bus, struct error *err)
{
	struct bus *bus = bus_alloc(options);
	enum rc rc;

	if (!bus)
		return error_no_memory(err);
	rc = try_connect(bus, err);
	if (rc == RC_INVALID_ARGUMENT || rc == RC_NO_MEMORY || rc == RC_INTERNAL) {
		bus_destroy(bus);
		return rc;
	}
	rc = thread_start(run_keeper, bus, &bus->keeper, err);
	if (rc) {
		bus_destroy(bus);
		return rc;
	}
	bus->keeper_runs = true;
	*ret_bus = bus;
	return RC_OK;
}

static void stop_keeper(struct bus *bus)
{
	pthread_mutex_lock(&bus->lock);
	bus->destroying = true;
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
	if (bus->keeper_runs)
		pthread_join(bus->keeper, NULL);
}

/* cnats calls on_closed() and the handlers from threads of its own, which still use the bus. */
static void wait_until_ended(struct bus *bus)
{
	bool ended;

	pthread_mutex_lock(&bus->lock);
	ended = thread_wait_until(&bus->changed, &bus->lock, &bus->ended, CLOSE_WAIT_MS);
	pthread_mutex_unlock(&bus->lock);
	if (!ended)
		log_warn("NATS callbacks still run at the end");
}

static void subscription_free(struct bus_subscription *sub)
{
	free(sub->subject);
	free(sub->queue);
	free(sub);
}

void bus_destroy(struct bus *bus)
{
	struct bus_subscription *next;

	if (!bus)
		return;
	stop_keeper(bus);
	if (bus->connection) {
		natsConnection_Close(bus->connection);
		wait_until_ended(bus);
	}
	drop_connection(bus);
	for (struct bus_subscription *sub = bus->subscriptions; sub; sub = next) {
		next = sub->next;
		subscription_free(sub);
	}
	bus_login_clear(&bus->login);
	pthread_cond_destroy(&bus->changed);
	pthread_cond_destroy(&bus->not_taking);
	pthread_mutex_destroy(&bus->lock);
	pthread_rwlock_destroy(&bus->link);
	free(bus);
}

/* `link` is held, here and in the next. */
static bool is_connected(const struct bus *bus)
{
	return natsConnection_Status(bus->connection) == NATS_CONN_STATUS_CONNECTED;
}

static size_t max_payload(const struct bus *bus)
{
	int64_t max = natsConnection_GetMaxPayload(bus->connection);

	return max > 0 ? (size_t)max : PAYLOAD_BEFORE_CONNECT;
}

bool bus_connected(struct bus *bus)
{
	bool connected;

	pthread_rwlock_rdlock(&bus->link);
	connected = is_connected(bus);
	pthread_rwlock_unlock(&bus->link);
	return connected;
}

size_t bus_max_payload(struct bus *bus)
{
	size_t max;

	pthread_rwlock_rdlock(&bus->link);
	max = max_payload(bus);
	pthread_rwlock_unlock(&bus->link);
	return max;
}

enum rc bus_new_inbox(const struct bus *bus, char out[BUS_INBOX_MAX], struct error *err)
{
	natsInbox *inbox = NULL;
	natsStatus s = natsInbox_Create(&inbox);

	if (s != NATS_OK)
		return nats_fault(err, s, "make an inbox");
	snprintf(out, BUS_INBOX_MAX, "_INBOX.%s.%s", bus->options.client_name, strchr(inbox, '.') + 1);
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

/* `link` is held. */
static enum rc publish(struct bus *bus, const struct bus_outgoing *out, struct error *err)
{
	natsMsg *msg = NULL;
	natsStatus s;

	if (!is_connected(bus))
		return error_set(err, RC_UNAVAILABLE, "publish: NATS is not connected");
	if (counted_size(out) > max_payload(bus)) /* the server would close the connection, with all that waits */
		return error_set(err, RC_TOO_LARGE, "publish: more than %zu bytes", max_payload(bus));
	s = natsMsg_Create(&msg, out->subject, out->reply, out->data, (int)out->len);
	for (size_t i = 0; i < out->header_count; i++)
		CHAIN(s, natsMsgHeader_Set(msg, out->headers[i].name, out->headers[i].value));
	CHAIN(s, natsConnection_PublishMsg(bus->connection, msg));
	natsMsg_Destroy(msg);
	return s == NATS_OK ? RC_OK : nats_fault(err, s, "publish");
}

enum rc bus_publish(struct bus *bus, const struct bus_outgoing *out, struct error *err)
{
	enum rc rc;

	pthread_rwlock_rdlock(&bus->link);
	rc = publish(bus, out, err);
	pthread_rwlock_unlock(&bus->link);
	return rc;
}

enum rc bus_flush(struct bus *bus, int64_t timeout_ms, struct error *err)
{
	natsStatus s;

	pthread_rwlock_rdlock(&bus->link);
	s = bus->connection ? natsConnection_FlushTimeout(bus->connection, timeout_ms) : NATS_CONNECTION_CLOSED;
	pthread_rwlock_unlock(&bus->link);
	return s == NATS_OK ? RC_OK : nats_fault(err, s, "flush");
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
	subscription_free(sub);
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
		s = attach(sub);
	if (s == NATS_CONNECTION_CLOSED) /* the next one will have it */
		s = NATS_OK;
	if (s == NATS_OK) {
		sub->next = bus->subscriptions;
		bus->subscriptions = sub;
	}
	pthread_rwlock_unlock(&bus->link);
	if (s != NATS_OK) {
		subscription_free(sub);
		return nats_fault(err, s, "subscribe");
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

/* Wait for another than *serial, and keep it from being freed until end_taking(). NULL: there will be none. */
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
	pthread_cond_signal(&sub->bus->not_taking); /* drop_connection() alone waits for it */
	pthread_mutex_unlock(&sub->bus->lock);
}

enum rc bus_take(struct bus_subscription *subscription, struct bus_message **ret_msg, struct error *err)
{
	natsMsg *msg = NULL;
	natsStatus s = NATS_CONNECTION_CLOSED;
	uint64_t serial = 0; /* before the first */

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
	if (!connected) /* nothing comes, and a drain would wait for the server */
		(void)natsSubscription_Unsubscribe(subscription->nats);
	else if (natsSubscription_DrainTimeout(subscription->nats, timeout_ms) == NATS_OK)
		(void)natsSubscription_WaitForDrainCompletion(subscription->nats, 0); /* it ends, if by force */
	pthread_rwlock_unlock(&bus->link);
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
