/*
 * What every process shows of itself: memory, processor, files, threads, start and build.
 */
#ifndef COMMON_SERVICES_METRICS_PROCESS_H
#define COMMON_SERVICES_METRICS_PROCESS_H

#include "common/services/metrics.h"

/* For struct metrics. The names are those of Prometheus' own client libraries. */
extern const struct metric *const metrics_process[];

/* Read them from /proc; what cannot be read keeps its value. Any thread. */
void metrics_process_collect(void);

#endif
