/*
 * Sends the registration.
 */
#ifndef REGISTRAR_POSTER_H
#define REGISTRAR_POSTER_H

#include "common/resource.h"
#include "registrar/config.h"
#include "registrar/registration.h"

#define POSTER_TIMEOUT_MS 30000

struct poster;

/* For `check` of a config_program: appends a line if the CA certificates are invalid. */
void poster_check(const struct registrar_config *config, struct buf *faults);

/*
 * config: borrowed for the lifetime of the poster. type: as for payload_write().
 * ret_poster: owned by the caller (poster_destroy).
 * Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc poster_create(const struct registrar_config *config, enum resource_type type, struct poster **ret_poster,
		      struct error *err) must_check;

/* NULL is allowed. */
void poster_destroy(struct poster *poster);

/*
 * Post once, and return the result. The CA file is read again each time, since such files are rotated; if that fails,
 * the current content stays in use.
 *
 * timeout_ms  > 0, total.
 * cancelled   called every second: true aborts the request.
 *
 * Blocks: up to timeout_ms.  Threads: one at a time.
 */
void poster_post(struct poster *poster, int64_t timeout_ms, bool (*cancelled)(void *ctx), void *ctx,
		 struct registration_answer *ret_answer);

#endif
