/*
 * Who may ask a server of ours: bearer tokens (RFC 6750) from a file, and client certificates. Without any of the two
 * everybody may. Either is enough when there are both.
 *
 * The file (tokens.h) is read again when it changes; while it is invalid, what was read last counts.
 */
#ifndef COMMON_HTTP_ACCESS_H
#define COMMON_HTTP_ACCESS_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/http/tokens.h"

#define ACCESS_NAME_MAX TOKEN_NAME_MAX

struct access;

/* What a request needs. */
enum access_need {
	ACCESS_READ,
	ACCESS_CHANGE,
	ACCESS_EXEC, /* to run commands in containers */
};

/* What a client shows. */
struct access_proof {
	const char *authorization; /* the header; NULL: none */
	bool certificate;          /* signed by one of the authorities */
};

/* Append a line for what is wrong with the file; names `variable`, which leads to it. "": no file. */
void access_check(const char *variable, const char *tokens_file, struct buf *faults);

/*
 * variable      that leads to the file, for errors; static.
 * tokens_file   borrowed as long as the result lives; "": no tokens.
 * certificates  do client certificates count?
 * ret_access    owned by the caller (access_destroy).
 *
 * Errors: RC_NOT_FOUND, RC_INVALID_ARGUMENT, RC_TOO_LARGE, RC_NO_MEMORY, each naming the file.
 */
enum rc access_create(const char *variable, const char *tokens_file, bool certificates, struct access **ret_access,
		      struct error *err) must_check;

/* NULL is allowed. */
void access_destroy(struct access *access);

/*
 * Whether the client has the required rights. The time does not depend on how much of a token is right. Where there are
 * tokens, only one that is marked may run commands, whatever certificate is shown with it.
 *
 * ret_name  of the token, or "certificate"; "" when access is open.
 *
 * RC_UNAUTHENTICATED      no token that is known.
 * RC_PERMISSION_DENIED    the token may only read, or run no commands; or only certificates count and there is none:
 *                         HTTP's 401 would have to name a scheme by which to ask again, and TLS has none.
 * Threads: any. Looks at the file, once a second at most.
 */
enum rc access_decide(struct access *access, const struct access_proof *proof, enum access_need need,
		      char ret_name[ACCESS_NAME_MAX + 1], struct error *err) must_check;

#endif
