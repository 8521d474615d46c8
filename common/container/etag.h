/*
 * The version of a container: a digest of its spec as shown to clients, without values set by the cluster. Computed
 * from the output text. Pure.
 */
#ifndef COMMON_CONTAINER_ETAG_H
#define COMMON_CONTAINER_ETAG_H

#include "common/services/json_write.h"

#define CONTAINER_ETAG_MAX 33 /* bytes of a version with its NUL */
#define ETAG_CUTS_MAX 4       /* parts that are excluded */

struct etag {
	const struct buf *text;
	size_t start;
	struct {
		size_t from, to;
	} cuts[ETAG_CUTS_MAX];
	size_t cut_count;
};

/* Begin at the current end of `text`; borrowed until etag_end(). */
struct etag etag_begin(const struct buf *text);

/* Exclude the text from offset `from` to the current end. At most ETAG_CUTS_MAX times, in order. */
void etag_cut(struct etag *etag, size_t from);

/*
 * Write the version of the appended text: hex(SHA-256), truncated to 128 bits.
 *
 * unordered  an excluded value that is included regardless of the order of its members; NULL: none.
 * Errors: those of the text's buffer; RC_NO_MEMORY, RC_INTERNAL. `out` is then untouched.
 */
enum rc etag_end(const struct etag *etag, const cJSON *unordered, char out[CONTAINER_ETAG_MAX], struct error *err)
	must_check;

#endif
