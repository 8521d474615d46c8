/*
 * Listening sockets.
 */
#ifndef COMMON_HTTP_LISTEN_H
#define COMMON_HTTP_LISTEN_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"

#define LISTEN_TEXT_MAX 80 /* bytes of "[address]:port" with its NUL */

/*
 * Bind and listen.
 *
 * variable of the address, for errors.
 * address  host:port, [v6]:port or :port (all addresses, IPv4 and IPv6); port 0: any free port.
 * backlog  maximum number of pending connections.
 * ret_fd owned by the caller (close).
 * shown the bound address with its port.
 * Errors: RC_INVALID_ARGUMENT unknown host or unusable address, with the reason; RC_UNAVAILABLE port in use.
 * Blocks while the host name is resolved.
 */
enum rc listen_open(const char *variable, const char *address, int backlog, int *ret_fd, char shown[LISTEN_TEXT_MAX],
		    struct error *err) must_check;

/*
 * Whether the socket of listen_open() is IPv6, possibly with IPv4. If unknown, IPv4 only is assumed.
 */
bool listen_is_ipv6(int fd);

/*
 * Check whether listen_open() would fail, and append a line with the reason. A port in use is no error: the program may
 * be running. Blocks as listen_open() does.
 */
void listen_check(const char *variable, const char *address, struct buf *faults);

#endif
