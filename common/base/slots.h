/*
 * A table of values of one size, each under a ticket with a generation: a ticket is invalid once its place
 * was given back, also when that is in use again. No lock.
 */
#ifndef COMMON_BASE_SLOTS_H
#define COMMON_BASE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

/* Zeroed but for the first member: an empty table. */
struct slots {
	size_t value_size; /* bytes */
	char *values;
	struct slot *items;
	uint32_t capacity;
	uint32_t first_free;
};

/* Free the table. A zeroed struct is allowed. */
void slots_clear(struct slots *slots);

/* Take a place, whose value is zeroed the first time. Values may move. False when out of memory. */
bool slots_take(struct slots *slots, uint32_t *ret_index) must_check;

/* The value of a place, taken or not: 0..capacity-1. */
void *slots_at(const struct slots *slots, uint32_t index);

/* Give back a place that is taken. Its value stays as it is. */
void slots_release(struct slots *slots, uint32_t index);

/* The ticket of a place that is taken; never 0. Its upper half is the generation, its lower one the index. */
uint64_t slots_ticket(const struct slots *slots, uint32_t index);

/* Whether the ticket's slot has not been released since. */
bool slots_is_valid(const struct slots *slots, uint64_t ticket);

/* The place of a ticket. */
static inline uint32_t slots_index(uint64_t ticket)
{
	return (uint32_t)ticket;
}

#endif
