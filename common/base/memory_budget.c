#include "common/base/memory_budget.h"

#include <stdatomic.h>
#include <stdint.h>

static atomic_size_t ceiling = SIZE_MAX;
static atomic_size_t held;

void memory_budget_set(size_t max)
{
	atomic_store(&ceiling, max);
}

bool memory_budget_take(size_t bytes)
{
	size_t max = atomic_load(&ceiling);
	size_t now = atomic_load(&held);

	do {
		if (now > max || bytes > max - now)
			return false;
	} while (!atomic_compare_exchange_weak(&held, &now, now + bytes));
	return true;
}

bool memory_budget_has(size_t bytes)
{
	size_t max = atomic_load(&ceiling);
	size_t now = atomic_load(&held);

	return now <= max && bytes <= max - now;
}

void memory_budget_add(size_t bytes)
{
	atomic_fetch_add(&held, bytes);
}

void memory_budget_give(size_t bytes)
{
	atomic_fetch_sub(&held, bytes);
}

bool memory_budget_is_spent(void)
{
	return atomic_load(&held) >= atomic_load(&ceiling);
}
