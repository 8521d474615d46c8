#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_BYTES 256

static char empty_text[1]; /* `data` before the first allocation; read-only */

struct buf buf_make(size_t max)
{
	return (struct buf){ .data = empty_text, .max = max };
}

void buf_clear(struct buf *b)
{
	if (b->capacity)
		free(b->data);
	*b = buf_make(b->max);
}

void buf_reset(struct buf *b)
{
	b->failed = RC_OK;
	b->len = 0;
	if (b->capacity)
		b->data[0] = '\0';
}

static void fail(struct buf *b, enum rc rc)
{
	buf_clear(b);
	b->failed = rc;
}

/* Reserve `extra` more bytes and the NUL. */
static bool reserve(struct buf *b, size_t extra)
{
	size_t need;
	size_t capacity;
	char *grown;

	if (b->failed)
		return false;
	if (extra > b->max - b->len) {
		fail(b, RC_TOO_LARGE);
		return false;
	}
	need = b->len + extra + 1;
	if (need <= b->capacity)
		return true;
	capacity = b->capacity ? b->capacity : BUF_FIRST_BYTES;
	while (capacity < need)
		capacity *= 2;
	grown = realloc(b->capacity ? b->data : NULL, capacity);
	if (!grown) {
		fail(b, RC_NO_MEMORY);
		return false;
	}
	b->data = grown;
	b->data[b->len] = '\0'; /* first allocation */
	b->capacity = capacity;
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (len == 0 || !reserve(b, len))
		return;
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len <= 0 || !reserve(b, (size_t)len))
		return;
	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
}

void buf_consume(struct buf *b, size_t count)
{
	if (count >= b->len) {
		buf_truncate(b, 0);
		return;
	}
	memmove(b->data, b->data + count, b->len - count + 1);
	b->len -= count;
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

enum rc buf_check(const struct buf *b, struct error *err)
{
	if (b->failed == RC_TOO_LARGE)
		return error_set(err, RC_TOO_LARGE, "more than %zu bytes", b->max);
	if (b->failed)
		return error_no_memory(err);
	return RC_OK;
}

char *buf_take(struct buf *b, size_t *ret_len)
{
	char *data;

	if (!reserve(b, 0))
		return NULL;
	b->data[b->len] = '\0'; /* not yet written if only reserved */
	data = b->data;
	if (ret_len)
		*ret_len = b->len;
	*b = buf_make(b->max);
	return data;
}
