#include "common/base/slots.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64
#define NO_SLOT UINT32_MAX

struct slot {
	uint32_t generation; /* begins at 1, so that no ticket is 0 */
	uint32_t next_free;
	bool taken;
};

void slots_clear(struct slots *slots)
{
	free(slots->items);
	free(slots->values);
	*slots = (struct slots){ .value_size = slots->value_size };
}

static bool grow(struct slots *slots)
{
	uint32_t capacity = slots->capacity ? slots->capacity * 2 : FIRST_SLOTS;
	struct slot *items = realloc(slots->items, capacity * sizeof(*items));
	size_t used = slots->capacity * slots->value_size;
	char *values;

	if (!items)
		return false;
	slots->items = items;
	values = realloc(slots->values, capacity * slots->value_size);
	if (!values)
		return false;
	slots->values = values;
	memset(values + used, 0, capacity * slots->value_size - used);
	for (uint32_t i = slots->capacity; i < capacity; i++)
		items[i] = (struct slot){ .generation = 1, .next_free = i + 1 < capacity ? i + 1 : NO_SLOT };
	slots->first_free = slots->capacity;
	slots->capacity = capacity;
	return true;
}

bool slots_take(struct slots *slots, uint32_t *ret_index)
{
	uint32_t index;

	if ((slots->capacity == 0 || slots->first_free == NO_SLOT) && !grow(slots))
		return false;
	index = slots->first_free;
	slots->first_free = slots->items[index].next_free;
	slots->items[index].taken = true;
	*ret_index = index;
	return true;
}

void *slots_at(const struct slots *slots, uint32_t index)
{
	return slots->values + index * slots->value_size;
}

void slots_release(struct slots *slots, uint32_t index)
{
	struct slot *slot = &slots->items[index];

	if (++slot->generation == 0)
		slot->generation = 1;
	slot->taken = false;
	slot->next_free = slots->first_free;
	slots->first_free = index;
}

uint64_t slots_ticket(const struct slots *slots, uint32_t index)
{
	return (uint64_t)slots->items[index].generation << 32 | index;
}

bool slots_is_valid(const struct slots *slots, uint64_t ticket)
{
	uint32_t index = slots_index(ticket);

	return index < slots->capacity && slots->items[index].taken && slots_ticket(slots, index) == ticket;
}
