/*
 * One ceiling over what clients and workers can make this process hold: the bodies of requests that arrive, what
 * of them waits for a worker, parts of replies that are not complete, and answers that are not written yet. It is the
 * process's; all threads count into it.
 */
#ifndef COMMON_BASE_MEMORY_BUDGET_H
#define COMMON_BASE_MEMORY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"

/* Set the ceiling, in bytes; until then there is none. */
void memory_budget_set(size_t max);

/* Count `bytes` in, if they fit under the ceiling; false: nothing is counted, and they must not be held. */
bool memory_budget_take(size_t bytes) must_check;

/* Count in what is held already, whether it fits or not: nothing else is let in then. */
void memory_budget_add(size_t bytes);

/* Count out what was counted in. */
void memory_budget_give(size_t bytes);

/* Whether the budget is used up. */
bool memory_budget_is_spent(void);

#endif
