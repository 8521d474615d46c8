/*
 * Statistics of the monitor: counters in the log every minute and for $SRV.STATS (ADR-32), the status line for systemd,
 * and the liveness check.
 */
#ifndef MONITOR_STATISTICS_H
#define MONITOR_STATISTICS_H

#include "common/bus/bus.h"
#include "monitor/coordinator.h"
#include "monitor/delivery.h"

#define STATISTICS_SERVICE_NAME "monitor" /* in the service protocol */

struct statistics;

/*
 * Start it. The provider's name, delivery and coordinator are borrowed.
 * ret_statistics: owned by the caller (statistics_destroy), also after a failure. Errors: those of
 * bus_service_create().
 */
enum rc statistics_create(struct bus *bus, enum resource_type type, const char *provider_name,
			  struct delivery *delivery, struct coordinator *coordinator,
			  struct statistics **ret_statistics, struct error *err) must_check;

/* End the logging thread. */
void statistics_stop(struct statistics *statistics);

/* Free; after bus_destroy(). NULL is allowed. */
void statistics_destroy(struct statistics *statistics);

/* Whether all threads make progress. For the watchdog; called by one thread. */
bool statistics_is_alive(struct statistics *statistics);

#endif
