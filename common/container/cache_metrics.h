/*
 * Metrics of the cluster cache.
 */
#ifndef COMMON_CONTAINER_CACHE_METRICS_H
#define COMMON_CONTAINER_CACHE_METRICS_H

#include "common/container/kube_cache.h"
#include "common/services/metrics.h"

extern const struct metric *const cache_metrics[];

/* Set the metrics to the current size of a cache. */
void cache_metrics_set(struct kube_cache_size size);

#endif
