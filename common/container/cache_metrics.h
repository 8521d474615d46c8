/*
 * How much a process remembers of the cluster.
 */
#ifndef COMMON_CONTAINER_CACHE_METRICS_H
#define COMMON_CONTAINER_CACHE_METRICS_H

#include "common/container/kube_cache.h"
#include "common/services/metrics.h"

extern const struct metric *const cache_metrics[];

/* For struct metrics: what a cache holds now. */
void cache_metrics_set(struct kube_cache_size size);

#endif
