#include "kube-worker/worker_metrics.h"

#include "common/bus/bus_metrics.h"
#include "common/container/cache_metrics.h"
#include "common/kube/kube_metrics.h"
#include "common/services/metrics_process.h"

static const char *operation_value(size_t index)
{
	return operation_name((enum operation)index);
}

static const char *code_value(size_t index)
{
	return rc_name((enum rc)index);
}

#define OPERATION_LABEL                                       \
	{                                                     \
		"operation", OPERATION_COUNT, operation_value \
	}

static struct metric_cell requests[OPERATION_COUNT * RC_COUNT], rejected, running, waiting, streams;
static struct metric_buckets durations[OPERATION_COUNT];

/* clang-format off */
static const struct metric
	requests_metric = { .name = "dcm_sp_worker_requests", .help = "Requests by operation and outcome",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .sparse = true, .cells = requests,
		.labels = { OPERATION_LABEL, { "code", RC_COUNT, code_value } } },
	duration_metric = { .name = "dcm_sp_worker_request_duration_seconds", .unit = "seconds",
		.help = "Time from the arrival of a request to its reply, including queueing, except streams",
		.type = METRIC_HISTOGRAM, .scale = METRIC_NS, .sparse = true, .buckets = durations,
		.labels = { OPERATION_LABEL } },
	rejected_metric = { .name = "dcm_sp_worker_requests_rejected", .help = "Requests rejected as busy, retried by api-svc",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &rejected },
	running_metric = { .name = "dcm_sp_worker_requests_in_flight", .help = "Running requests",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &running },
	waiting_metric = { .name = "dcm_sp_worker_requests_waiting", .help = "Queued requests",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &waiting },
	streams_metric = { .name = "dcm_sp_worker_streams_open", .help = "Open streams, such as followed logs",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &streams };
/* clang-format on */

static const struct metric *const own[] = {
	&requests_metric, &duration_metric, &rejected_metric, &running_metric, &waiting_metric, &streams_metric, NULL,
};

const struct metric *const *const worker_metrics[] = {
	metrics_process, bus_metrics, kube_metrics, cache_metrics, own, NULL,
};

void worker_metrics_done(enum operation operation, enum rc rc, int64_t took_ns)
{
	metric_add(&requests_metric, metric_series(&requests_metric, operation, rc, 0), 1);
	if (operation_row(operation)->reply != OPERATION_REPLY_STREAM)
		metric_observe(&duration_metric, operation, took_ns, NULL);
}

void worker_metrics_refused(void)
{
	metric_add(&rejected_metric, 0, 1);
}

void worker_metrics_load(const struct worker_load *load)
{
	metric_set(&running_metric, 0, (int64_t)load->running);
	metric_set(&waiting_metric, 0, (int64_t)load->waiting);
	metric_set(&streams_metric, 0, (int64_t)load->streams);
}
