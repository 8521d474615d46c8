/*
 * Internals of the bus, for the bus_*.c that use cnats: bus.c, bus_settings.c, bus_subscription.c and bus_message.c.
 */
#ifndef COMMON_BUS_BUS_PRIVATE_H
#define COMMON_BUS_BUS_PRIVATE_H

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/bus/bus.h"

struct bus_subscription {
	struct bus *bus;
	char *subject;
	char *queue; /* NULL: none */
	bus_handler handler;
	void *ctx;
	natsSubscription *nats; /* of the current connection; NULL: none. Protected as the connection */
	uint64_t serial;        /* identifies it, because addresses are reused */
	bool taking;            /* a thread waits on it: it must not be freed */
	bool drained;           /* permanently */
	struct bus_subscription *next;
};

/*
 * cnats reconnects by itself, but it gives up if the server rejects the login twice, and it does not read changed
 * files: then `keeper` makes a new connection, with the same subscriptions.
 */
struct bus {
	struct bus_options options;
	/*
	 * The connection state, from the callbacks of cnats: its functions wait for the connection's lock, which it
	 * holds while it connects, up to 2 s. No message is passed to cnats, and `link` is not taken, while `up` is
	 * false.
	 */
	atomic_bool up;
	atomic_size_t max_payload; /* bytes */
	pthread_t keeper;
	bool keeper_runs;
	struct error said;     /* the keeper's: the last logged connection error */
	int64_t wall_ahead_ms; /* the keeper's: wall clock minus monotonic clock at the last check */
	/* Held for reading to use the connection, for writing to replace it. Taken before `lock`. */
	pthread_rwlock_t link;
	natsConnection *connection; /* NULL: none at the moment */
	pthread_mutex_t lock;       /* protects all below, and the members of subscriptions */
	pthread_cond_t changed;     /* any change, except `taking` */
	pthread_cond_t not_taking;  /* `taking` has changed; separate, or each message would wake the keeper */
	bool destroying;
	bool tried;             /* the first attempt has finished */
	struct error first;     /* its error */
	uint64_t losses;        /* number of times `up` became false */
	bool outdated;          /* files have changed since the login */
	int live;               /* pending callbacks: the connection's last one, and running handlers */
	bool ended;             /* no connection, or it is closed */
	struct bus_login login; /* the keeper's while there is no connection; otherwise constant, except its stamps */
	struct bus_subscription *subscriptions;
};

/* Call only if all previous calls succeeded. */
#define BUS_CHAIN(status, call)            \
	do {                               \
		if ((status) == NATS_OK)   \
			(status) = (call); \
	} while (0)

/* Convert a status of cnats to an error; `what` is the context. */
enum rc bus_fault(struct error *err, natsStatus status, const char *what);

/* A connection or a subscription was started (+1), or its last callback has returned (-1). */
void bus_note_live(struct bus *bus, int change);

/* Subscribe on the current connection. `link` is held for writing, as in the next. */
natsStatus bus_subscription_attach(struct bus_subscription *sub);

/* Drop the subscription of a closed connection. Blocks until no thread takes from it. */
void bus_subscription_detach(struct bus_subscription *sub);

/* Free the memory only. */
void bus_subscription_free(struct bus_subscription *sub);

/*
 * Set servers, timeouts and login of a new connection; the caller sets the callbacks. The login must stay valid as long
 * as the connection.
 */
natsStatus bus_settings_set(natsOptions *nats, const struct bus_options *options, const struct bus_login *login);

#endif
