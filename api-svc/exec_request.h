/*
 * Command requests: rules that the API document cannot express, and the request to the worker.
 */
#ifndef API_SVC_EXEC_REQUEST_H
#define API_SVC_EXEC_REQUEST_H

#include <stdint.h>

#include "api-svc/document/faults.h"
#include "api-svc/http/target.h"
#include "common/services/json_write.h"

/* Add an error if none of stdin, stdout and stderr is requested; stderr does not count with a terminal. */
void exec_request_check(const struct target *target, struct faults *faults);

/*
 * Write the members of a worker request from the validated query. With a terminal there is no stderr, as in Kubernetes.
 */
void exec_request_write(const struct target *target, struct json_writer *w);

/* Add an error for an invalid timeout in the body, or one above `max_ms`. */
void exec_request_check_body(const cJSON *body, int64_t max_ms, struct faults *faults);

/* The timeout of a command from a validated body; default `max_ms`. */
int64_t exec_request_timeout_ms(const cJSON *body, int64_t max_ms);

/* The audit log entry of a command: only its first word, no arguments. */
struct exec_use {
	const char *client; /* the token's name; "": unknown */
	const char *id;
	const char *program; /* logged up to its first white space, in case that it is a whole command line */
	const char *request_id;
};
void exec_request_log(const struct exec_use *use);

#endif
