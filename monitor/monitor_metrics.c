#include "monitor/monitor_metrics.h"

#include "common/bus/bus_metrics.h"
#include "common/container/cache_metrics.h"
#include "common/kube/kube_metrics.h"
#include "common/services/metrics_process.h"

static const char *status_value(size_t index)
{
	return container_status_name((enum container_status)index);
}

static struct metric_cell published, retried, waiting, oldest, acknowledged, active, containers[DELIVERY_STATUSES];

/* clang-format off */
static const struct metric
	published_metric = { .name = "dcm_sp_events_published", .help = "Events published",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &published },
	retried_metric = { .name = "dcm_sp_events_retried",
		.help = "Events retried because delivery was unknown",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &retried },
	waiting_metric = { .name = "dcm_sp_events_waiting", .help = "Containers with pending events",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &waiting },
	oldest_metric = { .name = "dcm_sp_events_oldest_waiting_seconds", .unit = "seconds",
		.help = "Age of the oldest pending event", .type = METRIC_GAUGE, .scale = METRIC_MS, .cells = &oldest },
	acknowledged_metric = { .name = "dcm_sp_events_acknowledged", .help = "Whether a JetStream stream captures the events: 1 or 0",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &acknowledged },
	active_metric = { .name = "dcm_sp_monitor_leader", .help = "Whether this monitor is the leader: 1 or 0",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &active },
	containers_metric = { .name = "dcm_sp_containers", .help = "Containers by last reported status, from the leader",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = containers,
		.labels = { { "status", DELIVERY_STATUSES, status_value } } };
/* clang-format on */

static const struct metric *const own[] = {
	&published_metric,    &retried_metric, &waiting_metric,    &oldest_metric,
	&acknowledged_metric, &active_metric,  &containers_metric, NULL,
};

const struct metric *const *const monitor_metrics[] = {
	metrics_process, bus_metrics, kube_metrics, cache_metrics, own, NULL,
};

void monitor_metrics_collect(struct delivery *delivery, struct coordinator *coordinator)
{
	struct delivery_counts d;
	struct coordinator_counts c;
	size_t statuses[DELIVERY_STATUSES];

	metrics_process_collect();
	delivery_counts(delivery, &d);
	delivery_statuses(delivery, statuses);
	coordinator_counts(coordinator, &c);
	cache_metrics_set(c.cache);
	metric_set(&published_metric, 0, d.published);
	metric_set(&retried_metric, 0, d.retried);
	metric_set(&waiting_metric, 0, (int64_t)d.pending);
	metric_set(&oldest_metric, 0, d.lag_ms);
	metric_set(&acknowledged_metric, 0, c.acknowledged);
	metric_set(&active_metric, 0, c.role == COORDINATOR_ACTIVE || c.role == COORDINATOR_ALONE);
	for (size_t i = 0; i < DELIVERY_STATUSES; i++)
		metric_set(&containers_metric, i, (int64_t)statuses[i]);
}
