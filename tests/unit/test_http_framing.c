#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/http/http_framing.h"
#include "common/base/compiler.h"

struct framing_case {
	const char *version;
	const char *headers[5][2];
	const char *says; /* part of the fault; NULL: none */
};

#define H11 "HTTP/1.1"
#define HOST                \
	{                   \
		"Host", "x" \
	}
#define LENGTH                        \
	{                             \
		"content-length", "5" \
	}
#define CHUNKED                                \
	{                                      \
		"TRANSFER-ENCODING", "Chunked" \
	}

static const struct framing_case cases[] = {
	{ H11, { HOST }, NULL },
	{ H11, { { "HOST", "" }, LENGTH }, NULL },
	{ H11, { HOST, CHUNKED }, NULL },
	{ "HTTP/1.0", { LENGTH }, NULL },
	{ H11, { LENGTH }, "Host is missing" },
	{ H11, { HOST, HOST }, "Host stands there twice" },
	{ H11, { HOST, LENGTH, LENGTH }, "Content-Length stands there twice" },
	{ H11, { HOST, LENGTH, CHUNKED }, "exclude each other" },
	{ H11, { HOST, CHUNKED, LENGTH }, "exclude each other" },
	{ H11, { HOST, CHUNKED, CHUNKED }, "only transfer encoding" },
	{ H11, { HOST, { "Transfer-Encoding", "gzip" } }, "only transfer encoding" },
	{ H11, { HOST, { "Transfer-Encoding", "gzip, chunked" } }, "only transfer encoding" },
	{ H11, { HOST, { "Transfer-Encoding", "" } }, "only transfer encoding" },
	{ "HTTP/1.0", { CHUNKED }, "needs HTTP/1.1" },
	{ H11, { HOST, { "Content-Length ", "5" } }, "name of a header" },
	{ H11, { HOST, { "", "5" } }, "name of a header" },
	{ H11, { HOST, { "X(Y)", "5" } }, "name of a header" },
	{ H11, { HOST, { "X", "a\tb \xC3\xA4" } }, NULL },
	{ H11, { HOST, { "X", "a\rb" } }, "control character" },
	{ H11, { HOST, { "X", "a\x7F" } }, "control character" },
	{ H11, { { "Host", "a.example:8080" } }, NULL },
	{ H11, { { "Host", "[::1]:80 " } }, NULL },
	{ H11, { { "Host", "a b" } }, "Host is malformed" },
	{ H11, { { "Host", "a/b" } }, "Host is malformed" },
	{ H11, { { "Host", "user@a" } }, "Host is malformed" },
	{ H11, { HOST, { "Content-Length", "" } }, "Content-Length is malformed" },
	{ H11, { HOST, { "Content-Length", "+1" } }, "Content-Length is malformed" },
	{ H11, { HOST, { "Content-Length", "-1" } }, "Content-Length is malformed" },
	{ H11, { HOST, { "Content-Length", "1, 1" } }, "Content-Length is malformed" },
	{ H11, { HOST, { "Content-Length", "9223372036854775807" } }, NULL },
	{ H11, { HOST, { "Content-Length", "9223372036854775808" } }, "Content-Length is too large" },
	{ H11, { HOST, { "Content-Length", "99999999999999999999" } }, "Content-Length is too large" },
	{ H11, { HOST, { "Content-Length", "0x1" } }, "Content-Length is malformed" },
	{ H11, { HOST, { "Authorization", "Bearer a" }, { "authorization", "Bearer a" } }, "Authorization stands" },
	{ H11, { HOST, { "Content-Type", "a/b" }, { "Content-Type", "a/b" } }, "Content-Type stands" },
	{ H11, { HOST, { "Accept", "a/b" }, { "Accept", "a/b" } }, NULL },
};

static void add(struct http_framing *framing, const char *name, const char *value)
{
	http_framing_add(framing, name, strlen(name), value, strlen(value));
}

Test(http_framing, refuses_what_two_readers_may_read_in_two_ways)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_framing framing = HTTP_FRAMING_INIT;
		const char *fault;

		for (size_t k = 0; k < ARRAY_LEN(cases[i].headers) && cases[i].headers[k][0]; k++)
			add(&framing, cases[i].headers[k][0], cases[i].headers[k][1]);
		fault = http_framing_fault(&framing, "GET", cases[i].version, NULL);
		cr_expect_eq(fault != NULL, cases[i].says != NULL, "case %zu: %s", i, fault ? fault : "no fault");
		if (fault && cases[i].says)
			cr_expect(strstr(fault, cases[i].says) != NULL, "case %zu: %s", i, fault);
	}
}

Test(http_framing, reads_the_length_and_the_expectation)
{
	struct http_framing framing = HTTP_FRAMING_INIT;

	cr_expect_eq(framing.content_length, -1);
	add(&framing, "Content-Length", "123");
	add(&framing, "expect", "100-Continue");
	cr_expect_eq(framing.content_length, 123);
	cr_expect(framing.expects_continue);
}

/* What libmicrohttpd 0.9.75 makes of a block: NULs over ':' and CRLF, and pointers to what it takes for headers. */
struct block_case {
	const char *what;
	const char *block; /* behind the request line, with the NULs as "|" */
	struct {
		const char *name;
		size_t value_at; /* of the line that begins with the name */
	} headers[3];
	bool good;
};

static const struct block_case blocks[] = {
	{ "well-formed", "Host| x||A|\tb||||", { { "Host", 6 }, { "A", 3 } }, true },
	{ "an empty value", "Host|||||", { { "Host", 5 } }, true },
	{ "a line of ':' behind the headers", "Host| x||||||||", { { "Host", 6 } }, false },
	{ "a bare LF", "Host| x|A|b||||", { { "Host", 6 }, { "A", 2 } }, false },
	{ "a NUL in a value", "Host| x|y||||", { { "Host", 6 } }, false },
	{ "something else before the first header", "Z|z||Host| x||||", { { "Host", 6 } }, false },
	{ "a hidden line between two headers", "Host| x||Z|z||A|b||||", { { "Host", 6 }, { "A", 2 } }, false },
};

static const char *block_fault(const struct block_case *c)
{
	struct http_framing framing = HTTP_FRAMING_INIT;
	char block[64];
	size_t len = strlen(c->block);

	for (size_t i = 0; i <= len; i++)
		block[i] = (char)(c->block[i] == '|' ? '\0' : c->block[i]);
	framing.next = block;
	for (size_t i = 0; i < ARRAY_LEN(c->headers) && c->headers[i].name; i++) {
		size_t name_len = strlen(c->headers[i].name);
		const char *name = memmem(block, len, c->headers[i].name, name_len);
		const char *value = name + c->headers[i].value_at;

		http_framing_add(&framing, name, name_len, value, strlen(value));
	}
	return http_framing_fault(&framing, "GET", H11, block + len);
}

Test(http_framing, no_byte_of_the_block_is_left_over)
{
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		const char *fault = block_fault(&blocks[i]);

		cr_expect_eq(!fault, blocks[i].good, "%s: %s", blocks[i].what, fault ? fault : "no fault");
	}
}

Test(http_framing, a_method_is_a_token)
{
	struct http_framing framing = HTTP_FRAMING_INIT;

	add(&framing, "Host", "x");
	cr_expect_null(http_framing_fault(&framing, "M-SEARCH", H11, NULL));
	cr_expect_not_null(http_framing_fault(&framing, "GE(T", H11, NULL));
	cr_expect_not_null(http_framing_fault(&framing, "", H11, NULL));
}
