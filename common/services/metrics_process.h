/*
 * Process metrics: memory, CPU, files, threads, start time and build.
 */
#ifndef COMMON_SERVICES_METRICS_PROCESS_H
#define COMMON_SERVICES_METRICS_PROCESS_H

#include "common/services/metrics.h"

/* For struct metrics. The names are those of the Prometheus client libraries. */
extern const struct metric *const metrics_process[];

/* Read them from /proc; unreadable ones keep their values. Thread-safe. */
void metrics_process_collect(void);

#endif
