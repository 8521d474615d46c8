/*
 * A hash table of links that stand in the caller's own structs: it allocates nothing for an entry, and one entry may be
 * in several tables. No lock.
 */
#ifndef COMMON_BASE_HASH_TABLE_H
#define COMMON_BASE_HASH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"
#include "common/base/hash.h"

struct hash_link {
	struct hash_link *next; /* in its bucket */
	uint64_t hash;
};

struct hash_table {
	struct hash_link **buckets;
	size_t size; /* of them: a power of two */
	size_t count;
};

/* The struct of a link: `hash_entry_of(link, struct entry, by_id)`. link must not be NULL. */
#define hash_entry_of(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Make an empty table. False when out of memory. */
bool hash_table_init(struct hash_table *table) must_check;

/* Free the table, not the entries. A zeroed struct is allowed. */
void hash_table_clear(struct hash_table *table);

/* Add a link, which is in no table. Without memory to grow the table only becomes slower. */
void hash_table_add(struct hash_table *table, struct hash_link *link, uint64_t hash);

/* Remove a link, which is in this table. */
void hash_table_remove(struct hash_table *table, struct hash_link *link);

/* The newest link of that hash, and the next older one; NULL: there is none. Equal hashes do not mean equal keys. */
struct hash_link *hash_table_find(const struct hash_table *table, uint64_t hash);
struct hash_link *hash_table_find_next(const struct hash_link *link);

/* All links, in no order: the first, and the one after a link; NULL: there is none. */
struct hash_link *hash_table_first(const struct hash_table *table);
struct hash_link *hash_table_after(const struct hash_table *table, const struct hash_link *link);

#endif
