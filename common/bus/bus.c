#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/bus/bus_metrics.h"
#include "common/bus/bus_private.h"
#include "common/services/log.h"

#define RECONNECT_FIRST_MS 50
#define RECONNECT_MAX_MS 5000
#define FIRST_TRY_WAIT_MS 2500 /* longer than the timeout of one server */
#define CLOSE_WAIT_MS 2000
#define CLOCK_LOOK_MS 1000                   /* interval of wall clock checks */
#define CLOCK_STEP_MS 1000                   /* set back by more: a step */
#define PAYLOAD_BEFORE_CONNECT (1024 * 1024) /* bytes; nats-server's default */

enum rc bus_fault(struct error *err, natsStatus status, const char *what)
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

static uint64_t count_losses(struct bus *bus)
{
	uint64_t losses;

	pthread_mutex_lock(&bus->lock);
	losses = bus->losses;
	pthread_mutex_unlock(&bus->lock);
	return losses;
}

/* Unless it was lost in the meantime, which is reported on another thread. Returns whether it is up. */
static bool go_up(struct bus *bus, uint64_t losses)
{
	bool up;

	pthread_mutex_lock(&bus->lock);
	up = bus->losses == losses;
	atomic_store(&bus->up, up);
	bus_metrics_connected(up);
	pthread_mutex_unlock(&bus->lock);
	return up;
}

static void go_down(struct bus *bus)
{
	pthread_mutex_lock(&bus->lock);
	bus->losses++;
	atomic_store(&bus->up, false);
	bus_metrics_connected(false);
	pthread_mutex_unlock(&bus->lock);
}

/* Calls cnats, and may wait for its lock. Returns whether it is up. */
static bool take_state(struct bus *bus, natsConnection *connection)
{
	uint64_t losses = count_losses(bus);
	int64_t max_payload = natsConnection_GetMaxPayload(connection);

	if (max_payload > 0)
		atomic_store(&bus->max_payload, (size_t)max_payload);
	return natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED && go_up(bus, losses);
}

static void on_connected(natsConnection *connection, void *closure)
{
	struct bus *bus = closure;
	bool up = take_state(bus, connection);
	char url[256] = "";

	(void)natsConnection_GetConnectedUrl(connection, url, sizeof(url)); /* for the log only */
	bus_metrics_made();
	log_info("connected to NATS", log_str("server", strrchr(url, '@') ? strrchr(url, '@') + 1 : url));
	if (up)
		report_state(bus, true);
}

static void on_disconnected(natsConnection *connection unused, void *closure)
{
	struct bus *bus = closure;

	go_down(bus);
	if (!is_destroying(bus))
		log_warn("NATS connection lost; reconnecting");
	report_state(bus, false);
}

void bus_note_live(struct bus *bus, int change)
{
	pthread_mutex_lock(&bus->lock);
	bus->live += change;
	bus->ended = bus->live == 0;
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
}

static void on_closed(natsConnection *connection unused, void *closure)
{
	go_down(closure);
	report_state(closure, false);
	bus_note_live(closure, -1);
}

/* Do not use the subscription: cnats 3.4 may have freed it (nats.c#659). */
static void on_error(natsConnection *connection, natsSubscription *subscription unused, natsStatus status,
		     void *closure)
{
	const char *text = NULL;

	if (bus_connected(closure)) /* else it may block this thread, which also runs on_disconnected() */
		(void)natsConnection_GetLastError(connection, &text); /* for the log only */
	log_warn("NATS reported an error; continuing", log_str("error", natsStatus_GetText(status)),
		 log_str("text", text ? text : ""));
}

/* With one URL, cnats sleeps a fixed 2 s before the first attempt; this makes the first attempt fast. */
static int64_t reconnect_delay(natsConnection *connection unused, int attempts, void *closure)
{
	struct bus *bus = closure;
	int64_t delay = RECONNECT_FIRST_MS;
	bool outdated = bus_login_changed(&bus->login, bus->options.access); /* constant while the connection exists */

	pthread_mutex_lock(&bus->lock);
	bus->outdated = outdated;
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
	for (int i = 1; i < attempts && delay < RECONNECT_MAX_MS; i++)
		delay *= 2;
	return delay + random_below(delay);
}

static natsStatus set_options(natsOptions *nats, struct bus *bus)
{
	natsStatus s = bus_settings_set(nats, &bus->options, &bus->login);

	BUS_CHAIN(s, natsOptions_SetCustomReconnectDelay(nats, reconnect_delay, bus));
	BUS_CHAIN(s, natsOptions_SetDisconnectedCB(nats, on_disconnected, bus));
	BUS_CHAIN(s, natsOptions_SetReconnectedCB(nats, on_connected, bus));
	BUS_CHAIN(s, natsOptions_SetClosedCB(nats, on_closed, bus));
	BUS_CHAIN(s, natsOptions_SetErrorHandler(nats, on_error, bus));
	return s;
}

/* ---- the connection ---- */

/* Free the closed connection. */
static void drop_connection(struct bus *bus)
{
	pthread_rwlock_wrlock(&bus->link);
	if (bus->connection)
		for (struct bus_subscription *sub = bus->subscriptions; sub; sub = sub->next)
			bus_subscription_detach(sub);
	natsConnection_Destroy(bus->connection);
	bus->connection = NULL;
	pthread_rwlock_unlock(&bus->link);
}

/* Rejected logins and invalid certificates are retried: they may be repaired. */
static enum rc connect_fault(natsStatus status, struct error *err)
{
	const char *text = nats_GetLastError(NULL); /* this thread's: "(file:line): text" */
	const char *reason = text ? strstr(text, "): ") : NULL;
	enum rc rc = bus_fault(err, status, "connect to NATS");

	return error_set(err, rc == RC_INTERNAL ? RC_UNAVAILABLE : rc, "SP_NATS_URL: connect to NATS: %s",
			 reason ? reason + strlen("): ") : natsStatus_GetText(status));
}

static enum rc connect_with(struct bus *bus, natsConnection **ret_connection, struct error *err)
{
	natsOptions *nats = NULL;
	natsStatus s = natsOptions_Create(&nats);
	enum rc rc = RC_OK;

	BUS_CHAIN(s, set_options(nats, bus));
	if (s != NATS_OK)
		rc = bus_fault(err, s, "the settings for NATS");
	else if ((s = natsConnection_Connect(ret_connection, nats)) != NATS_OK)
		rc = connect_fault(s, err);
	natsOptions_Destroy(nats);
	return rc;
}

/* Read the login again. If that fails, it is logged once, and the current login is kept. */
static enum rc renew_login(struct bus *bus, struct error *err)
{
	bool first = bus->login.servers.count == 0;
	struct bus_login login = { .tls = false };
	enum rc rc = bus_login_read(bus->options.access, &login, err);

	if (rc && first)
		return rc;
	if (rc && bus_login_changed(&bus->login, bus->options.access))
		log_warn("cannot read the files of the NATS login again; keeping the current login", log_err(err));
	pthread_mutex_lock(&bus->lock);
	if (rc) {
		bus_login_keep(&bus->login, bus->options.access);
	} else {
		bus_login_clear(&bus->login);
		bus->login = login;
	}
	bus->outdated = false;
	pthread_mutex_unlock(&bus->lock);
	return RC_OK;
}

/* Make the connection and its subscriptions. A failed one is closed already, and will be retried. */
static enum rc make_connection(struct bus *bus, struct error *err)
{
	natsConnection *connection = NULL;
	natsStatus s = NATS_OK;
	enum rc rc = renew_login(bus, err);

	if (rc)
		return rc;
	rc = connect_with(bus, &connection, err);
	if (rc)
		return rc;
	bus_note_live(bus, +1);
	pthread_rwlock_wrlock(&bus->link);
	bus->connection = connection;
	(void)take_state(bus, connection); /* before requests arrive; on_connected() notifies */
	for (struct bus_subscription *sub = bus->subscriptions; sub; sub = sub->next)
		if (!sub->drained)
			BUS_CHAIN(s, bus_subscription_attach(sub));
	pthread_rwlock_unlock(&bus->link);
	if (s != NATS_OK) {
		natsConnection_Close(connection);
		return bus_fault(err, s, "subscribe");
	}
	on_connected(connection, bus);
	return RC_OK;
}

/* Logs an error once, not for each retry. */
static enum rc try_connect(struct bus *bus, struct error *err)
{
	enum rc rc = make_connection(bus, err);

	if (rc && strcmp(bus->said.text, err->text) != 0)
		log_warn("NATS is not connected; retrying", log_err(err));
	bus->said = rc ? *err : (struct error){ .rc = RC_OK };
	return rc;
}

/*
 * cnats waits on the wall clock (src/unix/cond.c, also in its newest version): if it is set back an hour, reconnects
 * and pings are delayed by an hour. A new connection is not affected.
 */
static bool was_set_back(struct bus *bus)
{
	int64_t before_ms = bus->wall_ahead_ms;

	bus->wall_ahead_ms = clock_wall_ms() - clock_mono_ms();
	return bus->wall_ahead_ms < before_ms - CLOCK_STEP_MS;
}

/* The lock is held, except while it closes. */
static void close_anew(struct bus *bus, const char *why)
{
	bus->outdated = false;
	pthread_mutex_unlock(&bus->lock);
	log_info("reconnecting to NATS", log_str("why", why));
	natsConnection_Close(bus->connection);
	pthread_mutex_lock(&bus->lock);
}

/* Wait until there is something to do. The lock is held. */
static void wait_for_end(struct bus *bus)
{
	while (!bus->destroying && !bus->ended) {
		if (was_set_back(bus))
			close_anew(bus, "the clock was set back");
		else if (bus->outdated)
			close_anew(bus, "login files have changed");
		else
			(void)thread_wait(&bus->changed, &bus->lock, clock_mono_ms() + CLOCK_LOOK_MS);
	}
}

static void note_first_try(struct bus *bus, enum rc rc, const struct error *err)
{
	if (bus->tried)
		return;
	bus->tried = true;
	bus->first = rc ? *err : (struct error){ .rc = RC_OK };
	pthread_cond_broadcast(&bus->changed);
}

static void *run_keeper(void *ctx)
{
	struct bus *bus = ctx;
	struct backoff backoff = { .first_ms = RECONNECT_FIRST_MS, .max_ms = RECONNECT_MAX_MS };
	struct error err;
	enum rc rc;

	do {
		drop_connection(bus);
		rc = try_connect(bus, &err);
		if (!rc)
			backoff_reset(&backoff);
		pthread_mutex_lock(&bus->lock);
		note_first_try(bus, rc, &err);
		wait_for_end(bus);
		(void)thread_wait_until(&bus->changed, &bus->lock, &bus->destroying, backoff_next_ms(&backoff));
		pthread_mutex_unlock(&bus->lock);
	} while (!is_destroying(bus));
	return NULL;
}

static struct bus *bus_alloc(const struct bus_options *options)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->options = *options;
	bus->ended = true;
	bus->wall_ahead_ms = clock_wall_ms() - clock_mono_ms();
	atomic_init(&bus->max_payload, PAYLOAD_BEFORE_CONNECT);
	pthread_rwlock_init(&bus->link, NULL);
	pthread_mutex_init(&bus->lock, NULL);
	pthread_cond_init(&bus->changed, NULL);
	pthread_cond_init(&bus->not_taking, NULL);
	return bus;
}

/* Permanent errors. */
static enum rc wait_for_first_try(struct bus *bus, struct error *err)
{
	struct error first;

	pthread_mutex_lock(&bus->lock);
	(void)thread_wait_until(&bus->changed, &bus->lock, &bus->tried, FIRST_TRY_WAIT_MS);
	first = bus->first;
	pthread_mutex_unlock(&bus->lock);
	if (first.rc != RC_INVALID_ARGUMENT && first.rc != RC_NO_MEMORY && first.rc != RC_INTERNAL)
		return RC_OK;
	if (err)
		*err = first;
	return first.rc;
}

enum rc bus_connect(const struct bus_options *options, struct bus **ret_bus, struct error *err)
{
	struct bus *bus = bus_alloc(options);
	enum rc rc;

	if (!bus)
		return error_no_memory(err);
	rc = thread_start(run_keeper, bus, &bus->keeper, err);
	bus->keeper_runs = !rc;
	if (!rc)
		rc = wait_for_first_try(bus, err);
	if (rc) {
		bus_destroy(bus);
		return rc;
	}
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

/* cnats calls on_closed() and the handlers from its own threads, which still use the bus. */
static void wait_until_ended(struct bus *bus)
{
	bool ended;

	pthread_mutex_lock(&bus->lock);
	ended = thread_wait_until(&bus->changed, &bus->lock, &bus->ended, CLOSE_WAIT_MS);
	pthread_mutex_unlock(&bus->lock);
	if (!ended)
		log_warn("NATS callbacks are still running at shutdown");
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
		bus_subscription_free(sub);
	}
	bus_login_clear(&bus->login);
	pthread_cond_destroy(&bus->changed);
	pthread_cond_destroy(&bus->not_taking);
	pthread_mutex_destroy(&bus->lock);
	pthread_rwlock_destroy(&bus->link);
	free(bus);
}

bool bus_connected(const struct bus *bus)
{
	return atomic_load(&bus->up);
}

size_t bus_max_payload(const struct bus *bus)
{
	return atomic_load(&bus->max_payload);
}

enum rc bus_new_inbox(const struct bus *bus, char out[BUS_INBOX_MAX], struct error *err)
{
	natsInbox *inbox = NULL;
	natsStatus s = natsInbox_Create(&inbox);

	if (s != NATS_OK)
		return bus_fault(err, s, "make an inbox");
	snprintf(out, BUS_INBOX_MAX, "_INBOX.%s.%s", bus->options.client_name, strchr(inbox, '.') + 1);
	natsInbox_Destroy(inbox);
	return RC_OK;
}
