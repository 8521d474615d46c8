/*
 * Who is active: a lease in a key that several monitors compare and set. Pure: sequences and times in, decisions out.
 *
 * No monitor trusts another's clock. A monitor that is not active takes the key when it has itself seen the same
 * sequence for LEASE_TAKE_MS; the active one renews it often, and holds the lease for LEASE_HOLD_MS from the moment at
 * which it began the last renewal that was acknowledged. That moment lies before the one at which others can first see
 * the new sequence, so the holder has stopped LEASE_TAKE_MS - LEASE_HOLD_MS before another one begins.
 */
#ifndef MONITOR_LEASE_H
#define MONITOR_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_RENEW_MS 700 /* between two renewals, and between two looks of those who wait */
#define LEASE_HOLD_MS 3000
#define LEASE_TAKE_MS 5000

struct lease {
	uint64_t own;    /* the sequence of our last write; 0: the key is not ours */
	uint64_t seen;   /* the sequence of another monitor's value; 0: the key does not exist */
	bool seen_any;   /* `seen` is true at all */
	bool released;   /* its holder has given it back */
	int64_t seen_ms; /* since when it is that one */
	int64_t held_until_ms;
};

/* The key was read: its sequence (0: it does not exist), and whether its holder has released it. It is not ours. */
void lease_see(struct lease *lease, uint64_t sequence, bool released, int64_t now_ms);

/* Whether the lease may be taken now. Then by compare-and-set on lease->seen. */
bool lease_may_take(const struct lease *lease, int64_t now_ms);

/* Our write was acknowledged with this sequence; it was begun at began_ms. */
void lease_renewed(struct lease *lease, uint64_t sequence, int64_t began_ms);

/* Whether this process holds the lease now. */
bool lease_held(const struct lease *lease, int64_t now_ms);

#endif
