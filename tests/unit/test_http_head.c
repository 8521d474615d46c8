#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/http/http_head.h"

static const struct {
	const char *bytes;
	enum http_head_state state;
	int status;
} heads[] = {
	{ "", HTTP_HEAD_INCOMPLETE, 0 },
	{ "HTT", HTTP_HEAD_INCOMPLETE, 0 },
	{ "HTTP/1.1 101 Switching Protocols\r\n", HTTP_HEAD_INCOMPLETE, 0 },
	{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", HTTP_HEAD_COMPLETE, 101 },
	{ "HTTP/1.0 403\r\n\r\n", HTTP_HEAD_COMPLETE, 403 },
	{ "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nrest", HTTP_HEAD_COMPLETE, 403 },
	{ "HTTP/2 200 OK\r\n\r\n", HTTP_HEAD_INVALID, 0 },
	{ "HTTP/1.1 2x0 OK\r\n\r\n", HTTP_HEAD_INVALID, 0 },
	{ "HTTP/1.1 20\r\n\r\n", HTTP_HEAD_INVALID, 0 },
	{ "\x15\x03\x01", HTTP_HEAD_INVALID, 0 },
	{ "SSH-2.0-x\r\n", HTTP_HEAD_INVALID, 0 },
};

Test(http_head, is_complete_at_the_empty_line)
{
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		size_t len = strlen(heads[i].bytes);
		int status = 0;
		size_t head = 0;

		cr_expect_eq(http_head_read(heads[i].bytes, len, &status, &head), heads[i].state, "%s", heads[i].bytes);
		cr_expect_eq(status, heads[i].status, "%s", heads[i].bytes);
		if (heads[i].state == HTTP_HEAD_COMPLETE)
			cr_expect_eq(head, (size_t)(strstr(heads[i].bytes, "\r\n\r\n") - heads[i].bytes) + 4);
	}
}

Test(http_head, a_nul_or_more_than_the_maximum_is_invalid)
{
	static const char nul[] = "HTTP/1.1 200 O\0K\r\n\r\n";
	static char unbounded[HTTP_HEAD_MAX + 1] = "HTTP/1.1 200 OK\r\n";
	int status;
	size_t len;

	cr_expect_eq(http_head_read(nul, sizeof(nul) - 1, &status, &len), HTTP_HEAD_INVALID);
	memset(unbounded + strlen(unbounded), 'x', sizeof(unbounded) - strlen(unbounded));
	cr_expect_eq(http_head_read(unbounded, HTTP_HEAD_MAX, &status, &len), HTTP_HEAD_INCOMPLETE);
	cr_expect_eq(http_head_read(unbounded, HTTP_HEAD_MAX + 1, &status, &len), HTTP_HEAD_INVALID);
}

Test(http_head, values_are_found_by_name)
{
	static const char head[] =
		"HTTP/1.1 101 X: no\r\nA:1\r\nupgrade: \t websocket \t\r\nEmpty:\r\nA: 2\r\nAB: 3\r\n\r\n";
	static const struct {
		const char *name;
		const char *value;
	} cases[] = { { "A", "1" },  { "Upgrade", "websocket" }, { "EMPTY", "" }, { "AB", "3" },
		      { "X", NULL }, { "HTTP/1.1 101 X", NULL }, { "B", NULL },   { "upgrad", NULL } };
	char value[16];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool found = http_head_value(head, strlen(head), cases[i].name, value, sizeof(value));

		cr_expect_eq(found, cases[i].value != NULL, "%s", cases[i].name);
		if (found && cases[i].value)
			cr_expect_str_eq(value, cases[i].value, "%s", cases[i].name);
	}
	cr_expect_not(http_head_value(head, strlen(head), "Upgrade", value, strlen("websocket")));
	cr_expect(http_head_value(head, strlen(head), "Upgrade", value, strlen("websocket") + 1));
}
