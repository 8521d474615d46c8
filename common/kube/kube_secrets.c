#include "common/kube/kube_secrets.h"

#include <stdlib.h>
#include <string.h>

#include "common/adapters/pem.h"
#include "common/base/strutil.h"
#include "common/services/log.h"
#include "common/services/secret.h"

/* ---- one text ---------------------------------------------------------------------------------------------------- */

/* Inline data of the kubeconfig, or the path of the file. */
static enum rc secret_init(struct kube_secret *secret, const char *data, const char *path, struct error *err)
{
	secret->path = path;
	if (data && !path) {
		secret->text = str_dup(data);
		if (!secret->text)
			return error_no_memory(err);
	}
	return RC_OK;
}

/* The current text: a copy, from the file if there is one. The stamp is that of the file read, or of the failure. */
static enum rc secret_read(struct kube_secret *secret, char **ret_text, struct error *err)
{
	enum rc rc;

	if (!secret->path) {
		*ret_text = str_dup(secret->text);
		return *ret_text ? RC_OK : error_no_memory(err);
	}
	rc = secret_file_read(secret->path, SECRET_FILE_MAX, ret_text, NULL, &secret->stamp, err);
	if (rc)
		secret->stamp = secret_file_stamp_of(secret->path);
	return rc;
}

static bool has_changed(const struct kube_secret *secret)
{
	struct secret_file_stamp stamp;

	if (!secret->path)
		return false;
	stamp = secret_file_stamp_of(secret->path);
	return !secret_file_stamp_equal(&stamp, &secret->stamp);
}

/* Add the file name to an error of the PEM check. */
static enum rc in_file(const struct kube_secret *secret, enum rc rc, struct error *err)
{
	return rc && secret->path ? error_wrap(err, rc, "%s", secret->path) : rc;
}

/* Take over a text. Returns whether it changed. */
static bool secret_replace(struct kube_secret *secret, char **text)
{
	bool changed = !str_equal(secret->text, *text);

	secret_free(secret->text);
	secret->text = TAKE(*text);
	return changed;
}

/* ---- CA certificates --------------------------------------------------------------------------------------------- */

static enum rc load_ca(struct kube_secrets *secrets, bool *ret_changed, struct error *err)
{
	cleanup_secret char *text = NULL;
	enum rc rc;

	rc = secret_read(&secrets->ca, &text, err);
	if (!rc)
		rc = in_file(&secrets->ca, pem_check_certificates(text, err), err);
	if (!rc)
		*ret_changed = secret_replace(&secrets->ca, &text);
	return rc;
}

/* ---- client certificate and key ---------------------------------------------------------------------------------- */

static enum rc load_pair(struct kube_secrets *secrets, bool *ret_changed, struct error *err)
{
	cleanup_secret char *cert = NULL;
	cleanup_secret char *key = NULL;
	enum rc rc = secret_read(&secrets->cert, &cert, err);
	enum rc key_rc = secret_read(&secrets->key, &key, rc ? NULL : err); /* always: reported once */

	rc = rc ? rc : key_rc;
	if (!rc)
		rc = in_file(&secrets->cert, pem_check_certificates(cert, err), err);
	if (!rc)
		rc = in_file(&secrets->key, pem_check_pair(cert, key, err), err);
	if (!rc) {
		bool cert_changed = secret_replace(&secrets->cert, &cert);

		*ret_changed = secret_replace(&secrets->key, &key) || cert_changed;
	}
	return rc;
}

/* ---- token ------------------------------------------------------------------------------------------------------- */

/* Remove white space at both ends. */
static void trim(char *text)
{
	static const char space[] = " \t\r\n";
	size_t start = strspn(text, space);
	size_t len = strlen(text);

	while (len > start && strchr(space, text[len - 1]))
		len--;
	memmove(text, text + start, len - start);
	explicit_bzero(text + len - start, strlen(text + len - start));
}

static enum rc load_token(struct kube_secrets *secrets, bool *ret_changed, struct error *err)
{
	cleanup_secret char *text = NULL;
	enum rc rc;

	rc = secret_read(&secrets->token, &text, err);
	if (rc)
		return rc;
	trim(text);
	if (text[0] == '\0')
		return error_set(err, RC_INVALID_ARGUMENT, "%s is empty", secrets->token.path);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7F)
			return error_set(err, RC_INVALID_ARGUMENT, "%s contains white space within the token",
					 secrets->token.path);
	*ret_changed = secret_replace(&secrets->token, &text);
	return RC_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

/* Prefix an error with its location in the kubeconfig. */
static enum rc in_place(const char *place, const char *member, enum rc rc, struct error *err)
{
	if (rc == RC_NO_MEMORY)
		return rc;
	return error_wrap(err, rc == RC_NOT_FOUND ? rc : RC_INVALID_ARGUMENT, "%s: %s", place, member);
}

enum rc kube_secrets_init(struct kube_secrets *secrets, const char *variable, const struct kubeconfig *config,
			  struct error *err)
{
	bool changed;
	enum rc rc;

	*secrets = (struct kube_secrets){ .variable = variable };
	rc = secret_init(&secrets->ca, config->ca_data, config->ca_file, err);
	if (!rc)
		rc = secret_init(&secrets->cert, config->cert_data, config->cert_file, err);
	if (!rc && (secrets->cert.path || secrets->cert.text)) /* a key alone is ignored, as by client-go */
		rc = secret_init(&secrets->key, config->key_data, config->key_file, err);
	if (!rc)
		rc = secret_init(&secrets->token, config->token, NULL, err);
	if (rc)
		return rc;
	secrets->token.path = config->token_file;
	if (secrets->ca.path || secrets->ca.text) {
		rc = load_ca(secrets, &changed, err);
		if (rc)
			return in_place(config->cluster_place, "certificate-authority", rc, err);
	}
	if (secrets->cert.path || secrets->cert.text) {
		rc = load_pair(secrets, &changed, err);
		if (rc)
			return in_place(config->user_place, "client-certificate and client-key", rc, err);
	}
	if (secrets->token.path && load_token(secrets, &changed, &secrets->token_error) == RC_NO_MEMORY)
		return error_no_memory(err);
	return RC_OK;
}

bool kube_secrets_copy(const struct kube_secrets *secrets, struct kube_secrets *ret_copy)
{
	struct kube_secret *texts[] = { &ret_copy->ca, &ret_copy->cert, &ret_copy->key, &ret_copy->token };
	bool good = true;

	*ret_copy = *secrets;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = texts[i]->text;

		texts[i]->text = str_dup(text);
		good = good && (texts[i]->text || !text);
	}
	return good;
}

void kube_secrets_swap(struct kube_secrets *a, struct kube_secrets *b)
{
	struct kube_secrets c = *a;

	*a = *b;
	*b = c;
}

void kube_secrets_clear(struct kube_secrets *secrets)
{
	secret_free(secrets->ca.text);
	secret_free(secrets->cert.text);
	secret_free(secrets->key.text);
	secret_free(secrets->token.text);
	*secrets = (struct kube_secrets){ 0 };
}

typedef enum rc load(struct kube_secrets *secrets, bool *ret_changed, struct error *err);

/* `fresh`: the file has changed since the last attempt; otherwise the error was already logged. */
static bool renew(struct kube_secrets *secrets, const struct kube_secret *named, load *load_again, bool fresh)
{
	struct error error;
	bool changed = false;

	if (!load_again(secrets, &changed, &error)) {
		if (changed)
			log_info("Kubernetes credentials reloaded", log_str("path", named->path),
				 log_str("variable", secrets->variable));
	} else if (fresh) {
		log_warn("cannot read the Kubernetes credentials again; keeping the current ones",
			 log_str("path", named->path), log_str("variable", secrets->variable), log_err(&error));
	}
	return changed;
}

/* A token that was never read cannot be kept: using it is an error. */
static bool renew_token(struct kube_secrets *secrets, bool fresh)
{
	bool changed = false;

	if (secrets->token.text)
		return renew(secrets, &secrets->token, load_token, fresh);
	return load_token(secrets, &changed, &secrets->token_error) == RC_OK;
}

bool kube_secrets_renew(struct kube_secrets *secrets, bool everything)
{
	const struct kube_secret *pair = secrets->cert.path ? &secrets->cert : &secrets->key;
	bool ca_fresh = has_changed(&secrets->ca);
	bool cert_fresh = has_changed(&secrets->cert);
	bool pair_fresh = has_changed(&secrets->key) || cert_fresh;
	bool token_fresh = has_changed(&secrets->token);
	bool changed = false;

	if (secrets->ca.path && (ca_fresh || everything))
		changed = renew(secrets, &secrets->ca, load_ca, ca_fresh) || changed;
	if (pair->path && (pair_fresh || everything))
		changed = renew(secrets, pair, load_pair, pair_fresh) || changed;
	if (secrets->token.path && (token_fresh || everything))
		changed = renew_token(secrets, token_fresh) || changed;
	return changed;
}
