/*
 * Errors: a code for decisions and a message for the reader.
 *
 * A function that can fail returns `enum rc` and takes `struct error *err` last (NULL: no message). On failure its
 * `ret_*` parameters are untouched. The origin calls error_set(), callers with more context call error_wrap(); the
 * function that handles the error logs it, once.
 */
#ifndef COMMON_BASE_ERROR_H
#define COMMON_BASE_ERROR_H

#include <stdbool.h>

#include "common/base/compiler.h"

#define ERROR_TEXT_MAX 512 /* bytes with the terminating NUL; longer text is truncated at a character boundary */

enum rc {
	RC_OK = 0,
	RC_INVALID_ARGUMENT,  /* the request is invalid; a retry would fail again */
	RC_UNAUTHENTICATED,   /* missing or unknown credentials */
	RC_PERMISSION_DENIED, /* insufficient rights */
	RC_NOT_FOUND,
	RC_ALREADY_EXISTS,
	RC_CONFLICT,     /* a precondition failed: the object has changed */
	RC_PRECONDITION, /* a condition of the client failed: nothing was changed (HTTP: 412) */
	RC_KEY_REUSED,   /* the Idempotency-Key was used for another request */
	RC_TOO_LARGE,
	RC_UNSUPPORTED_ENCODING, /* the content is compressed (HTTP: 415) */
	RC_EXPIRED,              /* a continue token or a resourceVersion has expired (Kubernetes: 410) */
	RC_UNSUPPORTED,          /* unknown operation or protocol version */
	RC_UNIMPLEMENTED,        /* not supported by the cluster (HTTP: 501) */
	RC_NOT_STARTED,          /* not started yet; the message has the reason (HTTP: 409) */
	RC_BUSY,                 /* rejected before anything was started; retry, or try another worker */
	RC_PENDING,              /* the same request is already running; retry for its result */
	RC_CANCELLED,            /* the attempt is obsolete and must not write */
	RC_UNAVAILABLE,          /* a dependency is unavailable; the outcome may be unknown */
	RC_TIMEOUT,              /* the deadline expired; the outcome may be unknown */
	RC_NO_MEMORY,
	RC_INTERNAL, /* internal error */
	RC_COUNT
};

struct error {
	enum rc rc;
	int retry_after_s; /* Retry-After of the peer, seconds; 0: none */
	char text[ERROR_TEXT_MAX];
};

/*
 * Set code and message, and return the code: `return error_set(err, RC_NOT_FOUND, "pod '%s' does not exist", name);`
 * err may be NULL. retry_after_s becomes 0. Text: what was tried, on which object, why; no newline, no full stop.
 */
enum rc error_set(struct error *err, enum rc rc, const char *fmt, ...) printf_format(3, 4);

/* Prefix the message with context ("context: message"), keep retry_after_s, and return `rc`. */
enum rc error_wrap(struct error *err, enum rc rc, const char *fmt, ...) printf_format(3, 4);

/* Set RC_NO_MEMORY with a constant message. Allocates nothing. */
enum rc error_no_memory(struct error *err);

/* The name of the code in messages, logs and the `type` of problem documents, for example "NOT_FOUND"; never NULL. */
const char *rc_name(enum rc rc);

/* The code with that name; RC_INTERNAL for an unknown name (of a newer peer). */
enum rc rc_from_name(const char *name);

/* The text of an errno value ("No such file or directory"); static, safe in every thread; never NULL. */
const char *error_errno_text(int errnum);

#endif
