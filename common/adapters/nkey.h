/*
 * NKeys: the Ed25519 keys by which NATS knows users, as text. The key itself is used by cnats; here it is only checked.
 */
#ifndef COMMON_ADAPTERS_NKEY_H
#define COMMON_ADAPTERS_NKEY_H

#include "common/base/error.h"

#define NKEY_PUBLIC_MAX 57 /* bytes of a public key with its NUL */

/*
 * Find the seed of a user ("SU...", 58 characters) in a text: a seed file, bare or with the lines that NATS' tools put
 * around it, or a credentials file; and write the public key that belongs to it ("U...").
 *
 * Errors: RC_INVALID_ARGUMENT there is none, or it is mistyped; RC_INTERNAL libcrypto refuses. No message shows it.
 * Source: github.com/nats-io/nkeys strkey.go: base32 of a prefix, 32 bytes, and their CRC-16/XMODEM.
 */
enum rc nkey_public_of(const char *text, char out[NKEY_PUBLIC_MAX], struct error *err) must_check;

#endif
