#include "common/base/backoff.h"

#include "common/base/random.h"

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
