#include "api-svc/http/http_framing.h"

#include <string.h>

#include "common/base/strutil.h"

#define CRLF_SIZE 2
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define BLANKS " \t"

/* RFC 9110 section 5.6.2. */
#define TOKEN_CHARACTERS "!#$%&'*+-.^_`|~" DIGITS LETTERS
/* RFC 9112 section 3.2: uri-host [":" port], by their characters. */
#define HOST_CHARACTERS "-._~!$&'()*+,;=:%[]" DIGITS LETTERS

static const char *read_host(struct http_framing *f, const char *value, size_t len);
static const char *read_length(struct http_framing *f, const char *value, size_t len);
static const char *read_coding(struct http_framing *f, const char *value, size_t len);
static const char *read_expect(struct http_framing *f, const char *value, size_t len);

enum { SINGLE_HOST, SINGLE_LENGTH, SINGLE_CODING };

/* Headers that a request has once, because a second one says something else. */
static const struct single {
	const char *name;
	const char *twice;
	const char *(*read)(struct http_framing *f, const char *value, size_t len); /* NULL: not framing's business */
} singles[] = {
	[SINGLE_HOST] = { "Host", "the header Host stands there twice", read_host },
	[SINGLE_LENGTH] = { "Content-Length", "the header Content-Length stands there twice", read_length },
	[SINGLE_CODING] = { "Transfer-Encoding", "the only transfer encoding that is known is chunked", read_coding },
	{ "Expect", "the header Expect stands there twice", read_expect },
	{ "Authorization", "the header Authorization stands there twice", NULL },
	{ "Content-Type", "the header Content-Type stands there twice", NULL },
	{ "Idempotency-Key", "the header Idempotency-Key stands there twice", NULL },
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
	while (len > 0 && strchr(BLANKS, value[len - 1]))
		len--;
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
	return f->chunked ? NULL : singles[SINGLE_CODING].twice;
}

static const char *read_expect(struct http_framing *f, const char *value, size_t len)
{
	f->expects_continue = equals(value, len, "100-continue");
	return NULL;
}

/* Does the line stand where it must, and is nothing hidden in it? Then the next one comes behind its CRLF. */
static bool continues_block(struct http_framing *f, const char *name, size_t name_len, const char *value,
			    size_t value_len)
{
	const char *blank = name + name_len + 1;

	if (name != f->next || value < blank)
		return false;
	if (!consists_of(blank, (size_t)(value - blank), BLANKS))
		return false;
	f->next = value + value_len + CRLF_SIZE;
	return f->next[-2] == '\0' && f->next[-1] == '\0';
}

static const char *fault_of_form(const char *name, size_t name_len, const char *value, size_t value_len)
{
	if (!is_token(name, name_len))
		return "the name of a header is malformed";
	if (has_control_character(value, value_len))
		return "a header contains a control character";
	return NULL;
}

static const char *fault_of_line(struct http_framing *f, const char *name, size_t name_len, const char *value,
				 size_t value_len)
{
	const char *fault = fault_of_form(name, name_len, value, value_len);

	if (fault || !f->next || continues_block(f, name, name_len, value, value_len))
		return fault;
	return "the header block is malformed";
}

static const char *fault_of_header(struct http_framing *f, const char *name, size_t name_len, const char *value,
				   size_t value_len)
{
	const char *fault = fault_of_line(f, name, name_len, value, value_len);

	if (fault) {
		f->bad_credentials = equals(name, name_len, "Authorization");
		return fault;
	}
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		if (!equals(name, name_len, singles[i].name))
			continue;
		if (f->seen[i])
			return singles[i].twice;
		f->seen[i] = true;
		return singles[i].read ? singles[i].read(f, value, value_len) : NULL;
	}
	return NULL;
}

void http_framing_add(struct http_framing *f, const char *name, size_t name_len, const char *value, size_t value_len)
{
	if (!f->fault)
		f->fault = fault_of_header(f, name, name_len, value, value_len);
}

void http_framing_add_trailer(struct http_framing *f, const char *name, size_t name_len, const char *value,
			      size_t value_len)
{
	if (!f->fault)
		f->fault = fault_of_form(name, name_len, value, value_len);
}

const char *http_framing_fault(const struct http_framing *f, const char *method, const char *version, const char *end)
{
	bool is_1_1 = strcmp(version, "HTTP/1.1") == 0;

	if (!is_token(method, strlen(method)))
		return "the request method is malformed";
	if (f->fault)
		return f->fault;
	if (f->next && (f->next + CRLF_SIZE != end || f->next[0] != '\0' || f->next[1] != '\0'))
		return "the header block is malformed";
	if (!f->seen[SINGLE_HOST] && is_1_1)
		return "the header Host is missing";
	if (f->chunked && f->content_length >= 0)
		return "Content-Length and Transfer-Encoding exclude each other";
	if (f->chunked && !is_1_1)
		return "Transfer-Encoding needs HTTP/1.1";
	return NULL;
}
