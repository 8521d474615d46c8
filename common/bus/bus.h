/*
 * NATS: a persistent connection, publish, subscribe. Only its implementation includes nats.h.
 *
 * Nothing is buffered while disconnected: a publish fails immediately (otherwise cnats would send it after the
 * reconnect, when the caller has already reported an error).
 */
#ifndef COMMON_BUS_BUS_H
#define COMMON_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/bus_access.h"

#define BUS_INBOX_MAX 64 /* bytes of an inbox prefix with its NUL */

struct bus;
struct bus_message;
struct bus_subscription;

struct bus_options {
	const struct bus_access *access; /* borrowed for the lifetime of the bus: its files are read for every login */
	const char *client_name;         /* one subject token; shown by the server's monitoring; static */
	/*
	 * Timeout of a blocked write to the socket; then the connection is replaced. All other publishers wait
	 * meanwhile. 0: 2 s.
	 */
	int64_t write_timeout_ms;
	/*
	 * Called when the connection comes up (also for the first time) or goes down. On a thread of cnats or of the
	 * bus; must not block. May be NULL.
	 */
	void (*on_state)(void *ctx, bool connected);
	void *ctx;
};

struct bus_header {
	const char *name;
	const char *value;
};

/* A message to publish; everything is borrowed for the call. */
struct bus_outgoing {
	const char *subject; /* bus_is_subject() */
	const char *reply;   /* NULL: none */
	const struct bus_header *headers;
	size_t header_count;
	const void *data; /* may be NULL when len is 0 */
	size_t len;
};

/*
 * Connect in the background, and return after the first attempt, successful or not, or after 2.5 s. Retries forever,
 * with delays from 50 ms up to 5 s with jitter, also if the server rejects the login, because an operator may repair
 * the account. Changed files are read again. If the wall clock is set back, the connection is replaced.
 *
 * ret_bus  owned by the caller (bus_destroy).
 * Errors: RC_INVALID_ARGUMENT invalid URL; RC_NO_MEMORY; RC_INTERNAL.
 */
enum rc bus_connect(const struct bus_options *options, struct bus **ret_bus, struct error *err) must_check;

/* Close, wait for running callbacks, and free, including all subscriptions. NULL is allowed. */
void bus_destroy(struct bus *bus);

/* Whether the connection is believed to be up. Any thread; never blocks. */
bool bus_connected(const struct bus *bus);

/*
 * The largest payload that the server accepts, in bytes (including headers); 1 MiB before the first connection. Any
 * thread; never blocks.
 */
size_t bus_max_payload(const struct bus *bus);

/*
 * Make a new unique inbox prefix ("_INBOX.<client name>.<unique>", so that permissions can be set per process):
 * subscribe to `<prefix>.*`, use `<prefix>.<anything>` as reply subject.
 */
enum rc bus_new_inbox(const struct bus *bus, char out[BUS_INBOX_MAX], struct error *err) must_check;

/*
 * Publish. Blocks only on the socket; fails immediately while not connected. Errors: RC_UNAVAILABLE not connected;
 * RC_TOO_LARGE above the server's limit; RC_INVALID_ARGUMENT invalid subject; RC_NO_MEMORY. RC_OK does not guarantee
 * delivery.
 * Threads: any.
 */
enum rc bus_publish(struct bus *bus, const struct bus_outgoing *out, struct error *err) must_check;

/* Wait until the server has received everything that was sent. Errors: RC_UNAVAILABLE, RC_TIMEOUT. */
enum rc bus_flush(struct bus *bus, int64_t timeout_ms, struct error *err) must_check;

/*
 * The handler owns the message (bus_message_destroy). Each subscription has a thread that delivers one message at a
 * time: the handler must not block.
 */
typedef void (*bus_handler)(void *ctx, struct bus_message *msg);

/*
 * Subscribe. Works before the first connection, and is renewed after every reconnect.
 *
 * queue  the queue group: each message is delivered to one member; NULL: to all subscribers.
 * ret_subscription owned by the bus. May be NULL.
 */
enum rc bus_subscribe(struct bus *bus, const char *subject, const char *queue, bus_handler handler, void *ctx,
		      struct bus_subscription **ret_subscription, struct error *err) must_check;

/*
 * Subscribe without a handler: messages are queued until taken, which avoids a thread switch. Otherwise as
 * bus_subscribe().
 */
enum rc bus_subscribe_to_take(struct bus *bus, const char *subject, const char *queue,
			      struct bus_subscription **ret_subscription, struct error *err) must_check;

/*
 * Take the next message of a subscription without a handler. Blocks until there is one. One caller at a time: with
 * several, cnats may wake the wrong one.
 *
 * ret_msg  owned by the caller (bus_message_destroy).
 * Errors: RC_UNAVAILABLE no more messages: the subscription was drained, or the connection is closed.
 */
enum rc bus_take(struct bus_subscription *subscription, struct bus_message **ret_msg, struct error *err) must_check;

/*
 * Unsubscribe, and wait until the server has confirmed it and all received messages are handled, or taken. After
 * timeout_ms (more than 0) the remaining ones are dropped. Blocks.
 */
void bus_subscription_drain(struct bus_subscription *subscription, int64_t timeout_ms);

/*
 * Whether text is a valid subject to publish to: non-empty tokens of visible characters, no wildcards. cnats does not
 * validate subjects: a line break would inject a command.
 */
bool bus_is_subject(const char *text);

/* Whether text is an inbox subject, which begins with _INBOX; no stream or service subscribes to those. */
bool bus_is_inbox(const char *text);

/* The parts of a message, owned by the message. */
const char *bus_message_subject(const struct bus_message *msg);
const char *bus_message_reply(const struct bus_message *msg); /* NULL: no reply is wanted */
const char *bus_message_data(const struct bus_message *msg, size_t *ret_len);
const char *bus_message_header(struct bus_message *msg, const char *name); /* case-sensitive; NULL: absent */

/* Whether it is the server's "no responders" (status 503). */
bool bus_message_is_no_responders(struct bus_message *msg);

/* Free it. NULL is allowed. */
void bus_message_destroy(struct bus_message *msg);
void cleanup_bus_message_at(struct bus_message **msg);
#define cleanup_bus_message cleanup_with(cleanup_bus_message_at)

#endif
