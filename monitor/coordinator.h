/*
 * Which of several monitors is active, and what the active one needs before it tells anything: the lease, what was
 * reported in earlier lives, the first lists, and whether a stream listens. A thread that asks NATS and waits.
 */
#ifndef MONITOR_COORDINATOR_H
#define MONITOR_COORDINATOR_H

#include "common/container/kube_cache.h"
#include "common/kube/informer.h"
#include "common/kube/kube_auth.h"
#include "monitor/config.h"
#include "monitor/delivery.h"

struct coordinator;

enum coordinator_role {
	COORDINATOR_WAITING, /* NATS has not said yet what it offers */
	COORDINATOR_STANDBY, /* another monitor is active, or may be */
	COORDINATOR_ACTIVE,
	COORDINATOR_ALONE, /* no JetStream: neither standby nor memory */
	COORDINATOR_ROLE_COUNT
};

struct coordinator_options {
	enum resource_type type;             /* of what it watches */
	const struct monitor_config *config; /* borrowed, as all of these */
	struct bus *bus;
	struct kube_auth *auth;
	struct delivery *delivery;
};

/*
 * Prepare; ret_coordinator: owned by the caller (coordinator_destroy), also after a failure: the bus refers to it until
 * bus_destroy(). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc coordinator_create(const struct coordinator_options *options, struct coordinator **ret_coordinator,
			   struct error *err) must_check;

/* Start the thread. Errors: RC_INTERNAL. */
enum rc coordinator_start(struct coordinator *coordinator, struct error *err) must_check;

/* The connection came up, or something is in doubt: look soon. Any thread, does not block. */
void coordinator_connected(struct coordinator *coordinator);
void coordinator_doubt(void *coordinator);

/*
 * Tell what is pending, within SP_MONITOR_SHUTDOWN_TIMEOUT, give the lease back, and end the thread. Blocks.
 */
void coordinator_stop(struct coordinator *coordinator);

/* Free; after bus_destroy(). NULL is allowed. */
void coordinator_destroy(struct coordinator *coordinator);

struct coordinator_counts {
	enum coordinator_role role;
	bool acknowledged;      /* a stream listens */
	int64_t stream_gone_ms; /* for how long none listens any more; 0: one does, or none ever did */
	struct informer_counts informers;
	struct kube_cache_size cache;
	int64_t resyncs;
	int64_t idle_ms; /* since the thread was last seen at work */
};

void coordinator_counts(struct coordinator *coordinator, struct coordinator_counts *ret_counts);

const char *coordinator_role_name(enum coordinator_role role);

#endif
