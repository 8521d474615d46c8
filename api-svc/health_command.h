/*
 * `api-svc --health`: checks that the local api-svc is ready for requests (GET /readyz).
 */
#ifndef API_SVC_HEALTH_COMMAND_H
#define API_SVC_HEALTH_COMMAND_H

#include <stdbool.h>

/*
 * Query over HTTP, and print one line: "healthy" on stdout, or the error on stderr.
 *
 * address  SP_SERVER_ADDRESS.
 * https whether it uses TLS. Its certificate is not verified, since it is on this machine under another name.
 *
 * Returns what main() returns: 0 healthy, 1 not. Blocks: up to two seconds.
 */
int health_command_run(const char *address, bool https);

#endif
