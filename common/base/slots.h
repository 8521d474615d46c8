/*
 * A table of fixed-size values, identified by tickets with a generation: a ticket is invalid once its slot was
 * released, even if the slot is reused. No lock.
 */
#ifndef COMMON_BASE_SLOTS_H
#define COMMON_BASE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

/* An empty table is zeroed except for the first member. */
struct slots {
	size_t value_size; /* bytes */
	char *values;
	struct slot *items;
	uint32_t capacity;
	uint32_t first_free;
};

/* Free the table. A zeroed struct is allowed. */
void slots_clear(struct slots *slots);

/* Allocate a slot; its value is zeroed on first use. Values may move. Returns false if out of memory. */
bool slots_take(struct slots *slots, uint32_t *ret_index) must_check;

/* The value of a slot, in use or not: 0..capacity-1. */
void *slots_at(const struct slots *slots, uint32_t index);

/* Release a slot. Its value is not changed. */
void slots_release(struct slots *slots, uint32_t index);

/* The ticket of a slot in use; never 0. The upper half is the generation, the lower half the index. */
uint64_t slots_ticket(const struct slots *slots, uint32_t index);

/* Whether the ticket's slot has not been released since. */
bool slots_is_valid(const struct slots *slots, uint64_t ticket);

/* The slot index of a ticket. */
static inline uint32_t slots_index(uint64_t ticket)
{
	return (uint32_t)ticket;
}

#endif
