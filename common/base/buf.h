/*
 * A growing byte buffer with a size limit.
 *
 * Failure is sticky: after an append that failed (limit or memory) the buffer is empty, later appends do nothing, and
 * buf_check() returns the error. So the caller checks once, at the end. `data` always ends in a NUL that `len` does not
 * count, and is never NULL.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

struct buf {
	char *data;
	size_t len;      /* bytes in use */
	size_t capacity; /* bytes allocated; 0: data is not on the heap */
	size_t max;      /* limit of len */
	enum rc failed;  /* RC_OK, RC_TOO_LARGE or RC_NO_MEMORY */
};

/* Make an empty buffer that never holds more than max bytes. Allocates nothing. */
struct buf buf_make(size_t max);

/* Free the contents; the buffer is empty and reusable, its failure reset. A zeroed struct is allowed. */
void buf_clear(struct buf *b);

/* Reset contents and failure, keep the memory. */
void buf_reset(struct buf *b);

/* Append. `bytes` and `text` are borrowed. */
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) printf_format(2, 3);

/* Drop the first `count` bytes (at most all). */
void buf_consume(struct buf *b, size_t count);

/* Cut to `len` bytes; does nothing when it is shorter already. */
void buf_truncate(struct buf *b, size_t len);

/* RC_OK, or the reason why an append failed, with the message in err. */
enum rc buf_check(const struct buf *b, struct error *err) must_check;

/* Hand over the bytes: the caller owns a NUL-terminated block (free()), the buffer is empty. NULL after a failure. */
char *buf_take(struct buf *b, size_t *ret_len);

#define cleanup_buf cleanup_with(buf_clear)

#endif
