/*
 * One memory limit for everything that clients and workers can make this process buffer: request bodies, requests that
 * wait for a worker, incomplete replies, and responses not yet written. Process-wide, thread-safe.
 */
#ifndef COMMON_BASE_MEMORY_BUDGET_H
#define COMMON_BASE_MEMORY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"

/* Set the limit in bytes; unlimited before. */
void memory_budget_set(size_t max);

/* Reserve `bytes` if within the limit; false: nothing is reserved. */
bool memory_budget_take(size_t bytes) must_check;

/* Whether memory_budget_take() would succeed now. */
bool memory_budget_has(size_t bytes);

/* Reserve memory that is already allocated, even above the limit: further reservations fail then. */
void memory_budget_add(size_t bytes);

/* Release a reservation. */
void memory_budget_give(size_t bytes);

/* Whether the budget is used up. */
bool memory_budget_is_spent(void);

#endif
