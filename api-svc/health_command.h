/*
 * `api-svc --health`: does the api-svc that listens here say that the provider is healthy?
 */
#ifndef API_SVC_HEALTH_COMMAND_H
#define API_SVC_HEALTH_COMMAND_H

#include <stdbool.h>

/*
 * Ask over HTTP, and print one line: "healthy" on stdout, or on stderr what is wrong.
 *
 * address  SP_SERVER_ADDRESS.
 * https    does it speak TLS? Its certificate, which names others, is not looked at: it is on this machine.
 *
 * Returns what main() returns: 0 healthy, 1 not. Blocks: up to two seconds.
 */
int health_command_run(const char *address, bool https);

#endif
