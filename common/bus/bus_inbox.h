/*
 * Replies to many concurrent requests: each request has a ticket, a number chosen by the caller, which identifies its
 * replies. Does not block; the caller handles timeouts.
 */
#ifndef COMMON_BUS_BUS_INBOX_H
#define COMMON_BUS_BUS_INBOX_H

#include "common/bus/bus.h"

#define BUS_ADDRESS_MAX (BUS_INBOX_MAX + 24) /* bytes of a reply subject with its NUL */

struct bus_inbox;

/*
 * Receives a message for the ticket: any number per ticket, also after the request was abandoned. The handler owns msg
 * (bus_message_destroy). On a thread of cnats, one at a time; must not block.
 */
typedef void (*bus_inbox_handler)(void *ctx, uint64_t ticket, struct bus_message *msg);

/*
 * Open an inbox. It stays subscribed until bus_destroy() (cnats 3.4 may crash if a subscription ends under traffic).
 * ret_inbox: owned by the caller. Errors: those of bus_new_inbox() and bus_subscribe().
 */
enum rc bus_inbox_create(struct bus *bus, bus_inbox_handler handler, void *ctx, struct bus_inbox **ret_inbox,
			 struct error *err) must_check;

/* Free; call after bus_destroy(). NULL is allowed. */
void bus_inbox_destroy(struct bus_inbox *inbox);

/* The subject to which replies for the ticket are sent. */
void bus_inbox_address(const struct bus_inbox *inbox, uint64_t ticket, char out[BUS_ADDRESS_MAX]);

/* bus_publish() with the ticket's address as reply subject (`out->reply` is not used). Threads: any. */
enum rc bus_inbox_ask(struct bus_inbox *inbox, uint64_t ticket, const struct bus_outgoing *out, struct error *err)
	must_check;

#endif
