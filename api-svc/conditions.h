/*
 * What a client makes a request depend on (RFC 9110 section 13). The API document says which operation takes which of
 * the headers, and what they look like; a request with any other is rejected, so that no condition is ever ignored.
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
 * operation  NULL: one that is not in the API document, and takes none.
 * header     the value of a header of the request; NULL: absent.
 * Errors: RC_INVALID_ARGUMENT which header it does not take.
 */
enum rc conditions_check(const struct openapi_operation *operation,
			 const char *(*header)(const void *ctx, const char *name), const void *ctx, struct error *err)
	must_check;

/* Write the value of If-Match, which is as the API document says, for a worker (common/protocol.h). NULL: nothing. */
void conditions_write_if_match(const char *value, struct json_writer *w);

/*
 * Whether If-None-Match matches the current version. Weak ones count (RFC 9110 section 8.8.3.2).
 *
 * value  as the API document says; NULL: absent.
 * etag   of what there is, without quotes; "": not known, and then only `*` does.
 */
bool conditions_name(const char *value, const char *etag);

#endif
