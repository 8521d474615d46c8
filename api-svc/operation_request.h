/*
 * What a worker is sent for a client's request: its parameters and body as the API document has them, and what is the
 * operation's own (a table in operation_request.c).
 */
#ifndef API_SVC_OPERATION_REQUEST_H
#define API_SVC_OPERATION_REQUEST_H

#include "api-svc/config.h"
#include "api-svc/document/openapi.h"
#include "api-svc/request.h"

/* Borrowed, all of it. */
struct operation_request {
	const struct api_config *config;
	const struct openapi_operation *document;
	struct request *request;
	struct http_exchange *exchange;
};

/* May its body be a spec without its envelope, as DCM sends it? */
bool operation_request_may_be_bare(const struct operation_request *o);

/* Add what is wrong with the parameters, and with the body, which is valid by its schema. */
void operation_request_check(const struct operation_request *o, struct faults *faults);
void operation_request_check_body(const struct operation_request *o, const cJSON *body, struct faults *faults);

/*
 * Choose request->token: which request it is, so that an attempt, or a repeat with the client's key, finds what was
 * carried out before. False when libcrypto fails.
 */
bool operation_request_choose_token(const struct operation_request *o);

/*
 * Append the JSON. Fills the request's container_id (when it is a create's), token and has_key.
 *
 * body  NULL: there is none. bare: it is a spec without its envelope.
 * Errors: RC_INVALID_ARGUMENT a handshake that is wrong; RC_INTERNAL libcrypto fails. Whether `out` is complete,
 * buf_check() tells.
 */
enum rc operation_request_write(const struct operation_request *o, const cJSON *body, bool bare, struct buf *out,
				struct error *err) must_check;

/* The protocol's version that a worker must know, or it would do something else than what is asked for. */
const char *operation_request_version(const struct operation_request *o, const cJSON *body);

#endif
