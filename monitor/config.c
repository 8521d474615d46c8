#include "monitor/config.h"

#include "common/bus/bus_bucket.h"
#include "common/container/container_state.h"

#define DEBOUNCE_MAX_MS 600000
#define DAY_MS 86400000

static const char *const modes[] = { "auto", "watch", "poll", NULL };

#define AT(member) offsetof(struct monitor_config, member)

/* clang-format off */
static const struct config_row rows[] = {
	CONFIG_ROW_NAME(struct monitor_config),
	CONFIG_ROWS_NATS(struct monitor_config),
	CONFIG_ROW_NATS_REPLICAS(struct monitor_config),
	CONFIG_ROWS_KUBERNETES(struct monitor_config),
	CONFIG_ROWS_STATUS_RULES(struct monitor_config),
	{ .env = "SP_MONITOR_DEBOUNCE_MS", .type = CONFIG_INT, .offset = AT(debounce_ms), .fallback = "500",
	  .max = DEBOUNCE_MAX_MS,
	  .help = "Milliseconds that a container must be unchanged before its status is published; at most four times that" },
	{ .env = "SP_MONITOR_RESYNC_PERIOD", .type = CONFIG_DURATION, .offset = AT(resync_ms), .fallback = "10m",
	  .min = 1000, .max = 30 * (int64_t)DAY_MS, .help = "Interval at which the status of every container is published again" },
	{ .env = "SP_MONITOR_MODE", .offset = AT(mode), .fallback = "auto", .choices = modes,
	  .help = "watch, poll (lists, at least 10 s apart), or auto: poll while watch requests are rejected" },
	{ .env = "SP_MONITOR_SHUTDOWN_TIMEOUT", .type = CONFIG_DURATION, .offset = AT(shutdown_timeout_ms),
	  .fallback = "5s", .max = 3600000, .help = "Time to publish pending events on SIGTERM" },
	CONFIG_ROWS_METRICS(struct monitor_config),
	CONFIG_ROWS_LOG(struct monitor_config),
};
/* clang-format on */

static void check(const void *config, struct buf *faults)
{
	const struct monitor_config *c = config;

	bus_access_check(&c->nats, faults);
	metrics_server_check(&c->metrics, faults);
	kube_auth_check(&c->kube, faults);
}

const struct config_program monitor_program = {
	.name = "monitor",
	.purpose = "publishes the status of every container, and its changes, to DCM over NATS",
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
	.check = check,
};
