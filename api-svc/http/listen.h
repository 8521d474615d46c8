/*
 * The listening socket.
 */
#ifndef API_SVC_HTTP_LISTEN_H
#define API_SVC_HTTP_LISTEN_H

#include "common/base/error.h"

#define LISTEN_TEXT_MAX 80 /* bytes of "[address]:port" with its NUL */

/*
 * Bind and listen.
 *
 * address  host:port, [v6]:port or :port (every address of the machine, IPv4 and IPv6); port 0: a free one.
 * backlog  connections that may wait to be accepted.
 * ret_fd   the caller closes it.
 * shown    the address that it became, with the real port.
 * Errors: RC_INVALID_ARGUMENT for a host that cannot be found; RC_UNAVAILABLE when the address cannot be had (a busy
 * port), with the reason.
 * Blocks while the host's name is looked up.
 */
enum rc listen_open(const char *address, int backlog, int *ret_fd, char shown[LISTEN_TEXT_MAX], struct error *err)
	must_check;

#endif
