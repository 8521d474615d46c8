/*
 * The open connections: time limits for their phases, and room for new ones at the limit, by closing idle ones and
 * ending slow requests. A sweeper thread enforces both. Handles sockets, not HTTP.
 *
 * Why: the inactivity timer of libmicrohttpd never expires for a client that sends a byte now and then, and at its
 * connection limit new clients, including health checks, hang.
 */
#ifndef API_SVC_HTTP_CONNECTIONS_H
#define API_SVC_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define CONNECTION_SPARED_MS 250 /* a younger incomplete request is not ended at the limit */

#define LINGERING_MAX 128 /* sockets */
#define LINGER_MS 15000
#define LINGER_IDLE_MS 2000

enum connection_phase {
	CONNECTION_NEW,     /* accepted, no request line yet */
	CONNECTION_READING, /* receiving a request */
	CONNECTION_WORKING, /* the request is complete, the response is not ready */
	CONNECTION_WRITING, /* sending the response */
	CONNECTION_IDLE,    /* kept alive between two requests */
	CONNECTION_PHASE_COUNT
};

struct connections;
struct connection;

struct connections_limits {
	size_t max;               /* above it idle connections and slow requests are ended, see connections_crowded() */
	int64_t read_timeout_ms;  /* to receive a request, for the first one from the accept */
	int64_t write_timeout_ms; /* to send a response */
	int64_t idle_timeout_ms;  /* between requests */
};

/* Start the sweeper. Errors: RC_NO_MEMORY; RC_INTERNAL no thread. */
enum rc connections_create(const struct connections_limits *limits, struct connections **ret_connections,
			   struct error *err) must_check;

/* Stop the sweeper and free; all connections must have been removed. NULL is allowed. */
void connections_destroy(struct connections *all);

/*
 * Register a socket, which stays owned by the caller. The sweeper calls shutdown(2) on it at its time limit (while
 * READING only for the receiving direction), so connection_remove() must precede close(2). NULL if out of memory: the
 * socket has no time limits then.
 */
struct connection *connection_add(struct connections *all, int fd);

/* Forget it. NULL is allowed. */
void connection_remove(struct connections *all, struct connection *connection);

/*
 * Start a new phase. READING starts with the request line; for the first request the time limit starts at the accept.
 * connection may be NULL.
 */
void connection_set_phase(struct connections *all, struct connection *connection, enum connection_phase phase);

/* Why a request was ended in state READING: no more can be read, but a response can be sent, with a new time limit. */
enum connection_end {
	CONNECTION_NOT_ENDED,
	CONNECTION_TIMED_OUT, /* the read timeout has expired */
	CONNECTION_CROWDED,   /* slower than CONNECTION_SPARED_MS, at the connection limit */
};

/* connection may be NULL: not ended. */
enum connection_end connection_end_of(struct connections *all, const struct connection *connection);

/*
 * Keep a socket open after its last response while the client may still be sending: data is discarded until the client
 * closes, LINGER_IDLE_MS without data, or LINGER_MS. If it was closed immediately, the kernel would reset the
 * connection, and the client could lose the response (RFC 9112 section 9.6). No effect beyond LINGERING_MAX sockets.
 *
 * fd stays owned by the caller; duplicated.
 */
void connections_linger(struct connections *all, int fd);

/* The number of connections. */
size_t connections_count(struct connections *all);

/*
 * Whether more connections than the limit are busy with a request, so that another must be rejected. Idle ones, and
 * those that are slow to send a request, are closed automatically.
 */
bool connections_crowded(struct connections *all);

/* From now on idle connections are closed immediately, for the shutdown. */
void connections_drain(struct connections *all);

#endif
