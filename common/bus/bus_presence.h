/*
 * `PROGRAM --health` of a process that serves NATS only: checks that the process with this name and provider, on this
 * machine or in this container, replies to the ping of the service protocol (bus_service.h).
 */
#ifndef COMMON_BUS_BUS_PRESENCE_H
#define COMMON_BUS_BUS_PRESENCE_H

#include "common/bus/bus_access.h"

/*
 * Send a ping over a separate connection, and print one line: "healthy" on stdout, or the error on stderr.
 *
 * access    as for the process.
 * service   the process's name in the service protocol.
 * provider  SP_NAME.
 *
 * Returns what main() returns: 0 healthy, 1 not. Blocks: up to two seconds.
 */
int bus_presence_tell(const struct bus_access *access, const char *service, const char *provider);

#endif
