#include "kube-worker/config.h"

#include "common/bus/bus_bucket.h"
#include "common/container/container_state.h"

#define CONCURRENCY_MAX 256
#define STREAMS_MAX 10000

static const char *const external_types[] = { "LoadBalancer", "NodePort", NULL };

#define AT(member) offsetof(struct worker_config, member)

/* clang-format off */
static const struct config_row rows[] = {
	CONFIG_ROW_NAME(struct worker_config),
	CONFIG_ROWS_NATS(struct worker_config),
	CONFIG_ROW_NATS_REPLICAS(struct worker_config),
	{ .env = "SP_K8S_EXTERNAL_SVC_TYPE", .offset = AT(external_service_type), .choices = external_types,
	  .help = "Type of the Service for ports of visibility external: LoadBalancer or NodePort" },
	CONFIG_ROWS_KUBERNETES(struct worker_config),
	CONFIG_ROWS_STATUS_RULES(struct worker_config),
	{ .env = "SP_WORKER_CONCURRENCY", .type = CONFIG_INT, .offset = AT(concurrency), .fallback = "16", .min = 1,
	  .max = CONCURRENCY_MAX, .help = "Maximum number of concurrent operations" },
	{ .env = "SP_WORKER_STREAMS", .type = CONFIG_INT, .offset = AT(streams), .fallback = "64", .min = 1,
	  .max = STREAMS_MAX, .help = "Maximum number of concurrent streams, in addition to operations" },
	{ .env = "SP_WORKER_SHUTDOWN_TIMEOUT", .type = CONFIG_DURATION, .offset = AT(shutdown_timeout_ms),
	  .fallback = "35s", .max = 3600000, .help = "Time for running operations to finish on SIGTERM" },
	CONFIG_ROWS_METRICS(struct worker_config),
	CONFIG_ROWS_LOG(struct worker_config),
};
/* clang-format on */

static void check(const void *config, struct buf *faults)
{
	const struct worker_config *c = config;

	bus_access_check(&c->nats, faults);
	metrics_server_check(&c->metrics, faults);
	kube_auth_check(&c->kube, faults);
}

const struct config_program worker_program = {
	.name = "kube-worker",
	.purpose = "executes container operations on Kubernetes, requested over NATS",
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
	.check = check,
};
