/*
 * An intrusive hash table: links are members of the caller's structs, so entries need no allocation and may be in
 * several tables. No lock.
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
	size_t size; /* number of buckets, a power of two */
	size_t count;
};

/* The struct that contains a link: `hash_entry_of(link, struct entry, by_id)`. link must not be NULL. */
#define hash_entry_of(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Make an empty table. Returns false if out of memory. */
bool hash_table_init(struct hash_table *table) must_check;

/* Free the table, not the entries. A zeroed struct is allowed. */
void hash_table_clear(struct hash_table *table);

/* Add a link, which must not be in a table. If the table cannot grow, it only becomes slower. */
void hash_table_add(struct hash_table *table, struct hash_link *link, uint64_t hash);

/* Remove a link, which is in this table. */
void hash_table_remove(struct hash_table *table, struct hash_link *link);

/* The newest link with that hash, and the next older one; NULL: none. Equal hashes do not mean equal keys. */
struct hash_link *hash_table_find(const struct hash_table *table, uint64_t hash);
struct hash_link *hash_table_find_next(const struct hash_link *link);

/* Iterate over all links, unordered: the first, and the one after a link; NULL: end. */
struct hash_link *hash_table_first(const struct hash_table *table);
struct hash_link *hash_table_after(const struct hash_table *table, const struct hash_link *link);

#endif
