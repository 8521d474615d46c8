#include "tests/unit/fake_bus.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "tests/unit/fake_clock.h"

#define HEADERS_MAX 8
#define PEERS_MAX 8
#define PATIENCE_MS 5000
#define MAX_PAYLOAD (1024 * 1024)

struct header {
	char *name, *value;
};

struct bus_message {
	struct bus_message *next; /* sent, or not received yet */
	char *subject, *reply, *data;
	size_t len;
	struct header headers[HEADERS_MAX];
	size_t header_count;
	bool no_responders;
};

struct bus_subscription {
	struct bus *bus;
	struct bus_subscription *next;
	char *subject;
	bus_handler handler; /* NULL: for bus_take() */
	void *ctx;
	struct bus_message *waiting;
	bool drained;
};

struct peer {
	const char *pattern;
	fake_bus_peer peer;
	void *ctx;
};

struct bus {
	pthread_mutex_t lock; /* protects everything below; not held while handlers and peers run */
	pthread_cond_t changed;
	bool connected;
	enum rc refusal;
	unsigned inboxes;
	struct bus_subscription *subscriptions;
	struct peer peers[PEERS_MAX];
	size_t peer_count;
	struct bus_message *sent, **sent_end;
};

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static struct bus_message *message_of(const struct bus_outgoing *out)
{
	struct bus_message *msg = calloc(1, sizeof(*msg));

	msg->subject = str_dup(out->subject);
	msg->reply = str_dup(out->reply);
	msg->data = calloc(1, out->len + 1);
	if (out->len)
		memcpy(msg->data, out->data, out->len);
	msg->len = out->len;
	for (; msg->header_count < out->header_count; msg->header_count++)
		msg->headers[msg->header_count] = (struct header){
			str_dup(out->headers[msg->header_count].name),
			str_dup(out->headers[msg->header_count].value),
		};
	return msg;
}

const char *bus_message_subject(const struct bus_message *msg)
{
	return msg->subject;
}

const char *bus_message_reply(const struct bus_message *msg)
{
	return msg->reply;
}

const char *bus_message_data(const struct bus_message *msg, size_t *ret_len)
{
	*ret_len = msg->len;
	return msg->data;
}

const char *fake_bus_text(const struct bus_message *msg)
{
	return msg->data;
}

const char *bus_message_header(struct bus_message *msg, const char *name)
{
	for (size_t i = 0; i < msg->header_count; i++)
		if (strcmp(msg->headers[i].name, name) == 0)
			return msg->headers[i].value;
	return NULL;
}

bool bus_message_is_no_responders(struct bus_message *msg)
{
	return msg->no_responders;
}

void bus_message_destroy(struct bus_message *msg)
{
	if (!msg)
		return;
	for (size_t i = 0; i < msg->header_count; i++) {
		free(msg->headers[i].name);
		free(msg->headers[i].value);
	}
	free(msg->subject);
	free(msg->reply);
	free(msg->data);
	free(msg);
}

void cleanup_bus_message_at(struct bus_message **msg)
{
	bus_message_destroy(*msg);
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

struct bus *fake_bus_create(void)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	fake_clock_start();
	pthread_mutex_init(&bus->lock, NULL);
	pthread_cond_init(&bus->changed, NULL);
	bus->connected = true;
	bus->sent_end = &bus->sent;
	return bus;
}

static void free_messages(struct bus_message *first)
{
	struct bus_message *next;

	for (struct bus_message *msg = first; msg; msg = next) {
		next = msg->next;
		bus_message_destroy(msg);
	}
}

static void subscription_free(struct bus_subscription *sub)
{
	free_messages(sub->waiting);
	free(sub->subject);
	free(sub);
}

void bus_destroy(struct bus *bus)
{
	struct bus_subscription *next;

	if (!bus)
		return;
	for (struct bus_subscription *sub = bus->subscriptions; sub; sub = next) {
		next = sub->next;
		subscription_free(sub);
	}
	free_messages(bus->sent);
	pthread_cond_destroy(&bus->changed);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

void fake_bus_set_connected(struct bus *bus, bool connected)
{
	pthread_mutex_lock(&bus->lock);
	bus->connected = connected;
	pthread_mutex_unlock(&bus->lock);
}

void fake_bus_refuse(struct bus *bus, enum rc rc)
{
	pthread_mutex_lock(&bus->lock);
	bus->refusal = rc;
	pthread_mutex_unlock(&bus->lock);
}

bool bus_connected(const struct bus *bus)
{
	struct bus *writable = (struct bus *)(uintptr_t)bus;
	bool connected;

	pthread_mutex_lock(&writable->lock);
	connected = bus->connected;
	pthread_mutex_unlock(&writable->lock);
	return connected;
}

size_t bus_max_payload(const struct bus *bus unused)
{
	return MAX_PAYLOAD;
}

enum rc bus_new_inbox(const struct bus *bus, char out[BUS_INBOX_MAX], struct error *err unused)
{
	snprintf(out, BUS_INBOX_MAX, "_INBOX.test.%u", ++((struct bus *)(uintptr_t)bus)->inboxes);
	return RC_OK;
}

/* ---- publishing -------------------------------------------------------------------------------------------------- */

/* Whether the subject matches a pattern with NATS wildcards. */
static bool matches(const char *pattern, const char *subject)
{
	while (*pattern && *subject) {
		size_t wanted = strcspn(pattern, ".");
		size_t len = strcspn(subject, ".");

		if (strcmp(pattern, ">") == 0)
			return true;
		if ((wanted != 1 || *pattern != '*') && (wanted != len || strncmp(pattern, subject, len) != 0))
			return false;
		pattern += wanted + (pattern[wanted] == '.');
		subject += len + (subject[len] == '.');
	}
	return !*pattern && !*subject;
}

/* A waiting test sees the message after the peer has processed it. */
static void note_sent(struct bus *bus, struct bus_message *msg)
{
	pthread_mutex_lock(&bus->lock);
	*bus->sent_end = msg;
	bus->sent_end = &msg->next;
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
}

enum rc bus_publish(struct bus *bus, const struct bus_outgoing *out, struct error *err)
{
	struct bus_message *msg;
	struct peer peer = { 0 };
	enum rc rc;

	pthread_mutex_lock(&bus->lock);
	rc = bus->connected ? bus->refusal : RC_UNAVAILABLE;
	for (size_t i = 0; i < bus->peer_count; i++)
		if (matches(bus->peers[i].pattern, out->subject))
			peer = bus->peers[i];
	pthread_mutex_unlock(&bus->lock);
	if (rc)
		return error_set(err, rc, "publish: refused by the test");
	msg = message_of(out);
	if (peer.peer)
		peer.peer(peer.ctx, msg);
	note_sent(bus, msg);
	return RC_OK;
}

enum rc bus_flush(struct bus *bus, int64_t timeout_ms unused, struct error *err)
{
	return bus_connected(bus) ? RC_OK : error_set(err, RC_UNAVAILABLE, "flush: NATS is not connected");
}

void fake_bus_listen(struct bus *bus, const char *pattern, fake_bus_peer peer, void *ctx)
{
	pthread_mutex_lock(&bus->lock);
	cr_assert_lt(bus->peer_count, (size_t)PEERS_MAX);
	bus->peers[bus->peer_count++] = (struct peer){ pattern, peer, ctx };
	pthread_mutex_unlock(&bus->lock);
}

/* The lock is held. Returns their number; *ret_msg is set if there are more than `index`. */
static size_t find_sent(const struct bus *bus, const char *pattern, size_t index, struct bus_message **ret_msg)
{
	size_t count = 0;

	for (struct bus_message *msg = bus->sent; msg; msg = msg->next)
		if (matches(pattern, msg->subject) && count++ == index)
			*ret_msg = msg;
	return count;
}

size_t fake_bus_count(struct bus *bus, const char *pattern)
{
	struct bus_message *none;
	size_t count;

	pthread_mutex_lock(&bus->lock);
	count = find_sent(bus, pattern, SIZE_MAX, &none);
	pthread_mutex_unlock(&bus->lock);
	return count;
}

struct bus_message *fake_bus_sent(struct bus *bus, const char *pattern, size_t index)
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	struct bus_message *msg = NULL;

	pthread_mutex_lock(&bus->lock);
	while (find_sent(bus, pattern, index, &msg) <= index && thread_wait(&bus->changed, &bus->lock, until_ms))
		;
	pthread_mutex_unlock(&bus->lock);
	cr_assert_not_null(msg, "message %zu to %s was not sent", index, pattern);
	return msg;
}

/* ---- subscribing ------------------------------------------------------------------------------------------------- */

enum rc bus_subscribe(struct bus *bus, const char *subject, const char *queue unused, bus_handler handler, void *ctx,
		      struct bus_subscription **ret_subscription, struct error *err unused)
{
	struct bus_subscription *sub = calloc(1, sizeof(*sub));

	*sub = (struct bus_subscription){ .bus = bus, .subject = str_dup(subject), .handler = handler, .ctx = ctx };
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
	struct bus *bus = subscription->bus;
	struct bus_message *msg;

	pthread_mutex_lock(&bus->lock);
	while (!subscription->waiting && !subscription->drained)
		pthread_cond_wait(&bus->changed, &bus->lock);
	msg = subscription->waiting;
	if (msg) {
		subscription->waiting = msg->next;
		msg->next = NULL;
		pthread_cond_broadcast(&bus->changed);
	}
	pthread_mutex_unlock(&bus->lock);
	if (!msg)
		return error_set(err, RC_UNAVAILABLE, "take a message: drained");
	*ret_msg = msg;
	return RC_OK;
}

void bus_subscription_drain(struct bus_subscription *subscription, int64_t timeout_ms)
{
	struct bus *bus = subscription->bus;
	int64_t until_ms = clock_mono_ms() + timeout_ms;

	pthread_mutex_lock(&bus->lock);
	subscription->drained = true;
	pthread_cond_broadcast(&bus->changed);
	while (subscription->waiting && thread_wait(&bus->changed, &bus->lock, until_ms))
		;
	pthread_mutex_unlock(&bus->lock);
}

static void enqueue(struct bus_subscription *sub, struct bus_message *msg)
{
	struct bus_message **end = &sub->waiting;

	pthread_mutex_lock(&sub->bus->lock);
	while (*end)
		end = &(*end)->next;
	*end = msg;
	pthread_cond_broadcast(&sub->bus->changed);
	pthread_mutex_unlock(&sub->bus->lock);
}

static size_t deliver(struct bus *bus, const char *address, const struct bus_outgoing *out, bool no_responders)
{
	struct bus_subscription *first;
	size_t count = 0;

	pthread_mutex_lock(&bus->lock);
	first = bus->subscriptions; /* none is ever removed */
	pthread_mutex_unlock(&bus->lock);
	for (struct bus_subscription *sub = first; sub; sub = sub->next) {
		struct bus_message *msg;

		if (sub->drained || !matches(sub->subject, address))
			continue;
		count++;
		msg = message_of(out);
		msg->no_responders = no_responders;
		if (sub->handler)
			sub->handler(sub->ctx, msg);
		else
			enqueue(sub, msg);
	}
	return count;
}

size_t fake_bus_deliver_at(struct bus *bus, const char *address, const struct bus_outgoing *out)
{
	return deliver(bus, address, out, false);
}

size_t fake_bus_deliver(struct bus *bus, const struct bus_outgoing *out)
{
	return deliver(bus, out->subject, out, false);
}

void fake_bus_reply(struct bus *bus, const struct bus_message *asked, const char *data)
{
	const struct bus_outgoing out = { .subject = asked->reply, .data = data, .len = data ? strlen(data) : 0 };

	if (asked->reply)
		(void)deliver(bus, asked->reply, &out, !data); /* dropped: the caller no longer waits */
}
