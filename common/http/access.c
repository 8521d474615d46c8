#include "common/http/access.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/http/tokens.h"
#include "common/services/log.h"
#include "common/services/secret.h"

#define LOOK_MS 1000 /* interval of file checks */
#define BLANKS " \t"

struct access {
	const char *variable;
	const char *path; /* "": no tokens required */
	bool certificates;
	pthread_mutex_t lock; /* protects all below */
	struct tokens *tokens;
	struct secret_file_stamp stamp;
	int64_t looked_ms;
	bool reading; /* a thread reads the file, without the lock */
};

/* ---- the file ---- */

static enum rc read_tokens(const char *variable, const char *path, struct tokens **ret_tokens,
			   struct secret_file_stamp *ret_stamp, struct error *err)
{
	cleanup_secret char *text = NULL;
	enum rc rc = secret_file_read(path, SECRET_FILE_MAX, &text, NULL, ret_stamp, err);

	if (rc)
		return error_wrap(err, rc, "%s", variable);
	rc = tokens_parse(text, ret_tokens, err);
	return rc ? error_wrap(err, rc, "%s: %s", variable, path) : RC_OK;
}

void access_check(const char *variable, const char *tokens_file, struct buf *faults)
{
	cleanup_free struct tokens *tokens = NULL;
	struct secret_file_stamp stamp;
	struct error err;

	if (tokens_file[0] && read_tokens(variable, tokens_file, &tokens, &stamp, &err))
		buf_addf(faults, "%s\n", err.text);
}

enum rc access_create(const char *variable, const char *tokens_file, bool certificates, struct access **ret_access,
		      struct error *err)
{
	struct access *access = calloc(1, sizeof(*access));
	enum rc rc = RC_OK;

	if (!access)
		return error_no_memory(err);
	access->variable = variable;
	access->path = tokens_file;
	access->certificates = certificates;
	pthread_mutex_init(&access->lock, NULL);
	if (tokens_file[0])
		rc = read_tokens(variable, tokens_file, &access->tokens, &access->stamp, err);
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

/* Without the lock. NULL: the current tokens stay; an invalid file is reported once, by its stamp. */
static struct tokens *read_changed(const struct access *access, struct secret_file_stamp *stamp)
{
	struct secret_file_stamp now = secret_file_stamp_of(access->path);
	struct tokens *tokens = NULL;
	struct error err;

	if (secret_file_stamp_equal(&now, stamp))
		return NULL;
	*stamp = now;
	if (read_tokens(access->variable, access->path, &tokens, stamp, &err))
		log_warn("the new tokens are invalid; keeping the current ones", log_err(&err));
	else
		log_info("tokens read again", log_num("tokens", (int64_t)tokens->count));
	return tokens;
}

/* One thread at a time. The lock is held, and released while reading: a file system may hang. */
static void read_again(struct access *access)
{
	int64_t now = clock_mono_ms();
	struct secret_file_stamp stamp = access->stamp;
	struct tokens *tokens;

	if (access->reading || now - access->looked_ms < LOOK_MS)
		return;
	access->looked_ms = now;
	access->reading = true;
	pthread_mutex_unlock(&access->lock);
	tokens = read_changed(access, &stamp);
	pthread_mutex_lock(&access->lock);
	access->reading = false;
	access->stamp = stamp;
	if (!tokens)
		return;
	free(access->tokens);
	access->tokens = tokens;
}

/* The token in "Bearer <token>", without blanks around it; NULL: none. */
static const char *bearer_of(const char *authorization, size_t *ret_len)
{
	static const char scheme[] = "Bearer ";

	if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return NULL;
	authorization += strlen(scheme);
	authorization += strspn(authorization, BLANKS);
	*ret_len = strlen(authorization);
	while (*ret_len > 0 && strchr(BLANKS, authorization[*ret_len - 1]))
		(*ret_len)--;
	return authorization;
}

static enum rc decide_by_token(struct access *access, const char *authorization, enum access_need need,
			       char ret_name[ACCESS_NAME_MAX + 1], struct error *err)
{
	size_t len = 0;
	const char *shown = bearer_of(authorization, &len);
	unsigned char hash[CRYPTO_SHA256_SIZE];
	const struct token *token;
	enum rc rc = RC_OK;

	if (!shown || !crypto_sha256(shown, len, hash))
		return error_set(err, RC_UNAUTHENTICATED, "a bearer token is required");
	pthread_mutex_lock(&access->lock);
	read_again(access);
	token = tokens_find(access->tokens, hash);
	if (!token)
		rc = error_set(err, RC_UNAUTHENTICATED, "unknown bearer token");
	else if (need == ACCESS_CHANGE && token->read_only)
		rc = error_set(err, RC_PERMISSION_DENIED, "the bearer token is read-only");
	else if (need == ACCESS_EXEC && !token->exec)
		rc = error_set(err, RC_PERMISSION_DENIED,
			       "the bearer token is not marked exec and may not run commands");
	if (token)
		snprintf(ret_name, ACCESS_NAME_MAX + 1, "%s", token->name);
	pthread_mutex_unlock(&access->lock);
	return rc;
}

enum rc access_decide(struct access *access, const struct access_proof *proof, enum access_need need,
		      char ret_name[ACCESS_NAME_MAX + 1], struct error *err)
{
	ret_name[0] = '\0';
	if (access->certificates && proof->certificate && (need != ACCESS_EXEC || !access->path[0])) {
		snprintf(ret_name, ACCESS_NAME_MAX + 1, "certificate");
		return RC_OK;
	}
	if (access->path[0])
		return decide_by_token(access, proof->authorization, need, ret_name, err);
	if (access->certificates)
		return error_set(err, RC_PERMISSION_DENIED, "a valid client certificate is required");
	return RC_OK;
}
