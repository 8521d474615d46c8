#include "api-svc/http/http_framing.h"

#include <string.h>

#include "common/base/strutil.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* RFC 9110 section 5.6.2. */
#define TOKEN_CHARACTERS "!#$%&'*+-.^_`|~" DIGITS LETTERS
/* RFC 9112 section 3.2: uri-host [":" port], by their characters. */
#define HOST_CHARACTERS "-._~!$&'()*+,;=:%[]" DIGITS LETTERS

static const char *read_host(struct http_framing *f, const char *value, size_t len);
static const char *read_length(struct http_framing *f, const char *value, size_t len);
static const char *read_coding(struct http_framing *f, const char *value, size_t len);
static const char *read_expect(struct http_framing *f, const char *value, size_t len);

enum { SINGLE_HOST, SINGLE_LENGTH, SINGLE_CODING };

/* Headers that must not be repeated, since values may conflict. */
static const struct single {
	const char *name;
	const char *duplicate;
	const char *(*read)(struct http_framing *f, const char *value, size_t len); /* NULL: not parsed here */
} singles[] = {
	[SINGLE_HOST] = { "Host", "duplicate Host header", read_host },
	[SINGLE_LENGTH] = { "Content-Length", "duplicate Content-Length header", read_length },
	[SINGLE_CODING] = { "Transfer-Encoding", "the only supported transfer encoding is chunked", read_coding },
	{ "Expect", "duplicate Expect header", read_expect },
	{ "Authorization", "duplicate Authorization header", NULL },
	{ "Content-Type", "duplicate Content-Type header", NULL },
	{ "Origin", "duplicate Origin header", NULL },
	{ "Sec-WebSocket-Key", "duplicate Sec-WebSocket-Key header", NULL },
	{ "Sec-WebSocket-Version", "duplicate Sec-WebSocket-Version header", NULL },
	{ "Idempotency-Key", "duplicate Idempotency-Key header", NULL },
	{ "If-Match", "duplicate If-Match header", NULL },
	{ "If-None-Match", "duplicate If-None-Match header", NULL },
};

_Static_assert(ARRAY_LEN(singles) <= HTTP_FRAMING_SINGLE_MAX, "one place for each header in http_framing.seen");

static bool consists_of(const char *text, size_t len, const char *characters)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || !strchr(characters, text[i]))
			return false;
	return true;
}

static bool is_token(const char *text, size_t len)
{
	return len > 0 && consists_of(text, len, TOKEN_CHARACTERS);
}

static bool has_control_character(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7F)
			return true;
	return false;
}

static const char *read_host(struct http_framing *f unused, const char *value, size_t len)
{
	return consists_of(value, len, HOST_CHARACTERS) ? NULL : "the header Host is malformed";
}

static const char *read_length(struct http_framing *f, const char *value, size_t len)
{
	if (len == 0 || !consists_of(value, len, DIGITS))
		return "the header Content-Length is malformed";
	f->content_length = 0;
	for (size_t i = 0; i < len; i++) {
		int digit = value[i] - '0';

		if (f->content_length > (INT64_MAX - digit) / 10)
			return "the header Content-Length is too large";
		f->content_length = f->content_length * 10 + digit;
	}
	return NULL;
}

static bool equals(const char *value, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(value, word, len) == 0;
}

static const char *read_coding(struct http_framing *f, const char *value, size_t len)
{
	f->chunked = equals(value, len, "chunked");
	return f->chunked ? NULL : singles[SINGLE_CODING].duplicate;
}

static const char *read_expect(struct http_framing *f, const char *value, size_t len)
{
	f->expects_continue = equals(value, len, "100-continue");
	return NULL;
}

static void set_fault(struct http_framing *f, unsigned status, const char *sentence)
{
	if (!f->fault.status && sentence)
		f->fault = (struct http_fault){ .status = status, .sentence = sentence };
}

/* ---- the request line ---- */

/* Rejects a third space in the line. */
static bool is_target(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7F || text[i] == '#')
			return false;
	return len > 0;
}

static bool is_version(const char *text, size_t len)
{
	return len == strlen("HTTP/1.1") && memcmp(text, "HTTP/", 5) == 0 && consists_of(text + 5, 1, DIGITS) &&
	       text[6] == '.' && consists_of(text + 7, 1, DIGITS);
}

static bool is_request_line(const char *line, const char *first_space, const char *last_space, const char *end)
{
	return first_space && first_space != last_space && is_token(line, (size_t)(first_space - line)) &&
	       is_target(first_space + 1, (size_t)(last_space - first_space) - 1) &&
	       is_version(last_space + 1, (size_t)(end - last_space) - 1);
}

void http_framing_add_request_line(struct http_framing *f, const char *line, size_t len)
{
	const char *first_space = memchr(line, ' ', len);
	const char *last_space = memrchr(line, ' ', len);

	if (!is_request_line(line, first_space, last_space, line + len))
		set_fault(f, 400, "the request line is malformed");
	else if (last_space[strlen(" HTTP/")] != '1')
		set_fault(f, 505, "only HTTP/1.1 and HTTP/1.0 are supported");
	else
		f->is_1_0 = last_space[strlen(" HTTP/1.")] == '0';
}

/* ---- headers ---- */

static const char *fault_of_form(const char *name, size_t name_len, const char *value, size_t value_len)
{
	if (!is_token(name, name_len))
		return "the name of a header is malformed";
	if (has_control_character(value, value_len))
		return "a header contains a control character";
	return NULL;
}

static const char *fault_of_single(struct http_framing *f, const char *name, size_t name_len, const char *value,
				   size_t value_len)
{
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		if (!equals(name, name_len, singles[i].name))
			continue;
		if (f->seen[i])
			return singles[i].duplicate;
		f->seen[i] = true;
		return singles[i].read ? singles[i].read(f, value, value_len) : NULL;
	}
	return NULL;
}

void http_framing_add_header(struct http_framing *f, const char *name, size_t name_len, const char *value,
			     size_t value_len)
{
	const char *fault = fault_of_form(name, name_len, value, value_len);

	f->upgrade |= equals(name, name_len, "Upgrade");
	/* Credentials that contain control characters must not be used. */
	if (fault)
		set_fault(f, equals(name, name_len, "Authorization") ? 401 : 400, fault);
	else
		set_fault(f, 400, fault_of_single(f, name, name_len, value, value_len));
}

struct field {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

static bool split(const char *line, size_t len, struct field *ret_field)
{
	const char *colon = memchr(line, ':', len);
	const char *end = line + len;
	const char *value = colon ? colon + 1 : end;

	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*ret_field = (struct field){
		.name = line,
		.name_len = (size_t)((colon ? colon : line) - line),
		.value = value,
		.value_len = (size_t)(end - value),
	};
	return colon != NULL;
}

void http_framing_add_header_line(struct http_framing *f, const char *line, size_t len)
{
	struct field field;

	if (split(line, len, &field))
		http_framing_add_header(f, field.name, field.name_len, field.value, field.value_len);
	else
		set_fault(f, 400, "a header has no colon");
}

void http_framing_add_trailer_line(struct http_framing *f, const char *line, size_t len)
{
	struct field field;

	if (split(line, len, &field))
		set_fault(f, 400, fault_of_form(field.name, field.name_len, field.value, field.value_len));
	else
		set_fault(f, 400, "a trailer has no colon");
}

size_t http_framing_tidy_line(char *line, size_t len)
{
	struct field field;

	if (!split(line, len, &field))
		return len;
	memmove(line + field.name_len + 1, field.value, field.value_len);
	return field.name_len + 1 + field.value_len;
}

bool http_framing_is_named(const char *line, size_t len, const char *name)
{
	struct field field;

	return split(line, len, &field) && equals(field.name, field.name_len, name);
}

void http_framing_end(struct http_framing *f)
{
	if (!f->seen[SINGLE_HOST] && !f->is_1_0)
		set_fault(f, 400, "the header Host is missing");
	if (f->chunked && f->seen[SINGLE_LENGTH])
		set_fault(f, 400, "Content-Length and Transfer-Encoding exclude each other");
	if (f->chunked && f->is_1_0)
		set_fault(f, 400, "Transfer-Encoding requires HTTP/1.1");
}

/* ---- chunks ---- */

static int value_of_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool http_framing_read_chunk_line(const char *line, size_t len, uint64_t *ret_size)
{
	uint64_t size = 0;
	size_t at = 0;
	size_t digits;

	for (; at < len && value_of_digit(line[at]) >= 0; at++)
		size = size > UINT64_MAX >> 4 ? UINT64_MAX : size << 4 | (uint64_t)value_of_digit(line[at]);
	digits = at;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	if (digits == 0 || (at < len ? line[at] != ';' : at > digits) || has_control_character(line + at, len - at))
		return false;
	*ret_size = size;
	return true;
}
