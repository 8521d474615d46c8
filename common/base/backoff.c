#include "common/base/backoff.h"

#include <sys/random.h>

int64_t random_below(int64_t limit)
{
	uint64_t bits = 0;

	if (limit <= 1)
		return 0;
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
		return 0;
	return (int64_t)(bits % (uint64_t)limit);
}

int64_t backoff_next_ms(struct backoff *b)
{
	int64_t delay = b->next_ms ? b->next_ms : b->first_ms;

	b->next_ms = delay * 2 < b->max_ms ? delay * 2 : b->max_ms;
	return delay + random_below(delay / 2 + 1);
}

void backoff_reset(struct backoff *b)
{
	b->next_ms = 0;
}
