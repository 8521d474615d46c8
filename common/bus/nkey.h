/*
 * NKeys: the Ed25519 keys of NATS users, as text. Signing is done by cnats; here keys are only validated.
 */
#ifndef COMMON_BUS_NKEY_H
#define COMMON_BUS_NKEY_H

#include "common/base/error.h"

/* With their NULs. */
struct nkey {
	char seed[59];   /* "SU..." */
	char public[57]; /* "U..." */
};

/*
 * Find the seed of a user in a text: a seed file, bare or decorated as by the NATS tools, or a credentials file; and
 * derive the public key.
 *
 * ret_key  wiped by the caller (explicit_bzero).
 * Errors: RC_INVALID_ARGUMENT no seed, or a bad checksum; RC_INTERNAL libcrypto failed. Messages do not contain it.
 * Source: github.com/nats-io/nkeys strkey.go: base32 of a prefix, 32 bytes, and their CRC-16/XMODEM.
 */
enum rc nkey_read(const char *text, struct nkey *ret_key, struct error *err) must_check;

#endif
