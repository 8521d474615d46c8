/*
 * registrar: registers the provider in DCM's registry, and renews the registration. Nothing else depends on it.
 */
#include <malloc.h>
#include <unistd.h>

#include "common/bus/bus_presence.h"
#include "common/bus/bus_service.h"
#include "common/protocol.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "common/services/metrics_process.h"
#include "common/services/program.h"
#include "common/version.h"
#include "registrar/keeper.h"
#include "registrar/payload.h"
#include "registrar/registrar_metrics.h"

#define SERVICE_NAME "registrar"
#define ARENAS_MAX 2     /* malloc's */
#define STOP_MAX_MS 3000 /* a running request is aborted within a second */

struct process {
	struct registrar_config config;
	struct bus *bus;             /* NULL with --once */
	struct bus_service *service; /* NULL with --once */
	struct bus_header metadata[1];
	struct keeper *keeper;
	struct metrics metrics;
	struct metrics_server *metrics_server; /* NULL: none, also with --once */
};

static void log_ready(const struct process *p)
{
	struct buf registry cleanup_buf = buf_make(PAYLOAD_MAX);
	struct buf endpoint cleanup_buf = buf_make(PAYLOAD_MAX);

	payload_write_shown(p->config.registration_url, &registry);
	payload_write_shown(p->config.endpoint, &endpoint);
	log_info("ready", log_str("version", version_text()), log_str("registry", registry.data),
		 log_str("endpoint", endpoint.data), log_num("interval_ms", p->config.interval_ms));
}

/* Presence only; the registrar handles no requests. */
static enum rc start_presence(struct process *p, struct error *err)
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

static void collect_metrics(void *ctx unused)
{
	metrics_process_collect();
}

static enum rc start_metrics(struct process *p, struct error *err)
{
	p->metrics = (struct metrics){ .lists = registrar_metrics, .collect = collect_metrics };
	return metrics_server_create(&p->config.metrics, &p->metrics, &p->metrics_server, err);
}

/* READY is sent at startup, since the first registration may take hours, and nothing should wait for it. */
static enum rc start(void *ctx, struct error *err)
{
	struct process *p = ctx;
	struct bus_options bus = {
		.access = &p->config.nats,
		.client_name = "registrar",
	};
	enum rc rc = RC_OK;

	mallopt(M_ARENA_MAX, ARENAS_MAX);
	if (!p->config.once)
		rc = bus_connect(&bus, &p->bus, err);
	if (!rc && p->bus)
		rc = start_presence(p, err);
	if (!rc)
		rc = keeper_create(&p->config, RESOURCE_CONTAINER, p->bus, &p->keeper, err);
	if (!rc && !p->config.once)
		rc = start_metrics(p, err);
	if (rc)
		return rc;
	log_ready(p);
	lifecycle_notify_ready();
	return keeper_start(p->keeper, err);
}

static bool is_alive(void *ctx)
{
	struct process *p = ctx;

	return keeper_alive(p->keeper);
}

static int stop(void *ctx)
{
	struct process *p = ctx;
	int code;

	lifecycle_begin_stop(STOP_MAX_MS, p->config.once ? KEEPER_UNREACHABLE : 0);
	if (!keeper_stop(p->keeper, STOP_MAX_MS)) {
		log_warn("a request is still running at exit");
		_exit(p->config.once ? KEEPER_UNREACHABLE : 0);
	}
	metrics_server_destroy(p->metrics_server);
	code = p->config.once ? (int)keeper_result(p->keeper) : 0;
	bus_destroy(p->bus);
	bus_service_destroy(p->service);
	keeper_destroy(p->keeper);
	return code;
}

static int tell_health(void *ctx)
{
	struct process *p = ctx;

	return bus_presence_tell(&p->config.nats, SERVICE_NAME, p->config.name);
}

int main(int argc, char **argv)
{
	struct process process = { 0 };
	const struct program program = {
		.config = &registrar_program,
		.into = &process.config,
		.health = tell_health,
		.start = start,
		.alive = is_alive,
		.stop = stop,
		.ctx = &process,
	};

	return program_run(&program, argc, argv);
}
