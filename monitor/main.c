/*
 * monitor: publishes the state of every container, and its changes, to DCM. Several may run; one is leader.
 */
#include <malloc.h>
#include <stdatomic.h>
#include <unistd.h>

#include "common/bus/bus_presence.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "common/services/program.h"
#include "common/version.h"
#include "monitor/config.h"
#include "monitor/confirm.h"
#include "monitor/coordinator.h"
#include "monitor/monitor_metrics.h"
#include "monitor/statistics.h"

#define TYPE RESOURCE_CONTAINER
#define ARENAS_MAX 1 /* of malloc; more would use memory without a benefit */

struct monitor {
	struct monitor_config config;
	struct kube_auth *auth;
	struct bus *bus;
	struct delivery *delivery;
	struct confirm *confirm;
	struct coordinator *coordinator;
	struct statistics *statistics;
	struct metrics metrics;
	struct metrics_server *metrics_server;   /* NULL: none */
	_Atomic(struct coordinator *) listening; /* the coordinator, once it accepts connection events */
};

static void on_bus_state(void *ctx, bool connected)
{
	struct monitor *monitor = ctx;
	struct coordinator *coordinator = atomic_load(&monitor->listening);

	if (connected && coordinator)
		coordinator_connected(coordinator);
}

static void on_doubt(void *ctx)
{
	struct monitor *monitor = ctx;
	struct coordinator *coordinator = atomic_load(&monitor->listening);

	if (coordinator)
		coordinator_doubt(coordinator);
}

static enum rc start_parts(struct monitor *monitor, struct error *err)
{
	const struct delivery_options delivery = {
		.type = TYPE,
		.bus = monitor->bus,
		.provider_name = monitor->config.name,
		.namespace = monitor->config.namespace,
		.debounce_ms = monitor->config.debounce_ms,
		.rules = status_rules_make(monitor->config.failed_grace_ms, monitor->config.scaled_to_zero),
		.on_doubt = on_doubt,
		.ctx = monitor,
	};
	struct coordinator_options coordinator = {
		.type = TYPE, .config = &monitor->config, .bus = monitor->bus, .auth = monitor->auth
	};
	enum rc rc = delivery_create(&delivery, &monitor->delivery, err);

	coordinator.delivery = monitor->delivery;
	if (!rc)
		rc = confirm_create(monitor->auth, monitor->config.namespace, monitor->delivery, &monitor->confirm,
				    err);
	if (!rc)
		rc = coordinator_create(&coordinator, &monitor->coordinator, err);
	if (rc)
		return rc;
	atomic_store(&monitor->listening, monitor->coordinator);
	rc = coordinator_start(monitor->coordinator, err);
	return rc ? rc
		  : statistics_create(monitor->bus, TYPE, monitor->config.name, monitor->delivery, monitor->coordinator,
				      &monitor->statistics, err);
}

static void collect_metrics(void *ctx)
{
	struct monitor *monitor = ctx;

	monitor_metrics_collect(monitor->delivery, monitor->coordinator);
}

static enum rc start_metrics(struct monitor *monitor, struct error *err)
{
	monitor->metrics = (struct metrics){ .lists = monitor_metrics, .collect = collect_metrics, .ctx = monitor };
	return metrics_server_create(&monitor->config.metrics, &monitor->metrics, &monitor->metrics_server, err);
}

static enum rc start(void *ctx, struct error *err)
{
	struct monitor *monitor = ctx;
	const struct bus_options bus = {
		.access = &monitor->config.nats,
		.client_name = "monitor",
		.on_state = on_bus_state,
		.ctx = monitor,
	};
	enum rc rc;

	mallopt(M_ARENA_MAX, ARENAS_MAX);
	rc = kube_auth_create(&monitor->config.kube, &monitor->auth, err);
	if (!rc)
		rc = bus_connect(&bus, &monitor->bus, err);
	if (!rc)
		rc = start_parts(monitor, err);
	if (!rc)
		rc = start_metrics(monitor, err);
	if (rc)
		return rc;
	log_info("ready", log_str("version", version_text()), log_str("namespace", monitor->config.namespace),
		 log_str("mode", monitor->config.mode));
	lifecycle_notify_ready();
	return RC_OK;
}

static int stop(void *ctx)
{
	struct monitor *monitor = ctx;

	lifecycle_begin_stop(monitor->config.shutdown_timeout_ms, 0);
	log_info("stopping: publishing pending events");
	coordinator_stop(monitor->coordinator);
	metrics_server_destroy(monitor->metrics_server);
	delivery_stop(monitor->delivery);
	confirm_destroy(monitor->confirm);
	statistics_stop(monitor->statistics);
	bus_destroy(monitor->bus); /* the last callbacks use everything below */
	statistics_destroy(monitor->statistics);
	coordinator_destroy(monitor->coordinator);
	delivery_destroy(monitor->delivery);
	kube_auth_destroy(monitor->auth);
	return 0;
}

static bool is_alive(void *ctx)
{
	struct monitor *monitor = ctx;

	return statistics_is_alive(monitor->statistics);
}

static int tell_health(void *ctx)
{
	struct monitor *monitor = ctx;

	return bus_presence_tell(&monitor->config.nats, STATISTICS_SERVICE_NAME, monitor->config.name);
}

int main(int argc, char **argv)
{
	static struct monitor monitor;
	const struct program program = {
		.config = &monitor_program,
		.into = &monitor.config,
		.health = tell_health,
		.start = start,
		.alive = is_alive,
		.stop = stop,
		.ctx = &monitor,
	};

	return program_run(&program, argc, argv);
}
