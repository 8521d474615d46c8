#include "common/bus/bus_inbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct bus_inbox {
	struct bus *bus;
	bus_inbox_handler handler;
	void *ctx;
	char prefix[BUS_INBOX_MAX];
};

static void on_message(void *ctx, struct bus_message *msg)
{
	struct bus_inbox *inbox = ctx;
	const char *dot = strrchr(bus_message_subject(msg), '.');
	char *end = NULL;
	uint64_t ticket = dot ? strtoull(dot + 1, &end, 10) : 0;

	if (!end || end == dot + 1 || *end != '\0')
		bus_message_destroy(msg); /* not one of our addresses */
	else
		inbox->handler(inbox->ctx, ticket, msg);
}

enum rc bus_inbox_create(struct bus *bus, bus_inbox_handler handler, void *ctx, struct bus_inbox **ret_inbox,
			 struct error *err)
{
	struct bus_inbox *inbox = calloc(1, sizeof(*inbox));
	char subject[BUS_ADDRESS_MAX];
	enum rc rc;

	if (!inbox)
		return error_no_memory(err);
	inbox->bus = bus;
	inbox->handler = handler;
	inbox->ctx = ctx;
	rc = bus_new_inbox(bus, inbox->prefix, err);
	snprintf(subject, sizeof(subject), "%s.*", inbox->prefix);
	if (!rc)
		rc = bus_subscribe(bus, subject, NULL, on_message, inbox, NULL, err);
	if (rc) {
		free(inbox);
		return rc;
	}
	*ret_inbox = inbox;
	return RC_OK;
}

void bus_inbox_destroy(struct bus_inbox *inbox)
{
	free(inbox);
}

void bus_inbox_address(const struct bus_inbox *inbox, uint64_t ticket, char out[BUS_ADDRESS_MAX])
{
	snprintf(out, BUS_ADDRESS_MAX, "%s.%" PRIu64, inbox->prefix, ticket);
}

enum rc bus_inbox_ask(struct bus_inbox *inbox, uint64_t ticket, const struct bus_outgoing *out, struct error *err)
{
	struct bus_outgoing question = *out;
	char address[BUS_ADDRESS_MAX];

	bus_inbox_address(inbox, ticket, address);
	question.reply = address;
	return bus_publish(inbox->bus, &question, err);
}
