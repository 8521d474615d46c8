/*
 * NKeys: the Ed25519 keys by which NATS knows users, as text. The key itself is used by cnats; here it is only checked.
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
 * Find the seed of a user in a text: a seed file, bare or with the lines that NATS' tools put around it, or a
 * credentials file; and the public key that belongs to it.
 *
 * ret_key  wiped by the caller (explicit_bzero).
 * Errors: RC_INVALID_ARGUMENT there is none, or it is mistyped; RC_INTERNAL libcrypto rejects. No message shows it.
 * Source: github.com/nats-io/nkeys strkey.go: base32 of a prefix, 32 bytes, and their CRC-16/XMODEM.
 */
enum rc nkey_read(const char *text, struct nkey *ret_key, struct error *err) must_check;

#endif
