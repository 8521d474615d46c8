/*
 * What is counted of the connection to NATS. For bus_*.c; a process shows the list.
 */
#ifndef COMMON_BUS_BUS_METRICS_H
#define COMMON_BUS_BUS_METRICS_H

#include "common/services/metrics.h"

extern const struct metric *const bus_metrics[];

/* The connection is up, or is not any more. Any thread, as below. */
void bus_metrics_connected(bool up);

/* It has been made, by cnats or anew. */
void bus_metrics_made(void);

/* A message with so many bytes of data was given to cnats, or came from it. */
void bus_metrics_sent(size_t bytes);
void bus_metrics_received(size_t bytes);

#endif
