/*
 * The request target of an HTTP request, taken apart before anything is decoded: `%2F` is part of a segment, never a
 * separator. RFC 9112 section 3.2, RFC 3986.
 */
#ifndef API_SVC_HTTP_TARGET_H
#define API_SVC_HTTP_TARGET_H

#include <stddef.h>

#include "common/base/error.h"

#define TARGET_SEGMENTS_MAX 16 /* no route has more; a longer path matches nothing */
#define TARGET_QUERY_MAX 64    /* pairs of a query */

struct target_pair {
	const char *name;
	const char *value; /* "" when there is no '=' */
};

struct target {
	char *path;                                 /* as it was sent, without the query: for `instance` and the log */
	char *segments[TARGET_SEGMENTS_MAX];        /* decoded */
	size_t segment_count;                       /* "/" has one, which is empty; TARGET_SEGMENTS_MAX + 1: more */
	struct target_pair query[TARGET_QUERY_MAX]; /* decoded, in order; '+' is a space */
	size_t query_count;
	char *store; /* what the pointers above lead into */
};

/*
 * Take a target apart: origin form ("/a/b?c=d"), or absolute form ("http://host/a/b?c=d"), whose authority is ignored.
 *
 * ret_target  the caller clears it (target_clear), also after RC_INVALID_ARGUMENT: `path` is then set when it could be
 *             found, for the answer.
 * Errors: RC_INVALID_ARGUMENT for another form, for what does not decode cleanly into UTF-8 without U+0000, and for
 * more than TARGET_QUERY_MAX pairs; RC_NO_MEMORY.
 */
enum rc target_parse(const char *text, struct target *ret_target, struct error *err) must_check;

/* Free what it holds. A zeroed struct is allowed. */
void target_clear(struct target *t);
#define cleanup_target cleanup_with(target_clear)

#endif
