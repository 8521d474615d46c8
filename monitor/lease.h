/*
 * Leader lease in a key with compare-and-set. Pure: sequences and times in, decisions out.
 *
 * Independent of the other monitors' clocks. A standby takes the key after it has observed the same sequence for
 * LEASE_TAKE_MS; the leader renews it frequently, and holds the lease for LEASE_HOLD_MS from the start of the last
 * acknowledged renewal. That is before others can observe the new sequence, so the leader has stopped LEASE_TAKE_MS -
 * LEASE_HOLD_MS before the next one begins.
 */
#ifndef MONITOR_LEASE_H
#define MONITOR_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_RENEW_MS 700 /* interval of renewals, and of checks by standbys */
#define LEASE_HOLD_MS 3000
#define LEASE_TAKE_MS 5000

struct lease {
	uint64_t own;    /* the sequence of our last write; 0: not held */
	uint64_t seen;   /* the sequence of another monitor's value; 0: the key does not exist */
	bool seen_any;   /* `seen` is valid */
	bool released;   /* released by its holder */
	int64_t seen_ms; /* since when it is unchanged */
	int64_t held_until_ms;
};

/* The key was read: its sequence (0: it does not exist), and whether its holder has released it. Not our own value. */
void lease_see(struct lease *lease, uint64_t sequence, bool released, int64_t now_ms);

/* Whether the lease may be taken now. By compare-and-set on lease->seen. */
bool lease_may_take(const struct lease *lease, int64_t now_ms);

/* Our write, started at began_ms, was acknowledged with this sequence. */
void lease_renewed(struct lease *lease, uint64_t sequence, int64_t began_ms);

/* Whether this process holds the lease now. */
bool lease_held(const struct lease *lease, int64_t now_ms);

#endif
