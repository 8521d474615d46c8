#include "common/bus/bus_metrics.h"

static struct metric_cell connected, reconnects, sent, sent_bytes, received, received_bytes;
static atomic_bool made_before;

/* clang-format off */
static const struct metric
	connected_metric = { .name = "dcm_sp_nats_connected", .help = "Whether NATS is connected: 1 or 0",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &connected },
	reconnects_metric = { .name = "dcm_sp_nats_reconnects", .help = "Reconnects to NATS",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &reconnects },
	sent_metric = { .name = "dcm_sp_nats_sent_messages", .help = "Messages sent to NATS",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &sent },
	sent_bytes_metric = { .name = "dcm_sp_nats_sent_bytes", .help = "Bytes of data in these messages, without headers", .unit = "bytes",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &sent_bytes },
	received_metric = { .name = "dcm_sp_nats_received_messages", .help = "Messages received from NATS",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &received },
	received_bytes_metric = { .name = "dcm_sp_nats_received_bytes", .help = "Bytes of data in these messages, without headers", .unit = "bytes",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = &received_bytes };
/* clang-format on */

const struct metric *const bus_metrics[] = {
	&connected_metric, &reconnects_metric,     &sent_metric, &sent_bytes_metric,
	&received_metric,  &received_bytes_metric, NULL,
};

void bus_metrics_connected(bool up)
{
	metric_set(&connected_metric, 0, up);
}

void bus_metrics_made(void)
{
	if (atomic_exchange(&made_before, true))
		metric_add(&reconnects_metric, 0, 1);
}

void bus_metrics_sent(size_t bytes)
{
	metric_add(&sent_metric, 0, 1);
	metric_add(&sent_bytes_metric, 0, (int64_t)bytes);
}

void bus_metrics_received(size_t bytes)
{
	metric_add(&received_metric, 0, 1);
	metric_add(&received_bytes_metric, 0, (int64_t)bytes);
}
