#include "common/http/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

#define TOKEN_MIN 16 /* characters */
#define HASH_PREFIX "sha256:"
#define READ_ONLY "read-only"
#define EXEC "exec"
#define BLANKS " \t\r"
#define DIGITS "0123456789"

/* For example "SHA256:", "sha-512:", "sha1:". */
static bool looks_like_hash(const char *word)
{
	const char *family = "sha";

	if (strncasecmp(word, family, strlen(family)) != 0)
		return false;
	word += strlen(family);
	return word[strspn(word, DIGITS "-_/")] == ':';
}

static bool read_hash(const char *word, unsigned char out[CRYPTO_SHA256_SIZE])
{
	if (!looks_like_hash(word))
		return strlen(word) >= TOKEN_MIN && crypto_sha256(word, strlen(word), out);
	if (!str_has_prefix(word, HASH_PREFIX))
		return false;
	word += strlen(HASH_PREFIX);
	if (strlen(word) != 2 * CRYPTO_SHA256_SIZE || strspn(word, DIGITS "abcdefABCDEF") != strlen(word))
		return false;
	for (size_t i = 0; i < CRYPTO_SHA256_SIZE; i++) {
		char digits[3] = { word[2 * i], word[2 * i + 1], '\0' };

		out[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return true;
}

static bool is_taken(const struct tokens *tokens, const char *name)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (strcmp(tokens->token[i].name, name) == 0)
			return true;
	return false;
}

/* The marks of a token, in any order. Returns false for an unknown or duplicate mark. */
static bool read_marks(char *rest, struct token *token)
{
	const char *word;

	while ((word = strtok_r(NULL, BLANKS, &rest)) != NULL) {
		bool *mark = strcmp(word, READ_ONLY) == 0 ? &token->read_only
			     : strcmp(word, EXEC) == 0    ? &token->exec
							  : NULL;

		if (!mark || *mark)
			return false;
		*mark = true;
	}
	return true;
}

/* Parse a line, in place. Returns the error; NULL: none. */
static const char *read_line(char *line, struct tokens *tokens)
{
	char *rest = NULL;
	const char *name = strtok_r(line, BLANKS, &rest);
	const char *secret = strtok_r(NULL, BLANKS, &rest);
	struct token token = { .read_only = false };

	if (!name || name[0] == '#')
		return NULL;
	if (!secret || strlen(name) > TOKEN_NAME_MAX)
		return "must be a name (64 bytes at most), a token or its hash, and optionally " READ_ONLY " and " EXEC;
	if (!read_marks(rest, &token))
		return "only " READ_ONLY " and " EXEC ", once each, are allowed after the token";
	if (!read_hash(secret, token.hash))
		return "a token must have at least 16 characters, a hash must be " HASH_PREFIX
		       " and 64 hexadecimal digits";
	if (is_taken(tokens, name))
		return "duplicate token name";
	if (tokens_find(tokens, token.hash))
		return "duplicate token";
	if (tokens->count == TOKENS_MAX)
		return "more than 1000 tokens";
	snprintf(token.name, sizeof(token.name), "%s", name);
	tokens->token[tokens->count++] = token;
	return NULL;
}

enum rc tokens_parse(char *text, struct tokens **ret_tokens, struct error *err)
{
	cleanup_free struct tokens *tokens = calloc(1, sizeof(*tokens));
	const char *fault = NULL;
	int number = 0;

	if (!tokens)
		return error_no_memory(err);
	while (!fault && text) {
		number++;
		fault = read_line(strsep(&text, "\n"), tokens);
	}
	if (fault)
		return error_set(err, RC_INVALID_ARGUMENT, "line %d: %s", number, fault);
	if (tokens->count == 0)
		return error_set(err, RC_INVALID_ARGUMENT, "no token found");
	*ret_tokens = TAKE(tokens);
	return RC_OK;
}

/* Constant time: all are compared completely. */
const struct token *tokens_find(const struct tokens *tokens, const unsigned char hash[CRYPTO_SHA256_SIZE])
{
	const struct token *found = NULL;

	for (size_t i = 0; i < tokens->count; i++) {
		unsigned char differs = 0;

		for (size_t k = 0; k < CRYPTO_SHA256_SIZE; k++)
			differs |= (unsigned char)(tokens->token[i].hash[k] ^ hash[k]);
		found = differs ? found : &tokens->token[i];
	}
	return found;
}
