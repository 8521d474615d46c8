/*
 * Errors as REST clients see them: problem documents (RFC 9457), and the one table from our codes to HTTP.
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
	const struct error *error;   /* the code, and the sentence that becomes `detail` */
	unsigned status;             /* 0: the one that belongs to the code */
	const char *instance;        /* the path of the request */
	const char *request_id;      /* shown in the detail of our own faults */
	const struct faults *faults; /* becomes `errors`; NULL: none */
	const cJSON *worker_faults;  /* the same from a worker, as an array; NULL: none */
};

/* The HTTP status of a code. */
unsigned problem_status(enum rc rc);

/*
 * Make the answer. Our own faults get a general detail: what happened is in the log. When out of memory the
 * answer has no body.
 */
struct http_answer problem_answer(const struct problem *problem);

#endif
