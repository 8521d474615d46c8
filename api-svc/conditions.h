/*
 * Conditional requests (RFC 9110 section 13). The API document defines the headers that each operation supports, and
 * their syntax; a request with any other condition is rejected, so that conditions are never ignored.
 */
#ifndef API_SVC_CONDITIONS_H
#define API_SVC_CONDITIONS_H

#include <stdbool.h>

#include "api-svc/document/openapi.h"
#include "common/services/json_write.h"

#define CONDITIONS_IF_MATCH "If-Match"
#define CONDITIONS_IF_NONE_MATCH "If-None-Match"

/*
 * Whether the operation supports all conditions of the request.
 *
 * operation  NULL: not in the API document, supports none.
 * header     returns the value of a request header; NULL: absent.
 * Errors: RC_INVALID_ARGUMENT with the unsupported header.
 */
enum rc conditions_check(const struct openapi_operation *operation,
			 const char *(*header)(const void *ctx, const char *name), const void *ctx, struct error *err)
	must_check;

/* Write the validated value of If-Match for a worker (common/protocol.h). NULL: nothing. */
void conditions_write_if_match(const char *value, struct json_writer *w);

/*
 * Whether If-None-Match matches the current version. Weak comparison (RFC 9110 section 8.8.3.2).
 *
 * value validated; NULL: absent.
 * etag   of the container, without quotes; "": unknown, then only `*` matches.
 */
bool conditions_name(const char *value, const char *etag);

#endif
