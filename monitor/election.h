/*
 * Which of several monitors is active: the lease (lease.h) as a key of the provider's bucket in JetStream, and whether
 * there is a JetStream at all. Used by one thread; its calls ask NATS and wait, for up to some seconds.
 */
#ifndef MONITOR_ELECTION_H
#define MONITOR_ELECTION_H

#include "common/adapters/crypto.h"
#include "common/bus/bus_bucket.h"
#include "common/bus/bus_call.h"
#include "monitor/lease.h"

enum election_result {
	ELECTION_UNKNOWN, /* NATS has not said yet what it offers */
	ELECTION_STANDBY, /* another monitor is active, or may be */
	ELECTION_ACTIVE,
	ELECTION_ALONE, /* no JetStream: neither lease nor records */
};

/* Zeroed but for the first group. */
struct election {
	struct bus_caller *caller;
	const char *bucket;
	int64_t replicas; /* as for bus_bucket_open() */
	char id[CRYPTO_UUID_MAX];

	enum { STORAGE_UNKNOWN, STORAGE_NONE, STORAGE_BUCKET } storage;
	int no_storage;     /* answers "no JetStream" in a row */
	int64_t storage_ms; /* when it was last looked for */
	struct lease lease;
	int64_t lease_ms; /* when it was last tended */

	char leader[CRYPTO_UUID_MAX]; /* another monitor that is active; "": none was seen since our last renewal */
	bool taken_over;              /* the lease, from one that had not given it back; cleared by the caller */
};

/* The connection is another one: what NATS offers is to be looked up again. */
void election_reconnected(struct election *election);

/* Look, take or renew what is due. */
enum election_result election_tend(struct election *election);

/* clock_mono_ms() until which this monitor may tell anything: 0 not at all, INT64_MAX for as long as it is alone. */
int64_t election_allowed_until_ms(const struct election *election);

/* Whether the bucket is known to exist. */
bool election_has_bucket(const struct election *election);

/* Give the lease back, if it is held. A failure is logged: the lease ends by itself. */
void election_resign(struct election *election);

#endif
