#include "api-svc/http_framing.h"

#include <string.h>

#include "common/base/strutil.h"

/* RFC 9110 section 5.6.2. */
#define TOKEN_CHARACTERS "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_token(const char *name)
{
	size_t len = strspn(name, TOKEN_CHARACTERS);

	return len > 0 && name[len] == '\0';
}

void http_framing_add(struct http_framing *framing, const char *name, const char *value)
{
	if (!is_token(name))
		framing->broken_name = true;
	if (strcasecmp(name, "Host") == 0) {
		framing->hosts++;
	} else if (strcasecmp(name, "Content-Length") == 0) {
		framing->content_lengths++;
		if (!str_parse_int64(value, &framing->content_length))
			framing->content_length = -1;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		framing->transfer_encodings++;
		framing->chunked = strcasecmp(value, "chunked") == 0;
	} else if (strcasecmp(name, "Expect") == 0) {
		framing->expects_continue = strcasecmp(value, "100-continue") == 0;
	}
}

const char *http_framing_fault(const struct http_framing *framing, const char *version)
{
	bool is_1_1 = strcmp(version, "HTTP/1.1") == 0;

	if (framing->broken_name)
		return "the name of a header is broken";
	if (framing->hosts == 0 && is_1_1)
		return "the header Host is missing";
	if (framing->hosts > 1)
		return "the header Host stands there twice";
	if (framing->content_lengths > 1)
		return "the header Content-Length stands there twice";
	if (framing->transfer_encodings > 0 && framing->content_lengths > 0)
		return "Content-Length and Transfer-Encoding exclude each other";
	if (framing->transfer_encodings > 1 || (framing->transfer_encodings == 1 && !framing->chunked))
		return "the only transfer encoding that is known is chunked";
	if (framing->transfer_encodings > 0 && !is_1_1)
		return "Transfer-Encoding needs HTTP/1.1";
	return NULL;
}
