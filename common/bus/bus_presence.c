#include "common/bus/bus_presence.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/bus/bus_inbox.h"
#include "common/bus/bus_service.h"
#include "common/protocol.h"
#include "common/services/json.h"

#define TIMEOUT_MS 2000 /* below the probe timeout of 3 s in compose.yaml and the manifests */
#define POLL_MS 10
#define TICKET 1

struct presence {
	const char *provider;
	char host[BUS_HOST_MAX];
	atomic_bool here;
};

/* Processes of other providers, or on other machines, reply as well. */
static void on_pong(void *ctx, uint64_t ticket unused, struct bus_message *bus_msg)
{
	struct bus_message *msg cleanup_bus_message = bus_msg;
	cleanup_json cJSON *tree = NULL;
	struct presence *presence = ctx;
	size_t len;
	const char *data = bus_message_data(msg, &len);

	if (data && json_parse(data, len, &tree, NULL) == RC_OK &&
	    str_equal(json_string_at(tree, "metadata." PROTOCOL_METADATA_PROVIDER), presence->provider) &&
	    str_equal(json_string_at(tree, "metadata." BUS_METADATA_HOST), presence->host))
		atomic_store(&presence->here, true);
}

static enum rc ask(struct bus *bus, struct bus_inbox *inbox, const char *service, struct presence *presence,
		   struct error *err)
{
	int64_t until = clock_mono_ms() + TIMEOUT_MS;
	char subject[PROTOCOL_SUBJECT_MAX];
	struct bus_outgoing ping = { .subject = subject };
	enum rc rc;

	snprintf(subject, sizeof(subject), "$SRV.PING.%s", service);
	while (!bus_connected(bus) && clock_mono_ms() < until)
		clock_sleep_ms(POLL_MS);
	rc = bus_inbox_ask(inbox, TICKET, &ping, err);
	while (!rc && !atomic_load(&presence->here) && clock_mono_ms() < until)
		clock_sleep_ms(POLL_MS);
	if (!rc && !atomic_load(&presence->here))
		rc = error_set(err, RC_NOT_FOUND, "no %s of '%s' on %s responds over NATS", service, presence->provider,
			       presence->host);
	return rc;
}

int bus_presence_tell(const struct bus_access *access, const char *service, const char *provider)
{
	struct presence presence = { .provider = provider };
	struct bus_options options = { .access = access, .client_name = service };
	struct bus *bus = NULL;
	struct bus_inbox *inbox = NULL;
	struct error err;
	enum rc rc = bus_connect(&options, &bus, &err);

	bus_service_host(presence.host);
	if (!rc)
		rc = bus_inbox_create(bus, on_pong, &presence, &inbox, &err);
	if (!rc)
		rc = ask(bus, inbox, service, &presence, &err);
	bus_destroy(bus);
	bus_inbox_destroy(inbox);
	return config_tell_health(rc, &err);
}
