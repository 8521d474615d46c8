/*
 * A header block as libmicrohttpd 0.9.75 reads it (leniently, in place), judged by our code: what is accepted is what a
 * strict reader of the same bytes would see, byte by byte.
 */
#include <string.h>

#include "api-svc/http/http_framing.h"
#include "common/base/buf.h"
#include "tests/fuzz/fuzz.h"

static const char version[] = "HTTP/1.1";

/* The library's parser: returns the beginning of what stands behind the block; NULL: it refuses, or waits for more. */
static char *read_leniently(char *at, char *end, struct http_framing *framing)
{
	while (at < end) {
		char *lf = memchr(at, '\n', (size_t)(end - at));
		char *value;
		char *colon;

		if (!lf)
			return NULL;
		if (lf > at && lf[-1] == '\r')
			lf[-1] = '\0';
		*lf = '\0';
		if (*at == '\0')
			return lf + 1;
		colon = strchr(at, ':');
		if (!colon || *at == ' ' || *at == '\t')
			return NULL;
		*colon = '\0';
		if (*at == '\0' && framing->next != at - 1)
			return lf + 1;
		value = colon + 1 + strspn(colon + 1, " \t");
		http_framing_add(framing, at, strlen(at), value, strlen(value));
		at = lf + 1;
	}
	return NULL;
}

/* The length of a well-formed block at the beginning; 0: there is none. RFC 9112 section 5, by another hand. */
static size_t strict_length(const char *text, size_t len)
{
	size_t at = 0;

	while (at + 1 < len) {
		const char *end = memmem(text + at, len - at, "\r\n", 2);
		const char *colon;

		if (!end)
			return 0;
		if (end == text + at)
			return at + 2;
		colon = memchr(text + at, ':', (size_t)(end - text) - at);
		if (!colon || colon == text + at)
			return 0;
		for (const char *c = text + at; c < end; c++)
			if (*c == '\0' || *c == '\r' || *c == '\n' || (c < colon && (*c == ' ' || *c == '\t')))
				return 0;
		at = (size_t)(end - text) + 2;
	}
	return 0;
}

/* What http_framing.h tells of cannot be told from CRLF: a bare LF together with a NUL, or behind a line of ':'. */
static bool has_known_hole(const char *text, size_t len)
{
	bool nul = memchr(text, '\0', len) != NULL;

	for (size_t i = 1; i < len; i++) {
		bool colon = text[i - 1] == ':' && (i == 1 || text[i - 2] == '\n');

		if (text[i] == '\n' && text[i - 1] != '\r' && (nul || colon))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_framing framing = HTTP_FRAMING_INIT;
	struct buf block cleanup_buf = buf_make(size + 2);
	const char *text = (const char *)data;
	const char *fault;
	char *begin;
	char *end;

	if (size == 0)
		return 0;
	buf_add(&block, "\0\0", 2);
	buf_add(&block, data, size);
	begin = block.data + 2;
	framing.next = begin;
	end = read_leniently(begin, block.data + block.len, &framing);
	if (!end)
		return 0;
	fault = http_framing_fault(&framing, "GET", version, end);
	if (fault || has_known_hole(text, (size_t)(end - begin)))
		return 0;
	FUZZ_CHECK(strict_length(text, size) == (size_t)(end - begin));
	FUZZ_CHECK(!framing.chunked || framing.content_length < 0);
	return 0;
}
