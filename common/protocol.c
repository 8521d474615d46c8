#include "common/protocol.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool protocol_is_id(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= PROTOCOL_ID_MAX && strspn(text, LOWER DIGITS "-") == len && text[0] != '-' &&
	       text[len - 1] != '-' && strcmp(text, PROTOCOL_ID_RESERVED) != 0;
}

bool protocol_is_create_token(const char *text)
{
	static const char *const prefixes[] = { PROTOCOL_TOKEN_KEY, PROTOCOL_TOKEN_REQUEST };
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (strncmp(text, prefixes[i], prefix) == 0)
			return len > prefix && len < PROTOCOL_TOKEN_MAX &&
			       strspn(text + prefix, LETTERS DIGITS "-") == len - prefix;
	}
	return false;
}

bool protocol_is_etag(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len < PROTOCOL_ETAG_MAX && strspn(text, LETTERS DIGITS "-") == len;
}

bool protocol_is_agent_name(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= PROTOCOL_AGENT_NAME_MAX && strspn(text, LETTERS DIGITS "-_") == len;
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

void protocol_write_token(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text && used + 4 <= size; text++) {
		if (is_token_char(*text))
			out[used++] = *text;
		else
			used += (size_t)snprintf(out + used, 4, "_%02X", (unsigned char)*text);
	}
	out[used] = '\0';
}

void protocol_operation_subject(const char *name, const char *what, char out[PROTOCOL_SUBJECT_MAX])
{
	char token[PROTOCOL_SUBJECT_MAX - 64];

	protocol_write_token(name, token, sizeof(token));
	snprintf(out, PROTOCOL_SUBJECT_MAX, "%s.%s.op.%s", PROTOCOL_ROOT, token, what);
}

void protocol_health_subject(const char *name, char out[PROTOCOL_SUBJECT_MAX])
{
	char token[PROTOCOL_SUBJECT_MAX - 64];

	protocol_write_token(name, token, sizeof(token));
	snprintf(out, PROTOCOL_SUBJECT_MAX, "%s.%s.health", PROTOCOL_ROOT, token);
}

const char *protocol_subject_operation(const char *subject)
{
	const char *dot = strrchr(subject, '.');

	return dot ? dot + 1 : subject;
}
