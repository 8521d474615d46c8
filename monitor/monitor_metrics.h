/*
 * Metrics of the monitor: events, containers, leader, and those of its parts.
 */
#ifndef MONITOR_MONITOR_METRICS_H
#define MONITOR_MONITOR_METRICS_H

#include "monitor/coordinator.h"
#include "monitor/delivery.h"

extern const struct metric *const *const monitor_metrics[];

/* For struct metrics: update from both. Thread-safe. */
void monitor_metrics_collect(struct delivery *delivery, struct coordinator *coordinator);

#endif
