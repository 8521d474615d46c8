#include <criterion/criterion.h>

#include "api-svc/http/tickets.h"
#include "common/base/compiler.h"

Test(tickets, tickets_are_valid_once)
{
	struct tickets *t = tickets_create();
	int a;
	int b;
	uint64_t first;
	uint64_t second;

	cr_assert_not_null(t);
	first = tickets_add(t, &a);
	cr_expect_neq(first, 0);
	cr_expect_eq(tickets_take(t, first), &a);
	cr_expect_null(tickets_take(t, first));
	second = tickets_add(t, &b);
	cr_expect_eq((uint32_t)second, (uint32_t)first, "the slot is reused");
	cr_expect_null(tickets_take(t, first), "the old ticket is invalid");
	cr_expect_eq(tickets_take(t, second), &b);
	cr_expect_null(tickets_take(t, 0));
	cr_expect_null(tickets_take(t, UINT64_MAX));
	tickets_destroy(t);
}

Test(tickets, the_table_grows)
{
	struct tickets *t = tickets_create();
	int things[1000];
	uint64_t numbers[1000];
	int taken = 0;

	for (size_t i = 0; i < ARRAY_LEN(things); i++)
		numbers[i] = tickets_add(t, &things[i]);
	for (size_t i = 0; i < ARRAY_LEN(things); i += 2)
		cr_expect_eq(tickets_take(t, numbers[i]), &things[i]);
	for (size_t i = 0; i < ARRAY_LEN(things); i++)
		taken += tickets_take(t, numbers[i]) == &things[i];
	cr_expect_eq(taken, 500);
	cr_expect_null(tickets_take(t, numbers[1]));
	tickets_destroy(t);
}
