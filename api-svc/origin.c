#include "api-svc/origin.h"

#include <string.h>
#include <strings.h>

#include "common/base/strutil.h"

#define DIGITS "0123456789"
#define HOST_CHARACTERS "-.:[]" DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SEPARATORS ", "

/* The part after the scheme; NULL: none, as in "null". */
static const char *authority_of(const char *origin)
{
	const char *at = strstr(origin, "://");

	return at ? at + 3 : NULL;
}

static bool is_listed(const char *list, const char *origin)
{
	size_t len = strlen(origin);
	size_t entry;

	for (; *list; list += entry) {
		list += strspn(list, SEPARATORS);
		entry = strcspn(list, SEPARATORS);
		if (entry == len && strncasecmp(list, origin, len) == 0)
			return true;
	}
	return false;
}

/* Whether host is an address or localhost, which are safe from DNS rebinding. */
static bool is_fixed(const char *host)
{
	size_t len = strcspn(host, ":");

	if (host[0] == '[')
		return true;
	if (len == strlen("localhost") && strncasecmp(host, "localhost", len) == 0)
		return true;
	/*
	 * Browsers treat a name whose last label is a number as an address, or as invalid (WHATWG URL, "ends in a
	 * number").
	 */
	return len > 0 && strspn(host, DIGITS ".") == len;
}

enum rc origin_check(const struct origin_request *r, struct error *err)
{
	const char *authority = r->origin ? authority_of(r->origin) : NULL;
	bool is_own = authority && r->host && strcasecmp(authority, r->host) == 0;

	if (!r->origin || is_listed(r->listed, r->origin) || (is_own && (r->proven || is_fixed(r->host))))
		return RC_OK;
	if (is_own)
		return error_set(err, RC_PERMISSION_DENIED,
				 "pages of '%s' may not send writes: without TLS and tokens the host name is not "
				 "trusted, and " ORIGIN_LIST_VARIABLE " does not list it",
				 r->origin);
	return error_set(err, RC_PERMISSION_DENIED,
			 "pages of '%s' may not send writes: " ORIGIN_LIST_VARIABLE " does not list it", r->origin);
}

static bool is_origin(const char *text, size_t len)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t scheme = strlen(schemes[i]);

		if (len > scheme && strncmp(text, schemes[i], scheme) == 0)
			return strspn(text + scheme, HOST_CHARACTERS) >= len - scheme;
	}
	return false;
}

bool origin_is_list(const char *text)
{
	size_t entry;

	for (text += strspn(text, SEPARATORS); *text; text += strspn(text, SEPARATORS)) {
		entry = strcspn(text, SEPARATORS);
		if (!is_origin(text, entry))
			return false;
		text += entry;
	}
	return true;
}
