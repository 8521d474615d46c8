/*
 * Exponential backoff with jitter. Pure except for the random number.
 */
#ifndef COMMON_BASE_BACKOFF_H
#define COMMON_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t first_ms; /* the first delay */
	int64_t max_ms;   /* the maximum, before jitter */
	int64_t next_ms;  /* 0: start with first_ms */
};

/*
 * The delay before the next retry: first_ms, doubled up to max_ms, plus a random part of up to a half, so that the
 * clients of a failed server do not reconnect simultaneously.
 */
int64_t backoff_next_ms(struct backoff *b);

/* After a success: the next delay is first_ms. */
void backoff_reset(struct backoff *b);

#endif
