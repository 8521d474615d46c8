#include "api-svc/access.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/services/log.h"
#include "common/services/secret.h"

#define TOKENS_VARIABLE "SP_SERVER_TOKENS_FILE"
#define LOOK_MS 1000 /* between two looks at the file */
#define TOKENS_MAX 1000
#define TOKEN_MIN 16 /* characters */
#define HASH_PREFIX "sha256:"
#define READ_ONLY "read-only"
#define BLANKS " \t\r"

struct token {
	char name[ACCESS_NAME_MAX + 1];
	unsigned char hash[CRYPTO_SHA256_SIZE];
	bool read_only;
};

struct tokens {
	size_t count;
	struct token token[TOKENS_MAX];
};

struct access {
	const char *path; /* "": no tokens are wanted */
	bool certificates;
	pthread_mutex_t lock; /* guards all below */
	struct tokens *tokens;
	struct file_stamp stamp;
	int64_t looked_ms;
	bool reading; /* somebody reads the file, without the lock */
};

/* ---- the file ---- */

static bool read_hash(const char *word, unsigned char out[CRYPTO_SHA256_SIZE])
{
	if (!str_has_prefix(word, HASH_PREFIX))
		return strlen(word) >= TOKEN_MIN && crypto_sha256(word, strlen(word), out);
	word += strlen(HASH_PREFIX);
	if (strlen(word) != 2 * CRYPTO_SHA256_SIZE || strspn(word, "0123456789abcdefABCDEF") != strlen(word))
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

/* What is wrong with a line; NULL: nothing. The line is cut into words. */
static const char *read_line(char *line, struct tokens *tokens)
{
	char *rest = NULL;
	const char *name = strtok_r(line, BLANKS, &rest);
	const char *secret = strtok_r(NULL, BLANKS, &rest);
	const char *role = strtok_r(NULL, BLANKS, &rest);
	struct token token = { .read_only = role != NULL };

	if (!name || name[0] == '#')
		return NULL;
	if (!secret || strlen(name) > ACCESS_NAME_MAX)
		return "it must be a name (64 bytes at most), a token or its hash, and perhaps " READ_ONLY;
	if ((role && strcmp(role, READ_ONLY) != 0) || strtok_r(NULL, BLANKS, &rest))
		return "behind the token only " READ_ONLY " may stand";
	if (!read_hash(secret, token.hash))
		return "a token has 16 characters at least, a hash is " HASH_PREFIX " and 64 hexadecimal digits";
	if (is_taken(tokens, name))
		return "the name stands there twice";
	if (tokens->count == TOKENS_MAX)
		return "there are more than 1000 tokens";
	snprintf(token.name, sizeof(token.name), "%s", name);
	tokens->token[tokens->count++] = token;
	return NULL;
}

static enum rc read_tokens(const char *path, struct tokens **ret_tokens, struct file_stamp *ret_stamp,
			   struct error *err)
{
	cleanup_secret char *text = NULL;
	cleanup_free struct tokens *tokens = NULL;
	char *rest;
	const char *fault = NULL;
	int number = 0;
	enum rc rc;

	rc = secret_file_read(path, SECRET_FILE_MAX, &text, NULL, ret_stamp, err);
	if (rc)
		return error_wrap(err, rc, TOKENS_VARIABLE);
	tokens = calloc(1, sizeof(*tokens));
	if (!tokens)
		return error_no_memory(err);
	rest = text;
	while (!fault && rest) {
		number++;
		fault = read_line(strsep(&rest, "\n"), tokens);
	}
	if (fault)
		return error_set(err, RC_INVALID_ARGUMENT, TOKENS_VARIABLE ": %s, line %d: %s", path, number, fault);
	if (tokens->count == 0)
		return error_set(err, RC_INVALID_ARGUMENT, TOKENS_VARIABLE ": %s: there is no token in it", path);
	*ret_tokens = TAKE(tokens);
	return RC_OK;
}

void access_check(const char *tokens_file, struct buf *faults)
{
	cleanup_free struct tokens *tokens = NULL;
	struct file_stamp stamp;
	struct error err;

	if (tokens_file[0] && read_tokens(tokens_file, &tokens, &stamp, &err))
		buf_addf(faults, "%s\n", err.text);
}

enum rc access_create(const char *tokens_file, bool certificates, struct access **ret_access, struct error *err)
{
	struct access *access = calloc(1, sizeof(*access));
	enum rc rc = RC_OK;

	if (!access)
		return error_no_memory(err);
	access->path = tokens_file;
	access->certificates = certificates;
	pthread_mutex_init(&access->lock, NULL);
	if (tokens_file[0])
		rc = read_tokens(tokens_file, &access->tokens, &access->stamp, err);
	if (rc)
		access_destroy(access);
	else
		*ret_access = access;
	return rc;
}

void access_destroy(struct access *access)
{
	if (!access)
		return;
	free(access->tokens);
	pthread_mutex_destroy(&access->lock);
	free(access);
}

/* ---- requests ---- */

/* Without the lock. NULL: the old ones stay; a bad file is told once, by its stamp. */
static struct tokens *read_changed(const char *path, struct file_stamp *stamp)
{
	struct file_stamp now = file_stamp_of(path);
	struct tokens *tokens = NULL;
	struct error err;

	if (file_stamp_equal(&now, stamp))
		return NULL;
	*stamp = now;
	if (read_tokens(path, &tokens, stamp, &err))
		log_warn("the new tokens are no good; keeping the old ones", log_err(&err));
	else
		log_info("tokens read again", log_num("tokens", (int64_t)tokens->count));
	return tokens;
}

/* By one thread at a time. The lock is held, and given up in between: a file system may hang. */
static void read_again(struct access *access)
{
	int64_t now = clock_mono_ms();
	struct file_stamp stamp = access->stamp;
	struct tokens *tokens;

	if (access->reading || now - access->looked_ms < LOOK_MS)
		return;
	access->looked_ms = now;
	access->reading = true;
	pthread_mutex_unlock(&access->lock);
	tokens = read_changed(access->path, &stamp);
	pthread_mutex_lock(&access->lock);
	access->reading = false;
	access->stamp = stamp;
	if (!tokens)
		return;
	free(access->tokens);
	access->tokens = tokens;
}

/* All are compared, each to its end. */
static const struct token *find_token(const struct tokens *tokens, const unsigned char hash[CRYPTO_SHA256_SIZE])
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

/* The token in "Bearer <token>"; NULL: none. */
static const char *bearer_of(const char *authorization)
{
	const char *scheme = "Bearer ";

	if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return NULL;
	authorization += strlen(scheme);
	return authorization + strspn(authorization, " ");
}

static enum rc decide_by_token(struct access *access, const char *authorization, bool changes,
			       char ret_name[ACCESS_NAME_MAX + 1], struct error *err)
{
	const char *shown = bearer_of(authorization);
	unsigned char hash[CRYPTO_SHA256_SIZE];
	const struct token *token;
	enum rc rc = RC_OK;

	if (!shown || !crypto_sha256(shown, strlen(shown), hash))
		return error_set(err, RC_UNAUTHENTICATED, "a bearer token is needed");
	pthread_mutex_lock(&access->lock);
	read_again(access);
	token = find_token(access->tokens, hash);
	if (!token)
		rc = error_set(err, RC_UNAUTHENTICATED, "the bearer token is not known");
	else if (changes && token->read_only)
		rc = error_set(err, RC_PERMISSION_DENIED, "the bearer token may only read");
	if (token)
		snprintf(ret_name, ACCESS_NAME_MAX + 1, "%s", token->name);
	pthread_mutex_unlock(&access->lock);
	return rc;
}

enum rc access_decide(struct access *access, const struct access_proof *proof, bool changes,
		      char ret_name[ACCESS_NAME_MAX + 1], struct error *err)
{
	ret_name[0] = '\0';
	if (access->certificates && proof->certificate) {
		snprintf(ret_name, ACCESS_NAME_MAX + 1, "certificate");
		return RC_OK;
	}
	if (access->path[0])
		return decide_by_token(access, proof->authorization, changes, ret_name, err);
	if (access->certificates)
		return error_set(err, RC_PERMISSION_DENIED, "a client certificate is needed that is known here");
	return RC_OK;
}
