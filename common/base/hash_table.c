#include "common/base/hash_table.h"

#include <stdlib.h>

#define FIRST_SIZE 64

bool hash_table_init(struct hash_table *table)
{
	*table = (struct hash_table){ .buckets = calloc(FIRST_SIZE, sizeof(struct hash_link *)) };
	table->size = table->buckets ? FIRST_SIZE : 0;
	return table->buckets != NULL;
}

void hash_table_clear(struct hash_table *table)
{
	free(table->buckets);
	*table = (struct hash_table){ 0 };
}

static struct hash_link **bucket_of(const struct hash_table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->size - 1)];
}

static void put(struct hash_table *table, struct hash_link *link)
{
	struct hash_link **bucket = bucket_of(table, link->hash);

	link->next = *bucket;
	*bucket = link;
}

static void grow(struct hash_table *table)
{
	struct hash_table larger = { .size = table->size * 2, .count = table->count };
	struct hash_link *next;

	larger.buckets = calloc(larger.size, sizeof(struct hash_link *));
	if (!larger.buckets)
		return;
	for (size_t i = 0; i < table->size; i++) {
		for (struct hash_link *link = table->buckets[i]; link; link = next) {
			next = link->next;
			put(&larger, link);
		}
	}
	free(table->buckets);
	*table = larger;
}

void hash_table_add(struct hash_table *table, struct hash_link *link, uint64_t hash)
{
	if (++table->count > table->size)
		grow(table);
	link->hash = hash;
	put(table, link);
}

void hash_table_remove(struct hash_table *table, struct hash_link *link)
{
	struct hash_link **at = bucket_of(table, link->hash);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	table->count--;
}

static struct hash_link *next_of_hash(struct hash_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct hash_link *hash_table_find(const struct hash_table *table, uint64_t hash)
{
	return next_of_hash(*bucket_of(table, hash), hash);
}

struct hash_link *hash_table_find_next(const struct hash_link *link)
{
	return next_of_hash(link->next, link->hash);
}

static struct hash_link *first_from(const struct hash_table *table, size_t bucket)
{
	for (; bucket < table->size; bucket++)
		if (table->buckets[bucket])
			return table->buckets[bucket];
	return NULL;
}

struct hash_link *hash_table_first(const struct hash_table *table)
{
	return first_from(table, 0);
}

struct hash_link *hash_table_after(const struct hash_table *table, const struct hash_link *link)
{
	return link->next ? link->next : first_from(table, (link->hash & (table->size - 1)) + 1);
}
