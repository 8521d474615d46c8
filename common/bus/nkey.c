#include "common/bus/nkey.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/adapters/crypto.h"

#define SEED_LETTERS 58 /* of 36 bytes: two of prefix, the key, two of checksum */
#define SEED_BYTES 36
#define PUBLIC_BYTES 35
#define PREFIX_SEED 0x90 /* 'S' */
#define PREFIX_USER 0xA0 /* 'U' */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 section 6 */

/* CRC-16/XMODEM. */
static uint16_t checksum(const unsigned char *bytes, size_t len)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc = (uint16_t)(crc ^ bytes[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return crc;
}

/* Unused bits at the end must be zero; the checksum covers the rest. */
static bool decode(const char letters[SEED_LETTERS], unsigned char out[SEED_BYTES])
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < SEED_LETTERS; i++) {
		const char *letter = memchr(alphabet, letters[i], sizeof(alphabet) - 1);

		if (!letter)
			return false;
		bits = bits << 5 | (uint32_t)(letter - alphabet);
		have += 5;
		if (have >= 8) {
			have -= 8;
			*out++ = (unsigned char)(bits >> have);
		}
	}
	return true;
}

/* 35 bytes are exactly 56 letters. */
static void encode(const unsigned char bytes[PUBLIC_BYTES], char *out)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < PUBLIC_BYTES; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 5; have -= 5)
			*out++ = alphabet[bits >> (have - 5) & 0x1F];
	}
	*out = '\0';
}

/* The line that begins with the prefix of a user seed. */
static const char *find_seed(const char *text)
{
	while (text) {
		text += strspn(text, " \t\r\n");
		if (strncmp(text, "SU", 2) == 0)
			return text;
		text = strchr(text, '\n');
	}
	return NULL;
}

static bool is_seed(const unsigned char seed[SEED_BYTES])
{
	return seed[0] == (PREFIX_SEED | PREFIX_USER >> 5) && seed[1] == (unsigned char)(PREFIX_USER << 3) &&
	       checksum(seed, SEED_BYTES - 2) == (seed[SEED_BYTES - 2] | seed[SEED_BYTES - 1] << 8);
}

enum rc nkey_read(const char *text, struct nkey *ret_key, struct error *err)
{
	const char *line = find_seed(text);
	unsigned char seed[SEED_BYTES];
	unsigned char public[PUBLIC_BYTES] = { PREFIX_USER };
	uint16_t crc;
	bool good;

	if (!line)
		return error_set(err, RC_INVALID_ARGUMENT, "no user seed found (a line that begins with SU)");
	if (strcspn(line, " \t\r\n") != SEED_LETTERS || !decode(line, seed) || !is_seed(seed)) {
		explicit_bzero(seed, sizeof(seed));
		return error_set(err, RC_INVALID_ARGUMENT, "the seed has an invalid checksum");
	}
	good = crypto_ed25519_public(seed + 2, public + 1);
	explicit_bzero(seed, sizeof(seed));
	if (!good)
		return error_set(err, RC_INTERNAL, "libcrypto does not support Ed25519");
	crc = checksum(public, PUBLIC_BYTES - 2);
	public[PUBLIC_BYTES - 2] = (unsigned char)crc;
	public[PUBLIC_BYTES - 1] = (unsigned char)(crc >> 8);
	encode(public, ret_key->public);
	memcpy(ret_key->seed, line, SEED_LETTERS);
	ret_key->seed[SEED_LETTERS] = '\0';
	return RC_OK;
}
