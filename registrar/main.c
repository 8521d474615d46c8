/*
 * registrar: tells DCM's registry that the provider exists, and keeps it there. Nothing else depends on it.
 */
#include <malloc.h>
#include <unistd.h>

#include "common/bus/bus_presence.h"
#include "common/bus/bus_service.h"
#include "common/protocol.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "common/version.h"
#include "registrar/keeper.h"
#include "registrar/payload.h"

#define SERVICE_NAME "registrar"
#define ARENAS_MAX 2     /* malloc's */
#define STOP_MAX_MS 3000 /* a request that runs is ended within a second */

struct program {
	struct registrar_config config;
	struct bus *bus;             /* NULL with --once */
	struct bus_service *service; /* NULL with --once */
	struct bus_header metadata[1];
	struct keeper *keeper;
};

static void log_ready(const struct program *p)
{
	struct buf registry cleanup_buf = buf_make(PAYLOAD_MAX);
	struct buf endpoint cleanup_buf = buf_make(PAYLOAD_MAX);

	payload_write_shown(p->config.registration_url, &registry);
	payload_write_shown(p->config.endpoint, &endpoint);
	log_info("ready", log_str("version", version_text()), log_str("registry", registry.data),
		 log_str("endpoint", endpoint.data), log_num("interval_ms", p->config.interval_ms));
}

/* There is nothing to ask a registrar but whether it is there. */
static enum rc start_presence(struct program *p, struct error *err)
{
	struct bus_service_options options = {
		.name = SERVICE_NAME,
		.description = "Keeps the provider registered with DCM",
		.version = version_text(),
		.metadata = p->metadata,
		.metadata_count = ARRAY_LEN(p->metadata),
	};

	p->metadata[0] = (struct bus_header){ PROTOCOL_METADATA_PROVIDER, p->config.name };
	return bus_service_create(p->bus, &options, &p->service, err);
}

/* READY says that we run; that DCM has taken the registration may be hours away, and nothing should wait for it. */
static enum rc start(struct program *p, struct error *err)
{
	struct bus_options bus = {
		.access = &p->config.nats,
		.client_name = "registrar",
	};
	enum rc rc = RC_OK;

	if (!p->config.once)
		rc = bus_connect(&bus, &p->bus, err);
	if (!rc && p->bus)
		rc = start_presence(p, err);
	if (!rc)
		rc = keeper_create(&p->config, p->bus, &p->keeper, err);
	if (rc)
		return rc;
	log_ready(p);
	lifecycle_notify_ready();
	return keeper_start(p->keeper, err);
}

int main(int argc, char **argv)
{
	struct program p = { 0 };
	struct error err;
	int code;

	switch (config_start(&registrar_program, argc, argv, &p.config)) {
	case CONFIG_HEALTH:
		return bus_presence_tell(&p.config.nats, SERVICE_NAME, p.config.name);
	case CONFIG_EXIT_OK:
		return 0;
	case CONFIG_EXIT_BAD:
		return 1;
	case CONFIG_RUN:
		break;
	}
	mallopt(M_ARENA_MAX, ARENAS_MAX);
	lifecycle_init();
	if (start(&p, &err)) {
		log_error("cannot start", log_err(&err));
		_exit(1); /* the threads that have started own no more than this process */
	}
	lifecycle_wait(keeper_alive, p.keeper);
	lifecycle_begin_stop(STOP_MAX_MS, p.config.once ? KEEPER_UNREACHABLE : 0);
	if (!keeper_stop(p.keeper, STOP_MAX_MS)) {
		log_warn("a request still runs at the end; leaving it");
		_exit(p.config.once ? KEEPER_UNREACHABLE : 0);
	}
	code = p.config.once ? (int)keeper_result(p.keeper) : 0;
	bus_destroy(p.bus);
	bus_service_destroy(p.service);
	keeper_destroy(p.keeper);
	log_info("stopped");
	return code;
}
