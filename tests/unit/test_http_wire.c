#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/http/http_wire.h"
#include "common/base/compiler.h"

#define MAX_BODY 100
#define POST "POST /a HTTP/1.1\r\nHost:x\r\n"
#define CHUNKED POST "Transfer-Encoding:chunked\r\n\r\n"
#define REFUSED_AT_HEAD "POST /a HTTP/1.1\r\nHost:\r\n\r\n"

struct wire_case {
	const char *what;
	const char *in;
	const char *out;
	unsigned status; /* of the last request; 0: valid */
	uint64_t number; /* of the last request */
};

static const struct wire_case cases[] = {
	{ "nothing", "", "", 0, 0 },
	{ "half a head", "GET / HTTP/1.1\r\nHost: x\r\n", "", 0, 1 },
	{ "a head", "GET / HTTP/1.1\r\nHost: x \r\n\r\n", "GET / HTTP/1.1\r\nHost:x\r\n\r\n", 0, 1 },
	{ "leading empty lines", "\r\n\r\nGET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", 0, 1 },
	{ "cookies are dropped", "GET / HTTP/1.0\r\ncookie: a=b\r\nX: y\r\n\r\n", "GET / HTTP/1.0\r\nX:y\r\n\r\n", 0,
	  1 },
	{ "a body", POST "Content-Length: 2\r\n\r\n\n\n", POST "Content-Length:2\r\n\r\n\n\n", 0, 1 },
	{ "two requests", "GET / HTTP/1.0\r\n\r\nPUT / HTTP/1.0\r\n\r\n",
	  "GET / HTTP/1.0\r\n\r\nPUT / HTTP/1.0\r\n\r\n", 0, 2 },
	{ "chunks", CHUNKED "02;a=b\r\n\r\n\r\n1\r\nc\r\n000\r\nX: y\r\n\r\nG",
	  CHUNKED "2\r\n\r\n\r\n1\r\nc\r\n0\r\n\r\n", 0, 2 },
	{ "a malformed request line", "GET /\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, 1 },
	{ "invalid first byte", "\x16", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, 1 },
	{ "a malformed header", POST "X : y\r\nX", REFUSED_AT_HEAD, 400, 1 },
	{ "a bare LF", "POST /a HTTP/1.1\r\nHost: x\nX", REFUSED_AT_HEAD, 400, 1 },
	{ "a bare LF as the end", POST "\n", REFUSED_AT_HEAD, 400, 1 },
	{ "':' and a bare LF", POST ":\n", REFUSED_AT_HEAD, 400, 1 },
	{ "both framings", POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", REFUSED_AT_HEAD, 400, 1 },
	{ "the second request is malformed", "GET / HTTP/1.0\r\n\r\nGET\n",
	  "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\nHost:\r\n\r\n", 400, 2 },
	{ "a malformed chunk", CHUNKED "-1\r\n", CHUNKED "0\r\n\r\n", 400, 1 },
	{ "a chunk above the limit", CHUNKED "65\r\n", CHUNKED "0\r\n\r\n", 413, 1 },
	{ "chunks above the limit together", CHUNKED "1\r\na\r\n64\r\n", CHUNKED "1\r\na\r\n0\r\n\r\n", 413, 1 },
	{ "a chunk longer than its size", CHUNKED "1\r\nab", CHUNKED "1\r\na\r\n0\r\n\r\n", 400, 1 },
	{ "a chunk that ends in LF", CHUNKED "1\r\na\n", CHUNKED "1\r\na\r\n0\r\n\r\n", 400, 1 },
	{ "a malformed trailer", CHUNKED "0\r\n: a\r\n", CHUNKED "0\r\n\r\n", 400, 1 },
	{ "nothing is read after a malformed chunk", CHUNKED "x\r\nGET / HTTP/1.0\r\n\r\n", CHUNKED "0\r\n\r\n", 400,
	  1 },
};

static void take_all(struct http_wire *wire, size_t step, struct buf *out)
{
	char part[64];
	size_t got;

	while ((got = http_wire_take(wire, part, step < sizeof(part) ? step : sizeof(part))) > 0)
		buf_add(out, part, got);
}

/* Input and output in pieces of `step` bytes. */
static void run(const struct wire_case *c, size_t step)
{
	struct buf out cleanup_buf = buf_make(4096);
	struct http_wire wire = http_wire_make(MAX_BODY);
	size_t len = strlen(c->in);
	const struct http_fault *fault;

	for (size_t at = 0; at < len; at += step) {
		http_wire_add(&wire, c->in + at, len - at < step ? len - at : step);
		take_all(&wire, step, &out);
	}
	fault = http_wire_fault(&wire, c->number);
	cr_expect_str_eq(out.data, c->out, "%s, by %zu: '%s'", c->what, step, out.data);
	cr_expect_eq(fault ? fault->status : 0, c->status, "%s, by %zu: %s", c->what, step,
		     fault ? fault->sentence : "no fault");
	cr_expect_eq(wire.number, c->number, "%s, by %zu: %llu", c->what, step, (unsigned long long)wire.number);
	http_wire_clear(&wire);
}

Test(http_wire, output_is_well_formed_at_any_split)
{
	static const size_t steps[] = { 1, 2, 3, 7, 4096 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t k = 0; k < ARRAY_LEN(steps); k++)
			run(&cases[i], steps[k]);
}

#define UPGRADE "GET /a HTTP/1.1\r\nHost:x\r\nUpgrade:y\r\n\r\n"

static const struct upgrade_case {
	const char *what;
	const char *in;
	const char *before; /* output before the response */
	const char *next;   /* output after a response without upgrade */
	const char *passed; /* output after the upgrade */
	bool kept;
} upgrades[] = {
	{ "nothing follows", UPGRADE, UPGRADE, "", "", true },
	{ "a request follows", UPGRADE "GET / HTTP/1.0\r\n\r\n", UPGRADE, "GET / HTTP/1.0\r\n\r\n",
	  "GET / HTTP/1.0\r\n\r\n", true },
	{ "other bytes follow", UPGRADE "\x01 :\n", UPGRADE, "GET / HTTP/1.1\r\nHost:\r\n\r\n", "\x01 :\n", true },
	{ "no upgrade", "GET / HTTP/1.0\r\n\r\nPUT / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\nPUT / HTTP/1.0\r\n\r\n",
	  "", "", false },
	{ "no upgrade in HTTP/1.0", "GET / HTTP/1.0\r\nUpgrade:y\r\n\r\nPUT / HTTP/1.0\r\n\r\n",
	  "GET / HTTP/1.0\r\nUpgrade:y\r\n\r\nPUT / HTTP/1.0\r\n\r\n", "", "", false },
	{ "no upgrade with a body", POST "Upgrade:y\r\nContent-Length:1\r\n\r\naPUT / HTTP/1.0\r\n\r\n",
	  POST "Upgrade:y\r\nContent-Length:1\r\n\r\naPUT / HTTP/1.0\r\n\r\n", "", "", false },
	{ "an upgrade after an upgrade", UPGRADE UPGRADE "x", UPGRADE, UPGRADE, UPGRADE "x", true },
};

/* `end`: http_wire_go_on() or http_wire_pass(). */
static void run_upgrade(const struct upgrade_case *c, size_t step, void (*end)(struct http_wire *wire),
			const char *after)
{
	struct buf out cleanup_buf = buf_make(4096);
	struct http_wire wire = http_wire_make(MAX_BODY);
	size_t len = strlen(c->in);

	for (size_t at = 0; at < len; at += step) {
		http_wire_add(&wire, c->in + at, len - at < step ? len - at : step);
		take_all(&wire, step, &out);
	}
	cr_expect_str_eq(out.data, c->before, "%s, by %zu: '%s'", c->what, step, out.data);
	cr_expect_eq(http_wire_is_kept(&wire), c->kept, "%s, by %zu", c->what, step);
	cr_expect_eq(http_wire_fault(&wire, wire.number), NULL, "%s, by %zu", c->what, step);
	cr_expect(!http_wire_is_within_request(&wire), "%s, by %zu", c->what, step);
	buf_reset(&out);
	end(&wire);
	take_all(&wire, step, &out);
	cr_expect_str_eq(out.data, after, "%s, by %zu: '%s'", c->what, step, out.data);
	cr_expect_eq(http_wire_is_passing(&wire), c->kept && end == http_wire_pass, "%s, by %zu", c->what, step);
	http_wire_clear(&wire);
}

Test(http_wire, bytes_after_an_upgrade_request_are_kept_until_the_response)
{
	static const size_t steps[] = { 1, 3, 4096 };

	for (size_t i = 0; i < ARRAY_LEN(upgrades); i++)
		for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
			run_upgrade(&upgrades[i], steps[k], http_wire_go_on, upgrades[i].next);
			run_upgrade(&upgrades[i], steps[k], http_wire_pass, upgrades[i].passed);
		}
}

static const struct wire_case late[] = {
	{ "within the request line", "POST", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 408, 1 },
	{ "within the headers", POST "X", REFUSED_AT_HEAD, 408, 1 },
	{ "within a body", POST "Content-Length: 5\r\n\r\nabc", POST "Content-Length:5\r\n\r\nabc  ", 408, 1 },
	{ "before a chunk", CHUNKED "1", CHUNKED "0\r\n\r\n", 408, 1 },
	{ "within a chunk", CHUNKED "3\r\na", CHUNKED "3\r\na  \r\n0\r\n\r\n", 408, 1 },
	{ "after a chunk", CHUNKED "1\r\na\r", CHUNKED "1\r\na\r\n0\r\n\r\n", 408, 1 },
	{ "within trailers", CHUNKED "0\r\nX", CHUNKED "0\r\n\r\n", 408, 1 },
	{ "between two requests", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", 0, 1 },
};

Test(http_wire, a_partial_request_is_completed_when_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(late); i++) {
		struct buf out cleanup_buf = buf_make(4096);
		struct http_wire wire = http_wire_make(MAX_BODY);

		http_wire_add(&wire, late[i].in, strlen(late[i].in));
		if (http_wire_is_within_request(&wire))
			http_wire_refuse(&wire, 408, "late");
		take_all(&wire, 3, &out);
		cr_expect_str_eq(out.data, late[i].out, "%s: '%s'", late[i].what, out.data);
		cr_expect_eq(wire.framing.fault.status, late[i].status, "%s", late[i].what);
		http_wire_clear(&wire);
	}
}

/* Add the text again and again, until it is rejected or `count` is reached. */
static unsigned add_often(const char *begin, const char *text, size_t count)
{
	struct http_wire wire = http_wire_make(MAX_BODY);
	struct buf out cleanup_buf = buf_make(4096);
	unsigned status;

	http_wire_add(&wire, begin, strlen(begin));
	for (size_t i = 0; i < count && !http_wire_is_refused(&wire); i++)
		http_wire_add(&wire, text, strlen(text));
	take_all(&wire, 64, &out);
	status = wire.framing.fault.status;
	http_wire_clear(&wire);
	return status;
}

Test(http_wire, memory_is_bounded)
{
	static const size_t many = 100000;

	cr_expect_eq(add_often("GET /", "a", many), 414);
	cr_expect_eq(add_often("GET /?", "a&", many), 414);
	cr_expect_eq(add_often(POST, "X: y\r\n", many), 431);
	cr_expect_eq(add_often(POST "X: ", "y", many), 431);
	cr_expect_eq(add_often(POST, "Cookie: a=b\r\n", many), 431);
	cr_expect_eq(add_often("", "\r\n", many), 400);
	cr_expect_eq(add_often(CHUNKED "1;", "a", many), 400);
	cr_expect_eq(add_often(CHUNKED "0\r\n", "X: y\r\n", many), 431);
}

/* `begin`, bytes up to any limit, and a bare LF, added in pieces of `step`. */
static unsigned add_long_line(const char *begin, size_t step)
{
	struct http_wire wire = http_wire_make(MAX_BODY);
	struct buf text cleanup_buf = buf_make(2 * HTTP_WIRE_HEAD_MAX);
	unsigned status;

	buf_add_str(&text, begin);
	while (text.len <= strlen(begin) + HTTP_WIRE_HEAD_MAX)
		buf_add_char(&text, 'x');
	buf_add_char(&text, '\n');
	for (size_t at = 0; at < text.len; at += step)
		http_wire_add(&wire, text.data + at, text.len - at < step ? text.len - at : step);
	status = wire.framing.fault.status;
	http_wire_clear(&wire);
	return status;
}

Test(http_wire, a_line_above_the_limit_is_reported_as_such_despite_a_bare_lf)
{
	static const size_t steps[] = { 1, 1000, 2 * HTTP_WIRE_HEAD_MAX };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		cr_expect_eq(add_long_line("GET /", steps[i]), 414, "by %zu", steps[i]);
		cr_expect_eq(add_long_line(POST "X: ", steps[i]), 431, "by %zu", steps[i]);
		cr_expect_eq(add_long_line(CHUNKED "0\r\nX: ", steps[i]), 431, "by %zu", steps[i]);
	}
}
