#include "common/bus/bus_access.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/pem.h"
#include "common/base/strutil.h"
#include "common/services/secret.h"

#define JWT_BEGIN "-----BEGIN NATS USER JWT-----"
#define PASSWORD_MAX 4096 /* bytes; nats-server's limit of the CONNECT line */

/* ---- validation of each file ---- */

/* In the format of the NATS tools. */
static enum rc take_credentials(struct bus_login *login, char **text, struct error *err)
{
	const char *begin = strstr(*text, JWT_BEGIN);
	const char *jwt = begin ? begin + strlen(JWT_BEGIN) : "";
	enum rc rc;

	jwt += strspn(jwt, " \t\r\n");
	if (strncmp(jwt, "eyJ", 3) != 0)
		return error_set(err, RC_INVALID_ARGUMENT, "no user JWT found (after a line %s)", JWT_BEGIN);
	rc = nkey_read(jwt, &login->nkey, err);
	if (rc)
		return rc;
	login->jwt = strndup(jwt, strcspn(jwt, " \t\r\n"));
	return login->jwt ? RC_OK : error_no_memory(err);
}

static enum rc take_nkey(struct bus_login *login, char **text, struct error *err)
{
	return nkey_read(*text, &login->nkey, err);
}

/* One line, without its line break. */
static enum rc take_line(char **text, char **ret_line, struct error *err)
{
	size_t len = strcspn(*text, "\r\n");

	if (len == 0 || (*text)[len + strspn(*text + len, "\r\n")] != '\0')
		return error_set(err, RC_INVALID_ARGUMENT, "must contain one line of text");
	(*text)[len] = '\0';
	if (!bus_servers_can_send(*text))
		return error_set(err, RC_INVALID_ARGUMENT, "contains a quote, a backslash or a control character");
	*ret_line = TAKE(*text);
	return RC_OK;
}

static enum rc take_password(struct bus_login *login, char **text, struct error *err)
{
	return take_line(text, &login->password, err);
}

static enum rc take_token(struct bus_login *login, char **text, struct error *err)
{
	return take_line(text, &login->token, err);
}

static enum rc take_certificates(struct bus_login *login, char **text, char **ret_text, struct error *err)
{
	enum rc rc = pem_check_certificates(*text, err);

	login->tls = true;
	if (!rc)
		*ret_text = TAKE(*text);
	return rc;
}

static enum rc take_ca(struct bus_login *login, char **text, struct error *err)
{
	return take_certificates(login, text, &login->ca, err);
}

static enum rc take_certificate(struct bus_login *login, char **text, struct error *err)
{
	return take_certificates(login, text, &login->certificate, err);
}

/* Checked together with its certificate. */
static enum rc take_key(struct bus_login *login, char **text, struct error *err unused)
{
	login->key = TAKE(*text);
	return RC_OK;
}

static const struct file_use {
	const char *env;
	size_t offset; /* of the path in struct bus_access */
	size_t max;    /* bytes */
	enum rc (*take)(struct bus_login *login, char **text, struct error *err);
} uses[BUS_ACCESS_FILES] = {
	{ "SP_NATS_CREDENTIALS", offsetof(struct bus_access, credentials), SECRET_FILE_MAX, take_credentials },
	{ "SP_NATS_NKEY", offsetof(struct bus_access, nkey), PASSWORD_MAX, take_nkey },
	{ "SP_NATS_PASSWORD_FILE", offsetof(struct bus_access, password_file), PASSWORD_MAX, take_password },
	{ "SP_NATS_TOKEN_FILE", offsetof(struct bus_access, token_file), PASSWORD_MAX, take_token },
	{ "SP_NATS_TLS_CA", offsetof(struct bus_access, tls_ca), SECRET_FILE_MAX, take_ca },
	{ "SP_NATS_TLS_CERT", offsetof(struct bus_access, tls_cert), SECRET_FILE_MAX, take_certificate },
	{ "SP_NATS_TLS_KEY", offsetof(struct bus_access, tls_key), SECRET_FILE_MAX, take_key },
};

static const char *path_of(const struct bus_access *access, const struct file_use *use)
{
	const char *const *path = (const void *)((const char *)access + use->offset);

	return *path;
}

static enum rc read_file(const struct bus_access *access, size_t which, struct bus_login *login, struct error *err)
{
	const struct file_use *use = &uses[which];
	const char *path = path_of(access, use);
	cleanup_secret char *text = NULL;
	enum rc rc;

	if (!path[0])
		return RC_OK;
	rc = secret_file_read(path, use->max, &text, NULL, &login->stamps[which], err);
	if (rc)
		return error_wrap(err, rc, "%s", use->env);
	rc = use->take(login, &text, err);
	return rc ? error_wrap(err, rc, "%s: %s", use->env, path) : RC_OK;
}

static enum rc check_pair(const struct bus_login *login, struct error *err)
{
	enum rc rc = login->certificate && login->key ? pem_check_pair(login->certificate, login->key, err) : RC_OK;

	return rc ? error_wrap(err, rc, "SP_NATS_TLS_CERT, SP_NATS_TLS_KEY") : RC_OK;
}

enum rc bus_login_read(const struct bus_access *access, struct bus_login *ret_login, struct error *err)
{
	struct bus_login login = { .tls = false };
	enum rc rc = bus_servers_read(access->urls, &login.servers, err);

	login.tls = login.servers.tls;
	for (size_t i = 0; !rc && i < ARRAY_LEN(uses); i++)
		rc = read_file(access, i, &login, err);
	if (!rc)
		rc = check_pair(&login, err);
	if (rc)
		bus_login_clear(&login);
	else
		*ret_login = login;
	return rc;
}

bool bus_login_changed(const struct bus_login *login, const struct bus_access *access)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		const char *path = path_of(access, &uses[i]);
		struct secret_file_stamp now = secret_file_stamp_of(path);

		if (path[0] && !secret_file_stamp_equal(&login->stamps[i], &now))
			return true;
	}
	return false;
}

void bus_login_keep(struct bus_login *login, const struct bus_access *access)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		login->stamps[i] = secret_file_stamp_of(path_of(access, &uses[i]));
}

void bus_login_clear(struct bus_login *login)
{
	bus_servers_clear(&login->servers);
	secret_free(login->jwt);
	secret_free(login->password);
	secret_free(login->token);
	secret_free(login->ca);
	secret_free(login->certificate);
	secret_free(login->key);
	explicit_bzero(&login->nkey, sizeof(login->nkey));
	*login = (struct bus_login){ .tls = false };
}

/* ---- combinations of settings ---- */

/* Both or neither. */
static void check_both(const char *first, const char *first_env, const char *second, const char *second_env,
		       struct buf *faults)
{
	if (first[0] && !second[0])
		buf_addf(faults, "%s: needs %s\n", first_env, second_env);
	if (second[0] && !first[0])
		buf_addf(faults, "%s: needs %s\n", second_env, first_env);
}

/* One login at most. */
static void check_logins(const struct bus_access *access, const struct bus_servers *servers, struct buf *faults)
{
	const struct {
		const char *env;
		bool set;
	} logins[] = {
		{ "SP_NATS_URL (with a user or a token in it)", servers->user || servers->token },
		{ "SP_NATS_CREDENTIALS", access->credentials[0] != '\0' },
		{ "SP_NATS_NKEY", access->nkey[0] != '\0' },
		{ "SP_NATS_USER", access->user[0] != '\0' },
		{ "SP_NATS_TOKEN_FILE", access->token_file[0] != '\0' },
	};
	struct buf set cleanup_buf = buf_make(512);
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(logins); i++)
		if (logins[i].set)
			buf_addf(&set, "%s%s", count++ ? ", " : "", logins[i].env);
	if (count > 1)
		buf_addf(faults, "%s: only one of them can be used as login\n", set.data);
}

void bus_access_check(const struct bus_access *access, struct buf *faults)
{
	struct bus_login login = { .tls = false };
	struct error err;
	size_t before = faults->len;

	if (access->urls[0] && bus_servers_read(access->urls, &login.servers, &err)) /* if empty, its row reports it */
		buf_addf(faults, "%s\n", err.text);
	check_logins(access, &login.servers, faults);
	if (!bus_servers_can_send(access->user))
		buf_add_str(faults, "SP_NATS_USER: contains a quote, a backslash or a control character\n");
	check_both(access->user, "SP_NATS_USER", access->password_file, "SP_NATS_PASSWORD_FILE", faults);
	check_both(access->tls_cert, "SP_NATS_TLS_CERT", access->tls_key, "SP_NATS_TLS_KEY", faults);
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (read_file(access, i, &login, &err))
			buf_addf(faults, "%s\n", err.text);
	if (faults->len == before && check_pair(&login, &err))
		buf_addf(faults, "%s\n", err.text);
	bus_login_clear(&login);
}
