#include "monitor/lease.h"

void lease_see(struct lease *lease, uint64_t sequence, bool released, int64_t now_ms)
{
	if (!lease->seen_any || lease->seen != sequence)
		lease->seen_ms = now_ms;
	lease->seen = sequence;
	lease->seen_any = true;
	lease->released = released;
}

bool lease_may_take(const struct lease *lease, int64_t now_ms)
{
	if (!lease->seen_any)
		return false;
	return lease->seen == 0 || lease->released || now_ms - lease->seen_ms >= LEASE_TAKE_MS;
}

void lease_renewed(struct lease *lease, uint64_t sequence, int64_t began_ms)
{
	lease->own = sequence;
	lease->seen_any = false;
	lease->held_until_ms = began_ms + LEASE_HOLD_MS;
}

bool lease_held(const struct lease *lease, int64_t now_ms)
{
	return lease->own != 0 && now_ms < lease->held_until_ms;
}
