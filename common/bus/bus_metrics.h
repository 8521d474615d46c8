/*
 * Metrics of the connection to NATS, updated by bus_*.c.
 */
#ifndef COMMON_BUS_BUS_METRICS_H
#define COMMON_BUS_BUS_METRICS_H

#include "common/services/metrics.h"

extern const struct metric *const bus_metrics[];

/* The connection is up or down. Any thread, as below. */
void bus_metrics_connected(bool up);

/* A connection was made, by cnats or by the keeper. */
void bus_metrics_made(void);

/* A message with this many bytes of data was sent, or received. */
void bus_metrics_sent(size_t bytes);
void bus_metrics_received(size_t bytes);

#endif
