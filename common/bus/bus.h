/*
 * NATS: a connection that never gives up, publish, subscribe. Only its implementation knows nats.h.
 *
 * Nothing is ever kept for later: a publish while the connection is down fails at once (cnats would otherwise send it
 * after the reconnect, when the caller has long been told no).
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
	const struct bus_access *access; /* borrowed as long as the bus lives: its files are read for every new login */
	const char *client_name;         /* one token of a subject; shown by the server's monitoring; static */
	/*
	 * How long a publish may wait for the socket while the server reads nothing; then the connection is made anew.
	 * All others wait with it. 0: 2 s.
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

/* What bus_publish() sends; everything is borrowed for the call. */
struct bus_outgoing {
	const char *subject; /* bus_is_subject() */
	const char *reply;   /* NULL: none */
	const struct bus_header *headers;
	size_t header_count;
	const void *data; /* may be NULL when len is 0 */
	size_t len;
};

/*
 * Try to connect, and return after the first try, whether or not it worked, or after 2.5 s. Tries forever: 50 ms at
 * first, then up to 5 s with jitter, also when the server rejects the login: an operator may repair the account. Files
 * that have changed are read again. When the wall clock is set back, the connection is made anew.
 *
 * ret_bus  owned by the caller (bus_destroy).
 * Errors: RC_INVALID_ARGUMENT for a URL that cannot be read; RC_NO_MEMORY; RC_INTERNAL.
 */
enum rc bus_connect(const struct bus_options *options, struct bus **ret_bus, struct error *err) must_check;

/* Close, wait for the callbacks that run, and free. NULL is allowed. Subscriptions end with it. */
void bus_destroy(struct bus *bus);

/* Whether the connection is believed to be up. Any thread; never waits. */
bool bus_connected(const struct bus *bus);

/*
 * The largest payload that the server accepts, in bytes (headers count too); 1 MiB before the first connection. Any
 * thread; never waits.
 */
size_t bus_max_payload(const struct bus *bus);

/*
 * Make a new unique inbox prefix ("_INBOX.<client name>.<unique>", so that permissions can tell whose it is): subscribe
 * to `<prefix>.*`, ask with `<prefix>.<anything>`.
 */
enum rc bus_new_inbox(const struct bus *bus, char out[BUS_INBOX_MAX], struct error *err) must_check;

/*
 * Send. Does not wait for anything but the socket, and while the connection is down or being made not at all.
 * Errors: RC_UNAVAILABLE not connected; RC_TOO_LARGE above the server's limit; RC_INVALID_ARGUMENT an illegal subject;
 * RC_NO_MEMORY. After RC_OK the bytes are on their way, no more is known.
 * Threads: any.
 */
enum rc bus_publish(struct bus *bus, const struct bus_outgoing *out, struct error *err) must_check;

/* Wait until the server has taken all that was sent. Errors: RC_UNAVAILABLE, RC_TIMEOUT. */
enum rc bus_flush(struct bus *bus, int64_t timeout_ms, struct error *err) must_check;

/*
 * The message is given to the handler, which frees it (bus_message_destroy), now or later. One thread for each
 * subscription, one message after the other: the handler must not block.
 */
typedef void (*bus_handler)(void *ctx, struct bus_message *msg);

/*
 * Listen. Also before the first connection, and again by itself after every reconnect.
 *
 * queue  the group's name: each message goes to one of its members; NULL: to everybody.
 * ret_subscription  belongs to the bus. May be NULL.
 */
enum rc bus_subscribe(struct bus *bus, const char *subject, const char *queue, bus_handler handler, void *ctx,
		      struct bus_subscription **ret_subscription, struct error *err) must_check;

/*
 * Listen without a handler: messages wait until they are taken, which spares the way over cnats' own thread.
 * Otherwise as bus_subscribe().
 */
enum rc bus_subscribe_to_take(struct bus *bus, const char *subject, const char *queue,
			      struct bus_subscription **ret_subscription, struct error *err) must_check;

/*
 * The next message of a subscription that has no handler. Blocks until there is one. One caller at a time: cnats wakes
 * only one of several, and not the right one.
 *
 * ret_msg  owned by the caller (bus_message_destroy).
 * Errors: RC_UNAVAILABLE when no more will come: the subscription was drained, or the connection is closed.
 */
enum rc bus_take(struct bus_subscription *subscription, struct bus_message **ret_msg, struct error *err) must_check;

/*
 * Take no new messages; return when the server has said that none will come, and those that had come have been seen by
 * the handler, or taken. After timeout_ms (more than 0) what is left of them is dropped. Blocks.
 */
void bus_subscription_drain(struct bus_subscription *subscription, int64_t timeout_ms);

/*
 * Can one publish to it: tokens of visible characters, none of them empty, no wildcards? cnats sends whatever it is
 * told to: a line break in a subject would be another command.
 */
bool bus_is_subject(const char *text);

/* Whether it is a subject where a requester may wait, and no stream or service listens: one that begins with _INBOX. */
bool bus_is_inbox(const char *text);

/* What is in a message. All of it belongs to the message. */
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
