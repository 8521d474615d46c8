/*
 * Random numbers that are no secrets (for those: common/adapters/crypto.h).
 */
#ifndef COMMON_BASE_RANDOM_H
#define COMMON_BASE_RANDOM_H

#include <stdint.h>

/* A random whole number in 0..limit-1; 0 when limit <= 1. Not for secrets. Safe in every thread. */
int64_t random_below(int64_t limit);

#endif
