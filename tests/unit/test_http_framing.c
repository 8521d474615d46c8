#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/http_framing.h"
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
};

Test(http_framing, refuses_what_two_readers_may_read_in_two_ways)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_framing framing = HTTP_FRAMING_INIT;
		const char *fault;

		for (size_t k = 0; k < ARRAY_LEN(cases[i].headers) && cases[i].headers[k][0]; k++)
			http_framing_add(&framing, cases[i].headers[k][0], cases[i].headers[k][1]);
		fault = http_framing_fault(&framing, cases[i].version);
		cr_expect_eq(fault != NULL, cases[i].says != NULL, "case %zu: %s", i, fault ? fault : "no fault");
		if (fault && cases[i].says)
			cr_expect(strstr(fault, cases[i].says) != NULL, "case %zu: %s", i, fault);
	}
}

Test(http_framing, reads_the_length_and_the_expectation)
{
	struct http_framing framing = HTTP_FRAMING_INIT;

	cr_expect_eq(framing.content_length, -1);
	http_framing_add(&framing, "Content-Length", "123");
	http_framing_add(&framing, "expect", "100-Continue");
	cr_expect_eq(framing.content_length, 123);
	cr_expect(framing.expects_continue);
	http_framing_add(&framing, "Content-Length", "99999999999999999999");
	cr_expect_eq(framing.content_length, -1);
}
