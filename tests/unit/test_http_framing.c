#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/http/http_framing.h"
#include "common/base/compiler.h"

struct framing_case {
	const char *version;
	const char *headers[5][2];
	const char *fault; /* part of it; NULL: none */
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
	{ H11, { HOST, HOST }, "duplicate Host header" },
	{ H11, { HOST, LENGTH, LENGTH }, "duplicate Content-Length header" },
	{ H11, { HOST, LENGTH, CHUNKED }, "exclude each other" },
	{ H11, { HOST, CHUNKED, LENGTH }, "exclude each other" },
	{ H11, { HOST, CHUNKED, CHUNKED }, "only supported transfer encoding" },
	{ H11, { HOST, { "Transfer-Encoding", "gzip" } }, "only supported transfer encoding" },
	{ H11, { HOST, { "Transfer-Encoding", "gzip, chunked" } }, "only supported transfer encoding" },
	{ H11, { HOST, { "Transfer-Encoding", "" } }, "only supported transfer encoding" },
	{ "HTTP/1.0", { CHUNKED }, "requires HTTP/1.1" },
	{ H11, { HOST, { "Content-Length ", "5" } }, "name of a header" },
	{ H11, { HOST, { "", "5" } }, "name of a header" },
	{ H11, { HOST, { "X(Y)", "5" } }, "name of a header" },
	{ H11, { HOST, { "X", "a\tb \xC3\xA4" } }, NULL },
	{ H11, { HOST, { "X", "a\rb" } }, "control character" },
	{ H11, { HOST, { "X", "a\x7F" } }, "control character" },
	{ H11, { { "Host", "a.example:8080" } }, NULL },
	{ H11, { { "Host", "[::1]:80" } }, NULL },
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
	{ H11, { HOST, { "Authorization", "Bearer a" }, { "authorization", "Bearer a" } }, "duplicate Authorization" },
	{ H11, { HOST, { "Content-Type", "a/b" }, { "Content-Type", "a/b" } }, "duplicate Content-Type" },
	{ H11, { HOST, { "Origin", "a" }, { "Origin", "a" } }, "duplicate Origin" },
	{ H11, { HOST, { "Sec-WebSocket-Key", "a" }, { "Sec-WebSocket-Key", "a" } }, "duplicate Sec-WebSocket-Key" },
	{ H11,
	  { HOST, { "Sec-WebSocket-Version", "13" }, { "Sec-WebSocket-Version", "13" } },
	  "Sec-WebSocket-Version" },
	{ H11, { HOST, { "Accept", "a/b" }, { "Accept", "a/b" } }, NULL },
};

static void add(struct http_framing *framing, const char *name, const char *value)
{
	http_framing_add_header(framing, name, strlen(name), value, strlen(value));
}

Test(http_framing, ambiguous_and_malformed_heads_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_framing framing = { .is_1_0 = strcmp(cases[i].version, H11) != 0 };
		const char *fault;

		for (size_t k = 0; k < ARRAY_LEN(cases[i].headers) && cases[i].headers[k][0]; k++)
			add(&framing, cases[i].headers[k][0], cases[i].headers[k][1]);
		http_framing_end(&framing);
		fault = framing.fault.sentence;
		cr_expect_eq(fault != NULL, cases[i].fault != NULL, "case %zu: %s", i, fault ? fault : "no fault");
		if (fault && cases[i].fault)
			cr_expect(strstr(fault, cases[i].fault) != NULL, "case %zu: %s", i, fault);
	}
}

Test(http_framing, content_length_and_expect_are_parsed)
{
	struct http_framing framing = { .is_1_0 = false };

	add(&framing, "Content-Length", "123");
	add(&framing, "expect", "100-Continue");
	cr_expect_eq(framing.content_length, 123);
	cr_expect(framing.expects_continue);
}

struct line_case {
	const char *line;
	unsigned status; /* 0: valid */
};

static const struct line_case request_lines[] = {
	{ "GET / HTTP/1.1", 0 },
	{ "M-SEARCH * HTTP/1.0", 0 },
	{ "GET /a?b=c HTTP/1.2", 0 },
	{ "GET / HTTP/2.0", 505 },
	{ "GET / HTTP/0.9", 505 },
	{ "", 400 },
	{ "GET", 400 },
	{ "GET /", 400 },
	{ "GET / ", 400 },
	{ "GET  HTTP/1.1", 400 },
	{ " GET / HTTP/1.1", 400 },
	{ "GET / HTTP/1.1 ", 400 },
	{ "GET /  HTTP/1.1", 400 },
	{ "GET  / HTTP/1.1", 400 },
	{ "GET /a b HTTP/1.1", 400 },
	{ "GE(T / HTTP/1.1", 400 },
	{ "GET /\t HTTP/1.1", 400 },
	{ "GET /#a HTTP/1.1", 400 },
	{ "GET / http/1.1", 400 },
	{ "GET / HTTP/1.10", 400 },
	{ "GET / HTTP/1.", 400 },
	{ "GET / HTTP/1,1", 400 },
	{ "GET\t/\tHTTP/1.1", 400 },
	{ "GET /\x7F HTTP/1.1", 400 },
};

Test(http_framing, a_request_line_has_method_target_and_version)
{
	for (size_t i = 0; i < ARRAY_LEN(request_lines); i++) {
		struct http_framing framing = { .is_1_0 = false };
		const char *line = request_lines[i].line;

		http_framing_add_request_line(&framing, line, strlen(line));
		cr_expect_eq(framing.fault.status, request_lines[i].status, "'%s': %u", line, framing.fault.status);
	}
}

static const struct line_case header_lines[] = {
	{ "Host:x", 0 },     { "Host: \t x \t", 0 }, { "X:", 0 },          { "X", 400 },
	{ "", 400 },         { ": x", 400 },         { " X: y", 400 },     { "X : y", 400 },
	{ "X: a\x01", 400 }, { "X: a\rb", 400 },     { "Host: x y", 400 }, { "Authorization: a\x01", 401 },
};

Test(http_framing, a_header_line_has_a_name_and_a_value)
{
	for (size_t i = 0; i < ARRAY_LEN(header_lines); i++) {
		struct http_framing framing = { .is_1_0 = false };
		const char *line = header_lines[i].line;

		http_framing_add_header_line(&framing, line, strlen(line));
		cr_expect_eq(framing.fault.status, header_lines[i].status, "'%s': %u", line, framing.fault.status);
	}
}

Test(http_framing, white_space_around_a_value_is_removed)
{
	char line[] = "Content-Length: \t 5 \t";

	cr_expect_eq(http_framing_tidy_line(line, strlen(line)), strlen("Content-Length:5"));
	cr_expect_eq(strncmp(line, "Content-Length:5", strlen("Content-Length:5")), 0, "%s", line);
}

static const struct {
	const char *line;
	bool good;
	uint64_t size;
} chunk_lines[] = {
	{ "0", true, 0 },
	{ "00a", true, 10 },
	{ "Ff;a=b", true, 255 },
	{ "5 \t;a", true, 5 },
	{ "ffffffffffffffff", true, UINT64_MAX },
	{ "10000000000000000", true, UINT64_MAX },
	{ "123456789abcdef0123456789", true, UINT64_MAX },
	{ "", false, 0 },
	{ ";a", false, 0 },
	{ "-1", false, 0 },
	{ "+1", false, 0 },
	{ "0x1", false, 0 },
	{ " 1", false, 0 },
	{ "1 ", false, 0 },
	{ "1 a", false, 0 },
	{ "1g", false, 0 },
	{ "1;a\rb", false, 0 },
};

Test(http_framing, a_chunk_line_has_a_size_and_extensions)
{
	for (size_t i = 0; i < ARRAY_LEN(chunk_lines); i++) {
		const char *line = chunk_lines[i].line;
		uint64_t size = 0;

		cr_expect_eq(http_framing_read_chunk_line(line, strlen(line), &size), chunk_lines[i].good, "'%s'",
			     line);
		cr_expect_eq(size, chunk_lines[i].size, "'%s': %llu", line, (unsigned long long)size);
	}
}
