/*
 * SP_NATS_URL: the servers of NATS, and the login in their URLs. Not parsed by cnats, because older versions send a
 * login without decoding %XX, and accept almost any text as a URL.
 */
#ifndef COMMON_BUS_BUS_SERVERS_H
#define COMMON_BUS_BUS_SERVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define BUS_SERVERS_MAX 16

struct bus_servers {
	char *urls[BUS_SERVERS_MAX]; /* "nats://host:port" or "tls://host:port"; no login, the port may be missing */
	size_t count;
	bool tls;       /* any of them is tls:// */
	char *user;     /* decoded; NULL: none */
	char *password; /* of the user, decoded; NULL: no user */
	char *token;    /* decoded; NULL: none */
};

/*
 * Read a list separated by commas, with optional spaces: [nats://|tls://][user:password@|token@]host[:port]. All URLs
 * with a login must have the same one: it is sent to each server.
 *
 * ret_servers  wiped and freed by the caller (bus_servers_clear).
 * Errors: RC_INVALID_ARGUMENT with the number of the invalid element and the reason, without its text; RC_NO_MEMORY.
 * Source: RFC 3986; nats-server's and nats.go's reading of a user without a password as a token.
 */
enum rc bus_servers_read(const char *list, struct bus_servers *ret_servers, struct error *err) must_check;

/*
 * Whether cnats can send this user, password or token. It does not escape them in JSON: no quotes, backslashes and
 * control characters.
 */
bool bus_servers_can_send(const char *text);

/* Wipe and free. A zeroed struct is allowed. */
void bus_servers_clear(struct bus_servers *servers);

#endif
