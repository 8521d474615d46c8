#include "common/container/cache_metrics.h"

static struct metric_cell objects, containers;

/* clang-format off */
static const struct metric
	objects_metric = { .name = "dcm_sp_kubernetes_cache_objects", .help = "Objects of the cluster in the cache",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &objects },
	containers_metric = { .name = "dcm_sp_kubernetes_cache_containers", .help = "Containers of these objects",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &containers };
/* clang-format on */

const struct metric *const cache_metrics[] = { &objects_metric, &containers_metric, NULL };

void cache_metrics_set(struct kube_cache_size size)
{
	metric_set(&objects_metric, 0, (int64_t)size.facts);
	metric_set(&containers_metric, 0, (int64_t)size.instances);
}
