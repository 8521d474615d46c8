#include "monitor/election.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/container/record.h"
#include "common/services/log.h"

#define PUT_TIMEOUT_MS 1000
#define NO_STORAGE_TRIES 3     /* consecutive "no JetStream" replies before it is accepted */
#define STORAGE_AGAIN_MS 30000 /* without JetStream: check interval */
#define LEADER_VALUE_MAX 256

/* ---- storage ----------------------------------------------------------------------------------------------------- */

static void find_storage(struct election *e)
{
	struct error err;
	enum rc rc;

	e->storage_ms = clock_mono_ms();
	rc = bus_bucket_open(e->caller, e->bucket, e->replicas, &err);
	if (!rc) {
		e->no_storage = 0;
		e->storage = STORAGE_BUCKET;
	} else if (rc == RC_UNSUPPORTED) {
		if (++e->no_storage >= NO_STORAGE_TRIES)
			e->storage = STORAGE_NONE;
	} else {
		log_warn("JetStream failed; retrying", log_err(&err));
	}
}

/* ---- the lease --------------------------------------------------------------------------------------------------- */

/* Read the current leader. Returns false if unknown. */
static bool look_at_leader(struct election *e)
{
	struct buf value cleanup_buf = buf_make(LEADER_VALUE_MAX);
	uint64_t sequence = 0;
	struct error err;
	enum rc rc = bus_bucket_get(e->caller, e->bucket, RECORD_LEADER_KEY, &value, &sequence, &err);
	bool foreign = rc == RC_TOO_LARGE; /* not written by a monitor: treated like an expired lease */

	if (rc && rc != RC_NOT_FOUND && !foreign) {
		log_debug("cannot read the leader", log_err(&err));
		return false;
	}
	if (!rc && strcmp(value.data, e->id) == 0) {
		e->lease.own = sequence; /* our own write with a lost acknowledgement; the next renewal confirms it */
		return true;
	}
	e->lease.own = 0;
	lease_see(&e->lease, sequence, value.len == 0 && !foreign, clock_mono_ms());
	snprintf(e->leader, sizeof(e->leader), "%s", foreign ? "unknown" : value.data);
	return true;
}

static void write_leader(struct election *e)
{
	bool taking = e->lease.own == 0;
	bool abandoned = taking && e->lease.seen && !e->lease.released;
	int64_t began_ms = clock_mono_ms();
	uint64_t sequence = 0;
	struct error err;
	enum rc rc = bus_bucket_put_if(e->caller, e->bucket, RECORD_LEADER_KEY, e->id,
				       taking ? e->lease.seen : e->lease.own, &sequence, PUT_TIMEOUT_MS, &err);

	if (!rc) {
		lease_renewed(&e->lease, sequence, began_ms);
		e->leader[0] = '\0';
		e->taken_over = e->taken_over || abandoned;
		return;
	}
	log_debug("cannot write the lease", log_err(&err));
	if (rc == RC_CONFLICT)
		(void)look_at_leader(e); /* the result is in e->lease */
	else if (rc == RC_NOT_FOUND)
		e->storage = STORAGE_UNKNOWN; /* the bucket was deleted */
}

static void tend_lease(struct election *e)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - e->lease_ms < LEASE_RENEW_MS)
		return;
	e->lease_ms = now_ms;
	if (e->lease.own == 0 && !look_at_leader(e))
		return;
	if (e->lease.own != 0 || lease_may_take(&e->lease, clock_mono_ms()))
		write_leader(e);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

void election_reconnected(struct election *election)
{
	election->storage = STORAGE_UNKNOWN;
	election->no_storage = 0;
	election->lease_ms = 0;
}

enum election_result election_tend(struct election *election)
{
	int64_t since_ms = clock_mono_ms() - election->storage_ms;

	if (election->storage == STORAGE_UNKNOWN || (election->storage == STORAGE_NONE && since_ms > STORAGE_AGAIN_MS))
		find_storage(election);
	if (election->storage == STORAGE_BUCKET)
		tend_lease(election);
	switch (election->storage) {
	case STORAGE_NONE:
		return ELECTION_ALONE;
	case STORAGE_BUCKET:
		return lease_held(&election->lease, clock_mono_ms()) ? ELECTION_ACTIVE : ELECTION_STANDBY;
	case STORAGE_UNKNOWN:
		break;
	}
	return ELECTION_UNKNOWN;
}

int64_t election_allowed_until_ms(const struct election *election)
{
	if (election->storage == STORAGE_NONE)
		return INT64_MAX;
	return election->lease.own ? election->lease.held_until_ms : 0;
}

bool election_has_bucket(const struct election *election)
{
	return election->storage == STORAGE_BUCKET;
}

void election_resign(struct election *election)
{
	uint64_t sequence;
	struct error err;

	if (election->storage == STORAGE_BUCKET && election->lease.own &&
	    bus_bucket_put_if(election->caller, election->bucket, RECORD_LEADER_KEY, "", election->lease.own, &sequence,
			      PUT_TIMEOUT_MS, &err))
		log_warn("cannot release the lease; it will expire", log_err(&err));
}
