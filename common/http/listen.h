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
 * variable where the address was set, for the error.
 * address  host:port, [v6]:port or :port (every address of the machine, IPv4 and IPv6); port 0: a free one.
 * backlog  connections that may wait to be accepted.
 * ret_fd   the caller closes it.
 * shown    the address that it became, with the real port.
 * Errors: RC_INVALID_ARGUMENT for a host that cannot be found and an address that cannot be had, with the reason;
 * RC_UNAVAILABLE when its port is in use.
 * Blocks while the host's name is looked up.
 */
enum rc listen_open(const char *variable, const char *address, int backlog, int *ret_fd, char shown[LISTEN_TEXT_MAX],
		    struct error *err) must_check;

/*
 * Whether the socket of listen_open() is IPv6, possibly with IPv4. IPv4 alone is assumed when it cannot be found out.
 */
bool listen_is_ipv6(int fd);

/*
 * Find out whether listen_open() would be rejected, and add a line that says why. A port in use is no fault: it may be
 * the running program's. Blocks as listen_open() does.
 */
void listen_check(const char *variable, const char *address, struct buf *faults);

#endif
