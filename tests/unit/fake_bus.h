/*
 * bus.h without NATS, for unit tests: published messages are recorded, and messages are delivered on the calling
 * thread. It replaces bus.c, bus_message.c and bus_subscription.c; code based on bus.h is the real code.
 */
#ifndef TESTS_UNIT_FAKE_BUS_H
#define TESTS_UNIT_FAKE_BUS_H

#include "common/bus/bus.h"

/* A connected bus; owned by the caller (bus_destroy). */
struct bus *fake_bus_create(void);

void fake_bus_set_connected(struct bus *bus, bool connected);

/* The error of bus_publish(); RC_OK: none. */
void fake_bus_refuse(struct bus *bus, enum rc rc);

/* Handler for messages published to matching subjects, called in bus_publish(); the last match applies. */
typedef void (*fake_bus_peer)(void *ctx, const struct bus_message *msg);
void fake_bus_listen(struct bus *bus, const char *pattern, fake_bus_peer peer, void *ctx);

/*
 * Deliver a message to the subscribers of `address`, which is out->subject except for messages of a JetStream consumer.
 * Returns their number.
 */
size_t fake_bus_deliver_at(struct bus *bus, const char *address, const struct bus_outgoing *out);
size_t fake_bus_deliver(struct bus *bus, const struct bus_outgoing *out);

/* Reply to a message; data NULL: as the server does without a subscriber. Without a reply subject: nothing. */
void fake_bus_reply(struct bus *bus, const struct bus_message *asked, const char *data);

/* The number of messages published to matching subjects. */
size_t fake_bus_count(struct bus *bus, const char *pattern);

/* The index-th of them (from 0), valid as long as the bus. Waits for it; the test fails on timeout. */
struct bus_message *fake_bus_sent(struct bus *bus, const char *pattern, size_t index);

/* Its data; never NULL. */
const char *fake_bus_text(const struct bus_message *msg);

#endif
