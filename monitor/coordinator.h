/*
 * Coordination of several monitors, and the prerequisites of the leader: lease, records of earlier reports, initial
 * lists, and the stream. A thread that may block on NATS.
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
	COORDINATOR_WAITING, /* the features of NATS are unknown */
	COORDINATOR_STANDBY, /* another monitor is leader, or may be */
	COORDINATOR_ACTIVE,
	COORDINATOR_ALONE, /* no JetStream: neither standby nor records */
	COORDINATOR_ROLE_COUNT
};

struct coordinator_options {
	enum resource_type type;             /* of the watched resources */
	const struct monitor_config *config; /* borrowed, as all of these */
	struct bus *bus;
	struct kube_auth *auth;
	struct delivery *delivery;
};

/*
 * Create it; ret_coordinator: owned by the caller (coordinator_destroy), also after a failure: the bus refers to it
 * until bus_destroy(). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc coordinator_create(const struct coordinator_options *options, struct coordinator **ret_coordinator,
			   struct error *err) must_check;

/* Start the thread. Errors: RC_INTERNAL. */
enum rc coordinator_start(struct coordinator *coordinator, struct error *err) must_check;

/* The connection came up, or the stream must be checked again. Any thread, does not block. */
void coordinator_connected(struct coordinator *coordinator);
void coordinator_doubt(void *coordinator);

/*
 * Publish pending events within SP_MONITOR_SHUTDOWN_TIMEOUT, release the lease, and end the thread. Blocks.
 */
void coordinator_stop(struct coordinator *coordinator);

/* Free; after bus_destroy(). NULL is allowed. */
void coordinator_destroy(struct coordinator *coordinator);

struct coordinator_counts {
	enum coordinator_role role;
	bool acknowledged;      /* a stream captures the events */
	int64_t stream_gone_ms; /* time since the stream was lost; 0: there is one, or there was none */
	struct informer_counts informers;
	struct kube_cache_size cache;
	int64_t resyncs;
	int64_t idle_ms; /* since the last progress of the thread */
};

void coordinator_counts(struct coordinator *coordinator, struct coordinator_counts *ret_counts);

const char *coordinator_role_name(enum coordinator_role role);

#endif
