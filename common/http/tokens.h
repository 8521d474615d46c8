/*
 * The file of bearer tokens. One token per line; empty lines and lines that begin with '#' are ignored:
 *   <name> sha256:<SHA-256 of the token in hexadecimal> [read-only] [exec]
 *   <name> <the token itself, 16 characters at least> [read-only] [exec]
 * read-only: no writes; exec: commands in containers, if enabled (SP_EXEC). Names and tokens are unique. Other hash
 * prefixes are rejected: treated as a token, the digest itself would be the password.
 */
#ifndef COMMON_HTTP_TOKENS_H
#define COMMON_HTTP_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/adapters/crypto.h"
#include "common/base/error.h"

#define TOKEN_NAME_MAX 64 /* bytes */
#define TOKENS_MAX 1000

struct token {
	char name[TOKEN_NAME_MAX + 1];
	unsigned char hash[CRYPTO_SHA256_SIZE];
	bool read_only;
	bool exec;
};

struct tokens {
	size_t count;
	struct token token[TOKENS_MAX];
};

/*
 * Parse the text of a file, in place.
 *
 * ret_tokens  owned by the caller (free()); at least one token.
 * Errors: RC_INVALID_ARGUMENT with the line number; RC_NO_MEMORY.
 */
enum rc tokens_parse(char *text, struct tokens **ret_tokens, struct error *err) must_check;

/* The token with that hash; NULL: none. Constant-time comparison. */
const struct token *tokens_find(const struct tokens *tokens, const unsigned char hash[CRYPTO_SHA256_SIZE]);

#endif
