/*
 * Access to NATS: servers, login and TLS. Secrets are read from files, so that they appear neither in the process list
 * nor in logs; the files are read again for every login.
 */
#ifndef COMMON_BUS_BUS_ACCESS_H
#define COMMON_BUS_BUS_ACCESS_H

#include <stdbool.h>

#include "common/bus/bus_servers.h"
#include "common/bus/nkey.h"
#include "common/services/config.h"
#include "common/services/secret.h"

/* The settings, as CONFIG_ROWS_NATS() fills them; borrowed from the environment. "": not set. */
struct bus_access {
	const char *urls;
	const char *credentials; /* file: a user's JWT and seed */
	const char *nkey;        /* file: a user's seed */
	const char *user;
	const char *password_file;
	const char *token_file;
	const char *tls_ca;   /* file: PEM of the CA certificates */
	const char *tls_cert; /* file: PEM of the client certificate with its chain */
	const char *tls_key;  /* file: its key */
};

#define BUS_ACCESS_FILES 7

/*
 * A snapshot of the settings and their files. cnats receives the contents, because it would read files with its lock
 * held.
 */
struct bus_login {
	struct bus_servers servers; /* including a user or token in SP_NATS_URL */
	char *jwt;                  /* of SP_NATS_CREDENTIALS; this and the following are NULL if not set */
	char *password;
	char *token;
	char *ca;
	char *certificate;
	char *key;
	struct nkey nkey; /* of credentials or an NKey; "": none */
	bool tls;         /* required even if the server does not require it */
	struct secret_file_stamp stamps[BUS_ACCESS_FILES];
};

/*
 * For `check` of a config_program: appends a line for each conflict of settings, and each invalid file.
 */
void bus_access_check(const struct bus_access *access, struct buf *faults);

/*
 * Read and validate URLs and files.
 *
 * ret_login  wiped and freed by the caller (bus_login_clear).
 * Errors: RC_NOT_FOUND, RC_INVALID_ARGUMENT, RC_TOO_LARGE, RC_NO_MEMORY, RC_INTERNAL; with the variable of the first
 * error.
 */
enum rc bus_login_read(const struct bus_access *access, struct bus_login *ret_login, struct error *err) must_check;

/* Whether any of the files has changed since. */
bool bus_login_changed(const struct bus_login *login, const struct bus_access *access);

/* Mark the files as unchanged: they could not be read, and *login stays in use. */
void bus_login_keep(struct bus_login *login, const struct bus_access *access);

/* A zeroed struct is allowed. */
void bus_login_clear(struct bus_login *login);

/* clang-format off */
#define BUS_ACCESS_ROW(type, variable, member, text) \
	{ .env = variable, .offset = offsetof(type, nats.member), .fallback = "", .help = text }
/* The common rows of all processes; `type` (the struct) has the member `struct bus_access nats`. */
#define CONFIG_ROWS_NATS(type) \
	{ .env = "SP_NATS_URL", .offset = offsetof(type, nats.urls), .secret = true, \
	  .help = "NATS servers, separated by commas: nats://nats:4222 (tls://; user:password@ with %XX)" }, \
	BUS_ACCESS_ROW(type, "SP_NATS_CREDENTIALS", credentials, "File with a NATS user's JWT and seed (.creds)"), \
	BUS_ACCESS_ROW(type, "SP_NATS_NKEY", nkey, "File with a NATS user's NKey seed"), \
	BUS_ACCESS_ROW(type, "SP_NATS_USER", user, "NATS user, with SP_NATS_PASSWORD_FILE"), \
	BUS_ACCESS_ROW(type, "SP_NATS_PASSWORD_FILE", password_file, "File with the password of SP_NATS_USER"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TOKEN_FILE", token_file, "File with a NATS token"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TLS_CA", tls_ca, \
			    "PEM file of CA certificates for NATS; empty: the system's, for tls:// and servers that require TLS"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TLS_CERT", tls_cert, "PEM file of the client certificate for NATS"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TLS_KEY", tls_key, "PEM file of its key")
/* clang-format on */

#endif
