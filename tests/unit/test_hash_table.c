/* hash_table: links in the caller's structs. */
#include <criterion/criterion.h>

#include "common/base/hash_table.h"

#define MANY 1000

struct item {
	int value;
	struct hash_link link;
};

static struct item *find(const struct hash_table *table, uint64_t hash, int value)
{
	struct hash_link *link = hash_table_find(table, hash);

	while (link && hash_entry_of(link, struct item, link)->value != value)
		link = hash_table_find_next(link);
	return link ? hash_entry_of(link, struct item, link) : NULL;
}

Test(hash_table, entries_are_found_until_removed)
{
	static struct item items[MANY];
	struct hash_table table;
	size_t seen = 0;

	cr_assert(hash_table_init(&table));
	cr_expect_null(hash_table_first(&table));
	for (int i = 0; i < MANY; i++) {
		items[i].value = i;
		hash_table_add(&table, &items[i].link, (uint64_t)i % 100); /* ten of each hash */
	}
	cr_expect_eq(table.count, MANY);
	for (struct hash_link *link = hash_table_first(&table); link; link = hash_table_after(&table, link))
		seen++;
	cr_expect_eq(seen, MANY);
	for (int i = 0; i < MANY; i++)
		cr_expect_eq(find(&table, (uint64_t)i % 100, i), &items[i]);
	for (int i = 0; i < MANY; i += 2)
		hash_table_remove(&table, &items[i].link);
	for (int i = 0; i < MANY; i++)
		cr_expect_eq(find(&table, (uint64_t)i % 100, i), i % 2 ? &items[i] : NULL, "%d", i);
	cr_expect_null(hash_table_find(&table, 100));
	hash_table_clear(&table);
	cr_expect_null(hash_table_first(&table), "a cleared table is empty");
}
