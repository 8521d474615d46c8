/*
 * The state of an HTTP request in the API.
 */
#ifndef API_SVC_REQUEST_H
#define API_SVC_REQUEST_H

#include <stdint.h>

#include "api-svc/api_ids.h"
#include "api-svc/document/faults.h"
#include "api-svc/http/http_server.h"
#include "api-svc/http/target.h"
#include "api-svc/pipeline/worker_debt.h"
#include "api-svc/router.h"
#include "common/http/access.h"
#include "common/protocol.h"

#define REQUEST_KEY_HEADER "Idempotency-Key"

struct stream_answer;
struct watcher;

struct request {
	char id[PROTOCOL_REQUEST_ID_MAX + 1];
	char traceparent[64]; /* "": none */
	int64_t begun_ns;
	struct target target;
	struct router_match match;
	char container_id[PROTOCOL_ID_MAX + 1]; /* "": none, or invalid */
	char token[PROTOCOL_TOKEN_MAX];         /* of a create */
	bool has_key;
	struct stream_answer *stream;     /* source of the response; NULL: none */
	struct watcher *watcher;          /* the same */
	struct worker_debt *debt;         /* of a settled create; NULL: none */
	char client[ACCESS_NAME_MAX + 1]; /* name of the client; "": unknown */
	unsigned status;                  /* of the response; 0: none yet */
};

/*
 * Create it: request id, traceparent and time. It becomes the exchange's user pointer. NULL if out of memory.
 */
struct request *request_create(struct http_exchange *exchange);

/* Free it. NULL is allowed. */
void request_destroy(struct request *r);

/* http_exchange_header() as a callback; ctx is the exchange. */
const char *request_header(const void *ctx, const char *name);

/* The path, for `instance` and the log; never NULL. */
const char *request_path(const struct request *r);

/*
 * Respond in handle(): with an error, with validation errors, or with a static text (headers: as in http_answer).
 * Return HTTP_ANSWERED.
 */
enum http_handled request_answer_error(struct request *r, struct http_exchange *exchange, const struct error *err);
/* With a status other than the default of the code. */
enum http_handled request_answer_status(struct request *r, struct http_exchange *exchange, const struct error *err,
					unsigned status);
enum http_handled request_answer_faults(struct request *r, struct http_exchange *exchange, const struct faults *faults);
enum http_handled request_answer_static(struct request *r, struct http_exchange *exchange, const char *content_type,
					const char *const *headers, const char *text, size_t len);

/* The log line at its end. */
void request_log(const struct request *r, const struct http_exchange *exchange, bool delivered);

#endif
