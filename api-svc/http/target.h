/*
 * Parser of HTTP request targets, which splits before decoding: `%2F` is part of a segment, never a separator. RFC 9112
 * section 3.2, RFC 3986.
 */
#ifndef API_SVC_HTTP_TARGET_H
#define API_SVC_HTTP_TARGET_H

#include <stddef.h>

#include "common/base/error.h"

#define TARGET_SEGMENTS_MAX 16 /* more than any route has */
#define TARGET_QUERY_MAX 64    /* pairs of a query */

struct target_pair {
	const char *name;
	const char *value; /* "" without '=' */
};

struct target {
	char *path;                                 /* as sent, without the query: for `instance` and the log */
	char *segments[TARGET_SEGMENTS_MAX];        /* decoded */
	size_t segment_count;                       /* "/" has one empty segment; TARGET_SEGMENTS_MAX + 1: more */
	struct target_pair query[TARGET_QUERY_MAX]; /* decoded, in order; '+' is a space */
	size_t query_count;
	char *store; /* storage of the pointers above */
};

/*
 * Parse a target: origin form ("/a/b?c=d"), or absolute form ("http://host/a/b?c=d"), whose authority is ignored.
 *
 * ret_target  cleared by the caller (target_clear), also after RC_INVALID_ARGUMENT: `path` is then set if found, for
 *             the response.
 * Errors: RC_INVALID_ARGUMENT for other forms, invalid UTF-8 or U+0000 after decoding, and more than TARGET_QUERY_MAX
 * pairs; RC_NO_MEMORY.
 */
enum rc target_parse(const char *text, struct target *ret_target, struct error *err) must_check;

/* Free its contents. A zeroed struct is allowed. */
void target_clear(struct target *t);
#define cleanup_target cleanup_with(target_clear)

#endif
