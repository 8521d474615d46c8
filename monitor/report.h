/*
 * What the monitor says of itself: counters in the log every minute and in answer to $SRV.STATS (ADR-32), one line for
 * systemd, and whether it makes progress.
 */
#ifndef MONITOR_REPORT_H
#define MONITOR_REPORT_H

#include "common/bus/bus.h"
#include "monitor/delivery.h"
#include "monitor/steward.h"

#define REPORT_SERVICE_NAME "monitor" /* in the service protocol */

struct report;

/*
 * Start. The provider's name, delivery and steward are borrowed.
 * ret_report: given to the caller (report_destroy), also after a failure. Errors: those of bus_service_create().
 */
enum rc report_create(struct bus *bus, const char *provider_name, struct delivery *delivery, struct steward *steward,
		      struct report **ret_report, struct error *err) must_check;

/* End the thread that logs. */
void report_stop(struct report *report);

/* Free; after bus_destroy(). Takes NULL. */
void report_destroy(struct report *report);

/* Do all threads make progress? For the watchdog; called by one thread. */
bool report_is_alive(struct report *report);

#endif
