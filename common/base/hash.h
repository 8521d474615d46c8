/*
 * FNV-1a, 64 bits: for hash tables and change detection. Not resistant to attackers.
 *
 * Source: Fowler, Noll, Vo: http://www.isthe.com/chongo/tech/comp/fnv/
 */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_INIT UINT64_C(14695981039346656037)

/* Continue `hash` (start with HASH_INIT) with `len` bytes. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	return hash;
}

/* The same for a text, without its NUL. */
static inline uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text));
}

#endif
