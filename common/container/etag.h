/*
 * The version of a container: a digest of its spec as clients see it, without what the cluster puts into it. It is
 * taken from the text while that is written. Pure.
 */
#ifndef COMMON_CONTAINER_ETAG_H
#define COMMON_CONTAINER_ETAG_H

#include "common/services/json_write.h"

#define CONTAINER_ETAG_MAX 33 /* bytes of a version with its NUL */
#define ETAG_CUTS_MAX 4       /* parts that are left out */

struct etag {
	const struct buf *text;
	size_t start;
	struct {
		size_t from, to;
	} cuts[ETAG_CUTS_MAX];
	size_t cut_count;
};

/* Begin with what is appended to `text` from now on; borrowed until etag_end(). */
struct etag etag_begin(const struct buf *text);

/* Leave out what was appended since the text had `from` bytes. At most ETAG_CUTS_MAX times, from front to back. */
void etag_cut(struct etag *etag, size_t from);

/*
 * Write the version of what was appended: hex(SHA-256), cut to 128 bits.
 *
 * unordered  of what was left out, a value that counts whatever the order of its members; NULL: none.
 * Errors: those of the text's buffer; RC_NO_MEMORY, RC_INTERNAL. `out` is then untouched.
 */
enum rc etag_end(const struct etag *etag, const cJSON *unordered, char out[CONTAINER_ETAG_MAX], struct error *err)
	must_check;

#endif
