#include "common/http/http_head.h"

#include <string.h>
#include <strings.h>

#define END "\r\n\r\n"
#define BLANKS " \t"
#define VERSION "HTTP/1." /* followed by a digit, a space, three digits */
#define STATUS_AT (sizeof(VERSION) + 1)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* May be incomplete. */
static bool is_status_line(const char *bytes, size_t len)
{
	static const char form[] = VERSION "d ddd";

	for (size_t i = 0; i < len && form[i]; i++)
		if (form[i] == 'd' ? !is_digit(bytes[i]) : bytes[i] != form[i])
			return false;
	return true;
}

enum http_head_state http_head_read(const char *bytes, size_t len, int *ret_status, size_t *ret_len)
{
	const char *end = memmem(bytes, len, END, strlen(END));
	const char *status = bytes + STATUS_AT;
	size_t head = end ? (size_t)(end - bytes) + strlen(END) : len;

	if (!is_status_line(bytes, len) || head > HTTP_HEAD_MAX || (end && head < STATUS_AT + 3) ||
	    memchr(bytes, '\0', head))
		return HTTP_HEAD_INVALID;
	if (!end)
		return HTTP_HEAD_INCOMPLETE;
	*ret_status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
	*ret_len = head;
	return HTTP_HEAD_COMPLETE;
}

bool http_head_value(const char *head, size_t len, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);
	const char *end = head + len;
	const char *line = head;

	while ((line = memmem(line, (size_t)(end - line), "\r\n", 2)) != NULL) {
		const char *value;
		size_t value_len;

		line += 2;
		if ((size_t)(end - line) <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		value = line + name_len + 1;
		value += strspn(value, BLANKS);
		value_len = strcspn(value, "\r\n");
		while (value_len && strchr(BLANKS, value[value_len - 1]))
			value_len--;
		if (value_len >= size)
			return false;
		memcpy(out, value, value_len);
		out[value_len] = '\0';
		return true;
	}
	return false;
}
