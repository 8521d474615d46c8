/*
 * Error responses: problem documents (RFC 9457), and the table from error codes to HTTP statuses.
 */
#ifndef API_SVC_PROBLEM_H
#define API_SVC_PROBLEM_H

#include "api-svc/document/faults.h"
#include "api-svc/http/http_server.h"
#include "common/base/error.h"
#include "common/services/json.h"

#define PROBLEM_MEDIA_TYPE "application/problem+json"
#define PROBLEM_METHOD_NOT_ALLOWED 405

struct problem {
	const struct error *error;   /* code and message, which becomes `detail` */
	unsigned status;             /* 0: the default of the code */
	const char *instance;        /* the path of the request */
	const char *request_id;      /* in the detail of internal errors */
	const struct faults *faults; /* becomes `errors`; NULL: none */
	const cJSON *worker_faults;  /* the same from a worker, as an array; NULL: none */
};

/* The HTTP status of a code. */
unsigned problem_status(enum rc rc);

/*
 * Compose the response. Internal errors have a generic detail, with the message only in the log. If out of memory, the
 * response has no body.
 */
struct http_answer problem_answer(const struct problem *problem);

#endif
