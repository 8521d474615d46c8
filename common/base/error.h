/*
 * What went wrong: a code to decide on and a sentence to read.
 *
 * A function that can fail returns `enum rc` and takes `struct error *err` last (NULL: the caller does not want the
 * text). On failure its `ret_*` parameters are untouched. The origin calls error_set(), every level above that knows
 * more calls error_wrap(); the function that handles the error logs it, once.
 */
#ifndef COMMON_BASE_ERROR_H
#define COMMON_BASE_ERROR_H

#include <stdbool.h>

#include "common/base/compiler.h"

#define ERROR_TEXT_MAX 512 /* bytes with the terminating NUL; longer text is cut at a character border */

enum rc {
	RC_OK = 0,
	RC_INVALID_ARGUMENT,  /* the request is wrong; the same request fails again */
	RC_UNAUTHENTICATED,   /* the client is not known */
	RC_PERMISSION_DENIED, /* understood and rejected */
	RC_NOT_FOUND,
	RC_ALREADY_EXISTS,
	RC_CONFLICT,     /* a precondition did not hold: the object is another one by now */
	RC_PRECONDITION, /* a condition of the client's does not hold: nothing was done (HTTP: 412) */
	RC_KEY_REUSED,   /* an Idempotency-Key that was used for another request */
	RC_TOO_LARGE,
	RC_UNSUPPORTED_ENCODING, /* the content is compressed (HTTP: 415) */
	RC_EXPIRED,              /* a continuation or a resourceVersion is too old (Kubernetes: 410) */
	RC_UNSUPPORTED,          /* an operation or a protocol version that this side does not know */
	RC_UNIMPLEMENTED,        /* what the cluster has no means for (HTTP: 501) */
	RC_NOT_STARTED,          /* what is asked for is yet to begin, for a reason that is told (HTTP: 409) */
	RC_BUSY,                 /* rejected before anything was started; ask again or ask another */
	RC_PENDING,              /* the same request is running already; ask again for its result */
	RC_CANCELLED,            /* the attempt is obsolete: nothing may be written for it */
	RC_UNAVAILABLE,          /* something that we need is away; the outcome may be unknown */
	RC_TIMEOUT,              /* the deadline passed; the outcome may be unknown */
	RC_NO_MEMORY,
	RC_INTERNAL, /* our own fault */
	RC_COUNT
};

struct error {
	enum rc rc;
	int retry_after_s; /* seconds that the other side asked us to wait; 0: it did not say */
	char text[ERROR_TEXT_MAX];
};

/*
 * Set code and sentence, and return the code: `return error_set(err, RC_NOT_FOUND, "pod '%s' does not exist", name);`
 * err may be NULL. retry_after_s becomes 0. Text: what was tried, on which object, why; no newline, no full stop.
 */
enum rc error_set(struct error *err, enum rc rc, const char *fmt, ...) printf_format(3, 4);

/* Put context before the sentence that is there ("context: sentence"), keep retry_after_s, and return `rc`. */
enum rc error_wrap(struct error *err, enum rc rc, const char *fmt, ...) printf_format(3, 4);

/* Set RC_NO_MEMORY with a constant sentence. Allocates nothing. */
enum rc error_no_memory(struct error *err);

/* The code's name on the wire, in logs and in problem documents' `type`, for example "NOT_FOUND"; never NULL. */
const char *rc_name(enum rc rc);

/* The code of that name; RC_INTERNAL for a name that is not known (a newer peer's). */
enum rc rc_from_name(const char *name);

/* The text of an errno value ("No such file or directory"); static, safe in every thread; never NULL. */
const char *error_errno_text(int errnum);

#endif
