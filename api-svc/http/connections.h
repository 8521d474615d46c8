/*
 * The open connections: how long each may stay in its phase, and which to give up when they run short. A thread of its
 * own sweeps over them. Knows sockets, not HTTP.
 *
 * Why: the inactivity timer of libmicrohttpd never ends for a client that sends one byte now and then, and at its
 * connection limit new clients, health checks among them, hang without a word.
 */
#ifndef API_SVC_HTTP_CONNECTIONS_H
#define API_SVC_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define LINGERING_MAX 128 /* sockets */
#define LINGER_MS 15000
#define LINGER_IDLE_MS 2000

enum connection_phase {
	CONNECTION_NEW,     /* accepted, no request line yet */
	CONNECTION_READING, /* a request is arriving */
	CONNECTION_WORKING, /* the request is complete, its answer is not there yet */
	CONNECTION_WRITING, /* the answer is on its way */
	CONNECTION_IDLE,    /* kept alive between two requests */
	CONNECTION_PHASE_COUNT
};

struct connections;
struct connection;

struct connections_limits {
	size_t max;               /* above it idle connections are given up, see connections_crowded() */
	int64_t read_timeout_ms;  /* for a request to arrive, counted from the accept for the first one */
	int64_t write_timeout_ms; /* for an answer to be taken */
	int64_t idle_timeout_ms;  /* between requests */
};

/* Start the sweeper. Errors: RC_NO_MEMORY; RC_INTERNAL when no thread can be had. */
enum rc connections_create(const struct connections_limits *limits, struct connections **ret_connections,
			   struct error *err) must_check;

/* Stop the sweeper and free; all connections have been removed. NULL is allowed. */
void connections_destroy(struct connections *all);

/*
 * Take note of a socket; it stays its owner's. The sweeper calls shutdown(2) on it when its time is over (while READING
 * only of what comes in), so
 * connection_remove() must come before close(2). NULL when out of memory: the socket is then not watched.
 */
struct connection *connection_add(struct connections *all, int fd);

/* Forget it. NULL is allowed. */
void connection_remove(struct connections *all, struct connection *connection);

/*
 * Say that a new phase began, now. READING begins with the request line; for the first request the time counts from
 * the accept. Takes a NULL connection.
 */
void connection_set_phase(struct connections *all, struct connection *connection, enum connection_phase phase);

/*
 * Whether the read timeout has expired in state READING. Nothing more can be read from it, but it can be answered: for
 * which it has the time of a phase once more. Takes a NULL connection.
 */
bool connection_is_late(struct connections *all, const struct connection *connection);

/*
 * Keep a socket open on which our last answer is out while its client may still be writing: what it writes is
 * discarded, until it has ended, LINGER_IDLE_MS have passed without a byte, or LINGER_MS are over. Closed at once, its
 * kernel would answer the client's bytes with a reset that overtakes the answer (RFC 9112 section 9.6). Does nothing
 * beyond LINGERING_MAX of them.
 *
 * fd  stays the caller's; a copy is kept.
 */
void connections_linger(struct connections *all, int fd);

/* How many there are. */
size_t connections_count(struct connections *all);

/*
 * Whether more connections than the limit are busy with a request, so that another must be rejected. Idle ones make
 * room by themselves.
 */
bool connections_crowded(struct connections *all);

/* From now on connections without a request are ended at once: the program is about to stop. */
void connections_drain(struct connections *all);

#endif
