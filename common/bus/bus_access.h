/*
 * How a process gets into NATS: the servers, who it is, and TLS. Secrets are in files, so that no list of processes and
 * no log shows them; the files are read again for every new login.
 */
#ifndef COMMON_BUS_BUS_ACCESS_H
#define COMMON_BUS_BUS_ACCESS_H

#include <stdbool.h>

#include "common/bus/bus_url.h"
#include "common/bus/nkey.h"
#include "common/services/config.h"
#include "common/services/secret_file.h"

/* The settings, as CONFIG_ROWS_NATS() fills them; borrowed from the environment. "": not set. */
struct bus_access {
	const char *urls;
	const char *credentials; /* file: a user's JWT and seed */
	const char *nkey;        /* file: a user's seed */
	const char *user;
	const char *password_file;
	const char *token_file;
	const char *tls_ca;   /* file: PEM of the authorities */
	const char *tls_cert; /* file: PEM of our certificate and what leads to its authority */
	const char *tls_key;  /* file: its key */
};

#define BUS_ACCESS_FILES 7

/*
 * What is in the settings and their files at one moment. cnats gets the contents: it would read files with its lock
 * held.
 */
struct bus_login {
	struct bus_servers servers; /* with the user or the token that was in SP_NATS_URL */
	char *jwt;                  /* of SP_NATS_CREDENTIALS; this and what follows is NULL when there is none */
	char *password;
	char *token;
	char *ca;
	char *certificate;
	char *key;
	struct nkey nkey; /* of credentials or an NKey; "": none */
	bool tls;         /* even if the server does not ask for it */
	struct file_stamp stamps[BUS_ACCESS_FILES];
};

/*
 * For `check` of a config_program: a line for each setting that contradicts another, and each file that is of no use.
 */
void bus_access_check(const struct bus_access *access, struct buf *faults);

/*
 * Read URLs and files, and see that each holds what it should.
 *
 * ret_login  wiped and freed by the caller (bus_login_clear).
 * Errors: RC_NOT_FOUND, RC_INVALID_ARGUMENT, RC_TOO_LARGE, RC_NO_MEMORY, RC_INTERNAL; the first fault, its variable
 * named.
 */
enum rc bus_login_read(const struct bus_access *access, struct bus_login *ret_login, struct error *err) must_check;

/* Whether any of the files has changed since. */
bool bus_login_changed(const struct bus_login *login, const struct bus_access *access);

/* Take the files for unchanged, as they are now: they could not be read, and what is in *login stays in use. */
void bus_login_keep(struct bus_login *login, const struct bus_access *access);

/* Takes a zeroed one, too. */
void bus_login_clear(struct bus_login *login);

/* clang-format off */
#define BUS_ACCESS_ROW(type, variable, member, text) \
	{ .env = variable, .offset = offsetof(type, nats.member), .fallback = "", .help = text }
/* The rows that every process has; `type` (the struct) has the member `struct bus_access nats`. */
#define CONFIG_ROWS_NATS(type) \
	{ .env = "SP_NATS_URL", .offset = offsetof(type, nats.urls), .secret = true, \
	  .help = "NATS server, or several separated by commas: nats://nats:4222 (tls://; user:password@ with %XX)" }, \
	BUS_ACCESS_ROW(type, "SP_NATS_CREDENTIALS", credentials, "File with a NATS user's JWT and seed (.creds)"), \
	BUS_ACCESS_ROW(type, "SP_NATS_NKEY", nkey, "File with a NATS user's NKey seed"), \
	BUS_ACCESS_ROW(type, "SP_NATS_USER", user, "NATS user, with SP_NATS_PASSWORD_FILE"), \
	BUS_ACCESS_ROW(type, "SP_NATS_PASSWORD_FILE", password_file, "File with the password of SP_NATS_USER"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TOKEN_FILE", token_file, "File with a NATS token"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TLS_CA", tls_ca, \
			    "PEM file of the authorities of NATS; empty: the system's, for tls:// and a server that asks"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TLS_CERT", tls_cert, "PEM file of our certificate for NATS"), \
	BUS_ACCESS_ROW(type, "SP_NATS_TLS_KEY", tls_key, "PEM file of its key")
/* clang-format on */

#endif
