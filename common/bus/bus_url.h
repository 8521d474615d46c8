/*
 * SP_NATS_URL: the servers of NATS, and the login that their URLs may hold. Read here and not by cnats, whose older
 * versions send a login as it stands, with its %XX, and take almost anything for a URL.
 */
#ifndef COMMON_BUS_BUS_URL_H
#define COMMON_BUS_BUS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define BUS_URL_SERVERS_MAX 16

struct bus_servers {
	char *urls
		[BUS_URL_SERVERS_MAX]; /* "nats://host:port" or "tls://host:port"; no login, the port may be missing */
	size_t count;
	bool tls;       /* one of them is tls:// */
	char *user;     /* decoded; NULL: there is none */
	char *password; /* of the user, decoded; NULL: there is no user */
	char *token;    /* decoded; NULL: there is none */
};

/*
 * Read a list that is separated by commas, spaces around its elements:
 * [nats://|tls://][user:password@|token@]host[:port]. All URLs that hold a login must hold the same one: it is sent to
 * each server.
 *
 * ret_servers  wiped and freed by the caller (bus_servers_clear).
 * Errors: RC_INVALID_ARGUMENT which element is wrong and why, without showing it; RC_NO_MEMORY.
 * Source: RFC 3986; nats-server's and nats.go's reading of a user without a password as a token.
 */
enum rc bus_servers_read(const char *list, struct bus_servers *ret_servers, struct error *err) must_check;

/*
 * Whether cnats can send this user, password or token. It puts them into JSON as they are: no quotes, backslashes and
 * controls.
 */
bool bus_servers_can_send(const char *text);

/* Wipe and free. A zeroed struct is allowed. */
void bus_servers_clear(struct bus_servers *servers);

#endif
