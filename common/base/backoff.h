/*
 * Exponential backoff with jitter, as a value that its owner keeps. Pure but for the random number.
 */
#ifndef COMMON_BASE_BACKOFF_H
#define COMMON_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t first_ms; /* the first delay */
	int64_t max_ms;   /* the ceiling, before jitter */
	int64_t next_ms;  /* 0: start with first_ms */
};

/*
 * The delay before the next try: first_ms, doubling up to max_ms, each lengthened by a random part of up to a half,
 * so that many clients that lost the same server do not return together.
 */
int64_t backoff_next_ms(struct backoff *b);

/* A success: the next delay is first_ms again. */
void backoff_reset(struct backoff *b);

#endif
