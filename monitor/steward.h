/*
 * Which of several monitors is active, and what the active one needs before it tells anything: the lease, what was
 * reported in earlier lives, the first lists, and whether a stream listens. A thread that asks NATS and waits.
 */
#ifndef MONITOR_STEWARD_H
#define MONITOR_STEWARD_H

#include "common/container/kube_cache.h"
#include "common/kube/informer.h"
#include "common/kube/kube_auth.h"
#include "monitor/config.h"
#include "monitor/delivery.h"

struct steward;

enum steward_role {
	STEWARD_WAITING, /* NATS has not said yet what it offers */
	STEWARD_STANDBY, /* another monitor is active, or may be */
	STEWARD_ACTIVE,
	STEWARD_ALONE, /* no JetStream: neither standby nor memory */
	STEWARD_ROLE_COUNT
};

struct steward_options {
	enum resource_type type;             /* of what it watches */
	const struct monitor_config *config; /* borrowed, as all of these */
	struct bus *bus;
	struct kube_auth *auth;
	struct delivery *delivery;
};

/*
 * Prepare; ret_steward: given to the caller (steward_destroy), also after a failure: the bus refers to it until
 * bus_destroy(). Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc steward_create(const struct steward_options *options, struct steward **ret_steward, struct error *err)
	must_check;

/* Start the thread. Errors: RC_INTERNAL. */
enum rc steward_start(struct steward *steward, struct error *err) must_check;

/* The connection came up, or something is in doubt: look soon. Any thread, does not block. */
void steward_connected(struct steward *steward);
void steward_doubt(void *steward);

/*
 * Tell what is pending, within SP_MONITOR_SHUTDOWN_TIMEOUT, give the lease back, and end the thread. Blocks.
 */
void steward_stop(struct steward *steward);

/* Free; after bus_destroy(). Takes NULL. */
void steward_destroy(struct steward *steward);

struct steward_counts {
	enum steward_role role;
	bool acknowledged;      /* a stream listens */
	int64_t stream_gone_ms; /* for how long none listens any more; 0: one does, or none ever did */
	struct informer_counts informers;
	struct kube_cache_size cache;
	int64_t resyncs;
	int64_t idle_ms; /* since the thread was last seen at work */
};

void steward_counts(struct steward *steward, struct steward_counts *ret_counts);

const char *steward_role_name(enum steward_role role);

#endif
