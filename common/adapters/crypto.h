/*
 * Digests, base64 and random identifiers, by OpenSSL's libcrypto (which pem.c and tls_client.c use as well).
 */
#ifndef COMMON_ADAPTERS_CRYPTO_H
#define COMMON_ADAPTERS_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

#define CRYPTO_SHA1_SIZE 20    /* bytes */
#define CRYPTO_SHA256_SIZE 32  /* bytes */
#define CRYPTO_ED25519_SIZE 32 /* bytes of a key, private or public */
#define CRYPTO_UUID_MAX 37     /* bytes of "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" with its NUL */

/* The SHA-256 of `len` bytes. Returns false if libcrypto fails or out of memory; `out` is then untouched. */
bool crypto_sha256(const void *data, size_t len, unsigned char out[CRYPTO_SHA256_SIZE]) must_check;

/* The first `bytes` of it, lower-case hexadecimal; `out` has 2 * bytes + 1. False as above. */
bool crypto_sha256_hex(const void *data, size_t len, size_t bytes, char *out) must_check;

/* As crypto_sha256() with SHA-1, only for the WebSocket handshake, where it protects no secret. */
bool crypto_sha1(const void *data, size_t len, unsigned char out[CRYPTO_SHA1_SIZE]) must_check;

/* The public key of an Ed25519 private key (RFC 8032). Returns false if libcrypto fails; `out` is then untouched. */
bool crypto_ed25519_public(const unsigned char private_key[CRYPTO_ED25519_SIZE], unsigned char out[CRYPTO_ED25519_SIZE])
	must_check;

/* The two alphabets of RFC 4648. */
enum crypto_base64 {
	CRYPTO_BASE64_STANDARD, /* '+' and '/', padded with '=' (section 4) */
	CRYPTO_BASE64_URL,      /* '-' and '_', not padded (section 5) */
};

/* Append `len` bytes as base64. */
void crypto_base64_encode(enum crypto_base64 alphabet, const void *data, size_t len, struct buf *out);

/*
 * Append the decoded bytes of a base64 text. White space is skipped; padding may be missing, but must be valid if
 * present, and unused bits must be zero.
 *
 * Returns false for any other text; *out may then hold a part.
 */
bool crypto_base64_decode(enum crypto_base64 alphabet, const char *text, size_t len, struct buf *out) must_check;

/* Fill with unpredictable random bytes. Returns false if the system has none. */
bool crypto_random(void *out, size_t len) must_check;

/* A random UUID, version 4 (RFC 9562 section 5.4), in lower case. False as crypto_random(). */
bool crypto_random_uuid(char out[CRYPTO_UUID_MAX]) must_check;

/*
 * Write 16 bytes as a UUID in lower case, with the version (4, 8...) and the variant of RFC 9562 set.
 */
void crypto_format_uuid(const unsigned char bytes[16], unsigned version, char out[CRYPTO_UUID_MAX]);

#endif
