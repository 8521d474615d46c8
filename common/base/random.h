/*
 * Random numbers, not for secrets (see common/adapters/crypto.h).
 */
#ifndef COMMON_BASE_RANDOM_H
#define COMMON_BASE_RANDOM_H

#include <stdint.h>

/* A random integer in 0..limit-1; 0 if limit <= 1. Safe in every thread. */
int64_t random_below(int64_t limit);

#endif
