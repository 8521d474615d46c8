/*
 * Composes the worker request for a client's request: validated parameters and body, and operation-specific members (a
 * table in operation_request.c).
 */
#ifndef API_SVC_OPERATION_REQUEST_H
#define API_SVC_OPERATION_REQUEST_H

#include "api-svc/config.h"
#include "api-svc/document/openapi.h"
#include "api-svc/request.h"

/* All members are borrowed. */
struct operation_request {
	const struct api_config *config;
	const struct openapi_operation *document;
	struct request *request;
	struct http_exchange *exchange;
};

/* Whether its body may be a bare spec, without {"spec": ...}, as DCM sends it. */
bool operation_request_may_be_bare(const struct operation_request *o);

/* Add the errors of the parameters, and of the body, which is valid for its schema. */
void operation_request_check(const struct operation_request *o, struct faults *faults);
void operation_request_check_body(const struct operation_request *o, const cJSON *body, struct faults *faults);

/*
 * Set request->token, which identifies the request, so that a retry, or a repeat with the client's key, detects an
 * earlier execution. Returns false if libcrypto fails.
 */
bool operation_request_choose_token(const struct operation_request *o);

/*
 * Append the JSON. Sets the request's container_id (for a create), token and has_key.
 *
 * body NULL: none. bare: a spec without its envelope.
 * Errors: RC_INVALID_ARGUMENT an invalid handshake; RC_INTERNAL libcrypto fails. Check `out` with buf_check().
 */
enum rc operation_request_write(const struct operation_request *o, const cJSON *body, bool bare, struct buf *out,
				struct error *err) must_check;

/* The protocol version that a worker must support to execute the request correctly. */
const char *operation_request_version(const struct operation_request *o, const cJSON *body);

#endif
