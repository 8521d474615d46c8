/*
 * The inside of the bus, for the bus_*.c that know cnats: bus.c, bus_settings.c, bus_subscription.c and bus_message.c.
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
	natsSubscription *nats; /* of the present connection; NULL: there is none. Guarded as the connection */
	uint64_t serial;        /* which one it is: addresses come again */
	bool taking;            /* a thread waits in it: it must not be freed */
	bool drained;           /* for good */
	struct bus_subscription *next;
};

/*
 * cnats reconnects by itself. It gives up when the server rejects the login twice, and it keeps what was in the files:
 * then `keeper` makes a new connection, with the same subscriptions.
 */
struct bus {
	struct bus_options options;
	/*
	 * What cnats knows, as its callbacks said: a question to cnats waits for the connection's lock, which it holds
	 * while it connects, 2 s long when a server is silent. No message goes to cnats or `link` while `up` is false.
	 */
	atomic_bool up;
	atomic_size_t max_payload; /* bytes */
	pthread_t keeper;
	bool keeper_runs;
	struct error said;     /* by the keeper: the last failure to connect */
	int64_t wall_ahead_ms; /* the keeper's: of the wall clock before the monotonic one, when it last looked */
	/* Who uses the connection holds it for reading, who replaces it for writing. Taken before `lock`. */
	pthread_rwlock_t link;
	natsConnection *connection; /* NULL: none yet, or none at the moment */
	pthread_mutex_t lock;       /* guards all below, and the members of subscriptions */
	pthread_cond_t changed;     /* any of it, but for who takes */
	pthread_cond_t not_taking;  /* of a subscription; apart, or each message would wake the keeper */
	bool destroying;
	bool tried;         /* to connect, once */
	struct error first; /* of that try */
	uint64_t losses;    /* how often `up` has ended */
	bool outdated;      /* files have changed since the login */
	int live;           /* callbacks that may still come: the connection's last one, and handlers that may run */
	bool ended;         /* none; there is no connection, or it is closed */
	struct bus_login
		login; /* the keeper's, while there is no connection; then it does not change, but for its stamps */
	struct bus_subscription *subscriptions;
};

/* Go on only as long as all is well. */
#define BUS_CHAIN(status, call)            \
	do {                               \
		if ((status) == NATS_OK)   \
			(status) = (call); \
	} while (0)

/* What a status of cnats means; `what` was tried. */
enum rc bus_fault(struct error *err, natsStatus status, const char *what);

/* A connection or a subscription began (+1), or its last callback has run (-1). */
void bus_note_live(struct bus *bus, int change);

/* Subscribe on the present connection. `link` is held for writing, as in the next. */
natsStatus bus_subscription_attach(struct bus_subscription *sub);

/* Forget what was subscribed on a connection that is closed. Blocks until no thread takes from it. */
void bus_subscription_detach(struct bus_subscription *sub);

/* The memory only. */
void bus_subscription_free(struct bus_subscription *sub);

/*
 * Servers, times and login for a new connection; the callbacks are the caller's. The login must stay where it is as
 * long as the connection lives.
 */
natsStatus bus_settings_set(natsOptions *nats, const struct bus_options *options, const struct bus_login *login);

#endif
