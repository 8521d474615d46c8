#include "api-svc/api_ids.h"

#include <stdio.h>
#include <string.h>

#include "common/base/strutil.h"

#define HEX "0123456789abcdef"
#define TRACEPARENT_LEN 55 /* "00-<32 hex>-<16 hex>-<2 hex>" */
#define NAME_AND_KEY_MAX 1024

bool api_ids_is_request_id(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] < '!' || text[i] > '~')
			return false;
	return len >= 1 && len <= PROTOCOL_REQUEST_ID_MAX;
}

/* Exactly `len` lower-case hex digits, not all zero. */
static bool is_hex_id(const char *text, size_t len)
{
	return strspn(text, HEX) == len && strspn(text, "0") < len;
}

bool api_ids_is_traceparent(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len != TRACEPARENT_LEN || strspn(text, HEX) != 2 || str_has_prefix(text, "ff"))
		return false;
	return text[2] == '-' && is_hex_id(text + 3, 32) && text[35] == '-' && is_hex_id(text + 36, 16) &&
	       text[52] == '-' && strspn(text + 53, HEX) == 2;
}

bool api_ids_key_token(const char *key, char out[PROTOCOL_TOKEN_MAX])
{
	char hex[2 * CRYPTO_SHA256_SIZE + 1];

	if (!crypto_sha256_hex(key, strlen(key), CRYPTO_SHA256_SIZE, hex))
		return false;
	snprintf(out, PROTOCOL_TOKEN_MAX, "%s%s", PROTOCOL_TOKEN_KEY, hex);
	return true;
}

bool api_ids_request_token(char out[PROTOCOL_TOKEN_MAX])
{
	char uuid[CRYPTO_UUID_MAX];

	if (!crypto_random_uuid(uuid))
		return false;
	snprintf(out, PROTOCOL_TOKEN_MAX, "%s%s", PROTOCOL_TOKEN_REQUEST, uuid);
	return true;
}

bool api_ids_from_key(const char *provider, const char *key, char out[CRYPTO_UUID_MAX])
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct buf text cleanup_buf = buf_make(NAME_AND_KEY_MAX);

	buf_add(&text, provider,
		strlen(provider) + 1); /* with its NUL, so that different pairs result in different texts */
	buf_add_str(&text, key);
	if (text.failed || !crypto_sha256(text.data, text.len, digest))
		return false;
	crypto_format_uuid(digest, 8, out);
	return true;
}
