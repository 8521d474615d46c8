/*
 * `PROGRAM --health` of a process that serves NATS only: does the process of this name and provider, on this machine or
 * in this container, answer the ping of the service protocol (bus_service.h)?
 */
#ifndef COMMON_BUS_BUS_PRESENCE_H
#define COMMON_BUS_BUS_PRESENCE_H

#include "common/bus/bus_access.h"

/*
 * Ask over our own connection, and print one line: "healthy" on stdout, or on stderr what is wrong.
 *
 * access    as the process itself has.
 * service   the process's name in the service protocol.
 * provider  SP_NAME.
 *
 * Returns what main() returns: 0 healthy, 1 not. Blocks: up to two seconds.
 */
int bus_presence_tell(const struct bus_access *access, const char *service, const char *provider);

#endif
