#include <criterion/criterion.h>

#include "common/base/clock.h"
#include "kube-worker/repair/repair_list.h"
#include "tests/unit/fake_clock.h"

#define PATIENCE_MS 5000

/* The item type of a repair. */
struct tracked {
	struct repair_item item;
	int number;
};

static struct fact root(unsigned number)
{
	struct fact fact = { .instance_id = "web" };

	fact.uid.bytes[0] = (unsigned char)number;
	fact.uid.bytes[1] = (unsigned char)(number >> 8);
	return fact;
}

static struct tracked *note(struct repair_list *list, unsigned number)
{
	const struct fact fact = root(number);

	return (struct tracked *)repair_list_note(list, &fact, PATIENCE_MS);
}

static size_t count(const struct repair_list *list)
{
	const struct repair_item *item = NULL;
	size_t n = 0;

	while ((item = repair_list_next(list, item)))
		n++;
	return n;
}

Test(repair_list, a_root_keeps_its_item_and_due_time_between_walks)
{
	struct repair_list list = { .max = 0 };
	struct tracked *first;
	int64_t due_ms;
	int64_t begun_ms = clock_mono_ms();

	fake_clock_start();
	cr_assert(repair_list_init(&list, sizeof(struct tracked), 1000));
	repair_list_begin(&list);
	first = note(&list, 1);
	cr_assert_not_null(first);
	cr_expect_eq(first->number, 0);
	cr_expect_str_eq(first->item.id, "web");
	cr_expect_geq(first->item.due_ms, begun_ms + PATIENCE_MS);
	cr_expect_leq(first->item.due_ms, clock_mono_ms() + PATIENCE_MS);
	due_ms = first->item.due_ms;
	first->number = 7;
	for (unsigned i = 2; i <= 500; i++)
		cr_assert_not_null(note(&list, i));
	repair_list_end(&list);
	fake_clock_advance(1000);
	repair_list_begin(&list);
	cr_expect_eq(note(&list, 1), first);
	cr_expect_eq(first->number, 7);
	cr_expect_eq(first->item.due_ms, due_ms);
	repair_list_end(&list);
	repair_list_clear(&list);
}

Test(repair_list, roots_not_noted_in_a_walk_are_dropped)
{
	struct repair_list list = { .max = 0 };

	cr_assert(repair_list_init(&list, sizeof(struct tracked), 1000));
	repair_list_begin(&list);
	for (unsigned i = 0; i < 300; i++)
		note(&list, i)->number = 7;
	repair_list_end(&list);
	cr_expect_eq(count(&list), 300);
	repair_list_begin(&list);
	for (unsigned i = 0; i < 300; i += 3)
		note(&list, i);
	repair_list_end(&list);
	cr_expect_eq(count(&list), 100);
	repair_list_begin(&list);
	cr_expect_eq(note(&list, 0)->number, 7);
	cr_expect_eq(note(&list, 1)->number, 0, "a dropped root is new");
	repair_list_clear(&list);
	cr_expect_eq(count(&list), 0);
}

Test(repair_list, roots_above_the_maximum_wait_for_a_later_walk)
{
	struct repair_list list = { .max = 0 };

	cr_assert(repair_list_init(&list, sizeof(struct tracked), 2));
	repair_list_begin(&list);
	cr_expect_not_null(note(&list, 1));
	cr_expect_not_null(note(&list, 2));
	cr_expect_null(note(&list, 3));
	cr_expect_not_null(note(&list, 1));
	repair_list_end(&list);
	repair_list_begin(&list);
	note(&list, 2);
	repair_list_end(&list);
	repair_list_begin(&list);
	cr_expect_not_null(note(&list, 3));
	repair_list_clear(&list);
}
