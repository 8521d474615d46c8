/*
 * Authentication for our servers: bearer tokens (RFC 6750) from a file, and client certificates. Without both there is
 * no authentication. With both, either is sufficient.
 *
 * The file (tokens.h) is read again when it changes; while it is invalid, the last valid content applies.
 */
#ifndef COMMON_HTTP_ACCESS_H
#define COMMON_HTTP_ACCESS_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/http/tokens.h"

#define ACCESS_NAME_MAX TOKEN_NAME_MAX

struct access;

/* The rights that a request needs. */
enum access_need {
	ACCESS_READ,
	ACCESS_CHANGE,
	ACCESS_EXEC, /* to run commands in containers */
};

/* The credentials of a client. */
struct access_proof {
	const char *authorization; /* the header; NULL: none */
	bool certificate;          /* signed by one of the CAs */
};

/* Append a line for an error in the file, with the name of its `variable`. "": no file. */
void access_check(const char *variable, const char *tokens_file, struct buf *faults);

/*
 * variable of the file, for errors; static.
 * tokens_file   borrowed for the lifetime of the result; "": no tokens.
 * certificates  whether client certificates are accepted
 * ret_access    owned by the caller (access_destroy).
 *
 * Errors: RC_NOT_FOUND, RC_INVALID_ARGUMENT, RC_TOO_LARGE, RC_NO_MEMORY, with the name of the file.
 */
enum rc access_create(const char *variable, const char *tokens_file, bool certificates, struct access **ret_access,
		      struct error *err) must_check;

/* NULL is allowed. */
void access_destroy(struct access *access);

/*
 * Whether the client has the required rights. Constant-time comparison. If there are tokens, only a token marked exec
 * may run commands, even with a certificate.
 *
 * ret_name  of the token, or "certificate"; "" without authentication.
 *
 * RC_UNAUTHENTICATED      missing or unknown token.
 * RC_PERMISSION_DENIED    the token is read-only, or may not run commands; or only certificates are accepted and there
 *                         is none: a 401 would need an HTTP authentication scheme.
 * Threads: any. Checks the file for changes, at most once per second.
 */
enum rc access_decide(struct access *access, const struct access_proof *proof, enum access_need need,
		      char ret_name[ACCESS_NAME_MAX + 1], struct error *err) must_check;

#endif
