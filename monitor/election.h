/*
 * Leader election of several monitors: the lease (lease.h) as a key of the provider's bucket in JetStream, and the
 * detection of JetStream. Used by one thread; its calls may block on NATS for a few seconds.
 */
#ifndef MONITOR_ELECTION_H
#define MONITOR_ELECTION_H

#include "common/adapters/crypto.h"
#include "common/bus/bus_bucket.h"
#include "common/bus/bus_call.h"
#include "monitor/lease.h"

enum election_result {
	ELECTION_UNKNOWN, /* the features of NATS are unknown */
	ELECTION_STANDBY, /* another monitor is leader, or may be */
	ELECTION_ACTIVE,
	ELECTION_ALONE, /* no JetStream: neither lease nor records */
};

/* Zeroed except for the first group. */
struct election {
	struct bus_caller *caller;
	const char *bucket;
	int64_t replicas; /* as for bus_bucket_open() */
	char id[CRYPTO_UUID_MAX];

	enum { STORAGE_UNKNOWN, STORAGE_NONE, STORAGE_BUCKET } storage;
	int no_storage;     /* consecutive "no JetStream" replies */
	int64_t storage_ms; /* last check */
	struct lease lease;
	int64_t lease_ms; /* last election_tend() */

	char leader[CRYPTO_UUID_MAX]; /* another leader; "": none seen since our last renewal */
	bool taken_over; /* the lease was taken from a leader that had not released it; cleared by the caller */
};

/* After a reconnect: check the features of NATS again. */
void election_reconnected(struct election *election);

/* Check, take or renew the lease if due. */
enum election_result election_tend(struct election *election);

/* clock_mono_ms() until which this monitor may publish: 0 not allowed, INT64_MAX without JetStream. */
int64_t election_allowed_until_ms(const struct election *election);

/* Whether the bucket is known to exist. */
bool election_has_bucket(const struct election *election);

/* Release the lease, if held. Failures are logged: the lease expires. */
void election_resign(struct election *election);

#endif
