/* slots: a table with generation counters. */
#include <criterion/criterion.h>

#include "common/base/slots.h"

Test(slots, a_ticket_is_invalid_after_its_slot_was_released)
{
	struct slots slots = { .value_size = sizeof(int) };
	uint32_t index, again;
	uint64_t ticket;

	cr_assert(slots_take(&slots, &index));
	ticket = slots_ticket(&slots, index);
	cr_expect_neq(ticket, 0);
	cr_expect(slots_is_valid(&slots, ticket));
	slots_release(&slots, index);
	cr_expect_not(slots_is_valid(&slots, ticket));
	cr_assert(slots_take(&slots, &again));
	cr_expect_eq(again, index, "the last released slot is reused first");
	cr_expect_not(slots_is_valid(&slots, ticket));
	cr_expect(slots_is_valid(&slots, slots_ticket(&slots, again)));
	cr_expect_not(slots_is_valid(&slots, 0));
	cr_expect_not(slots_is_valid(&slots, UINT64_MAX));
	slots_clear(&slots);
}

Test(slots, values_are_zeroed_and_kept_when_the_table_grows)
{
	struct slots slots = { .value_size = sizeof(int) };
	uint32_t index;

	for (int i = 0; i < 1000; i++) {
		cr_assert(slots_take(&slots, &index));
		cr_expect_eq(index, (uint32_t)i);
		cr_expect_eq(*(int *)slots_at(&slots, index), 0);
		*(int *)slots_at(&slots, index) = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		cr_expect_eq(*(int *)slots_at(&slots, i), (int)i);
	slots_clear(&slots);
	cr_expect_eq(slots.capacity, 0);
}
