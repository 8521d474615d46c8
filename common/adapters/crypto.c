/* Included first: OpenSSL uses the identifier `unused`, which common/base/compiler.h defines as a macro. */
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "common/adapters/crypto.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/strutil.h"

static const char alphabets[][65] = {
	[CRYPTO_BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	[CRYPTO_BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static bool digest_of(const EVP_MD *type, const void *data, size_t len, unsigned char *out, size_t size)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;

	if (!EVP_Digest(data, len, digest, &digest_len, type, NULL) || digest_len != size)
		return false;
	memcpy(out, digest, size);
	return true;
}

bool crypto_sha256(const void *data, size_t len, unsigned char out[CRYPTO_SHA256_SIZE])
{
	return digest_of(EVP_sha256(), data, len, out, CRYPTO_SHA256_SIZE);
}

bool crypto_sha256_hex(const void *data, size_t len, size_t bytes, char *out)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];

	if (!crypto_sha256(data, len, digest))
		return false;
	str_hex(digest, bytes, out);
	return true;
}

bool crypto_sha1(const void *data, size_t len, unsigned char out[CRYPTO_SHA1_SIZE])
{
	return digest_of(EVP_sha1(), data, len, out, CRYPTO_SHA1_SIZE);
}

bool crypto_ed25519_public(const unsigned char private_key[CRYPTO_ED25519_SIZE], unsigned char out[CRYPTO_ED25519_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, CRYPTO_ED25519_SIZE);
	size_t len = CRYPTO_ED25519_SIZE;
	bool good = key && EVP_PKEY_get_raw_public_key(key, out, &len) == 1;

	EVP_PKEY_free(key);
	return good;
}

void crypto_base64_encode(enum crypto_base64 alphabet, const void *data, size_t len, struct buf *out)
{
	const char *letters = alphabets[alphabet];
	const unsigned char *u = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)u[i] << 16;

		if (have > 1)
			group |= (uint32_t)u[i + 1] << 8;
		if (have > 2)
			group |= u[i + 2];
		for (size_t k = 0; k <= have; k++)
			buf_add_char(out, letters[group >> (18 - 6 * k) & 0x3F]);
		for (size_t k = have; alphabet == CRYPTO_BASE64_STANDARD && k < 3; k++)
			buf_add_char(out, '=');
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The bytes that 2, 3 or 4 sextets hold; the rest of the last one must be zero. */
static bool add_group(uint32_t group, size_t sextets, struct buf *out)
{
	size_t bytes = sextets - 1;
	uint32_t whole = group << (6 * (4 - sextets));

	if (sextets < 2 || (whole & ((1u << (8 * (3 - bytes))) - 1)) != 0)
		return false;
	for (size_t i = 0; i < bytes; i++)
		buf_add_char(out, (char)(whole >> (16 - 8 * i) & 0xFF));
	return true;
}

bool crypto_base64_decode(enum crypto_base64 alphabet, const char *text, size_t len, struct buf *out)
{
	const char *letters = alphabets[alphabet];
	uint32_t group = 0;
	size_t sextets = 0; /* in `group` */
	size_t padding = 0;

	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(letters, text[i]) : NULL;

		if (is_space(text[i]))
			continue;
		if (text[i] == '=' && padding < 2) {
			padding++;
			continue;
		}
		if (!at || padding > 0)
			return false;
		group = group << 6 | (uint32_t)(at - letters);
		if (++sextets == 4) {
			if (!add_group(group, sextets, out))
				return false;
			group = 0;
			sextets = 0;
		}
	}
	if (padding > 0 && sextets + padding != 4)
		return false;
	return sextets == 0 ? padding == 0 : add_group(group, sextets, out);
}

bool crypto_random(void *out, size_t len)
{
	return len <= INT32_MAX && RAND_bytes(out, (int)len) == 1;
}

void crypto_format_uuid(const unsigned char bytes[16], unsigned version, char out[CRYPTO_UUID_MAX])
{
	unsigned char u[16];

	memcpy(u, bytes, sizeof(u));
	u[6] = (unsigned char)((u[6] & 0x0F) | version << 4);
	u[8] = (unsigned char)((u[8] & 0x3F) | 0x80);
	snprintf(out, CRYPTO_UUID_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
		 u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

bool crypto_random_uuid(char out[CRYPTO_UUID_MAX])
{
	unsigned char bytes[16];

	if (!crypto_random(bytes, sizeof(bytes)))
		return false;
	crypto_format_uuid(bytes, 4, out);
	return true;
}
