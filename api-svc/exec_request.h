/*
 * What the API document cannot express of a request for a command, and what a worker is sent of it.
 */
#ifndef API_SVC_EXEC_REQUEST_H
#define API_SVC_EXEC_REQUEST_H

#include <stdint.h>

#include "api-svc/document/faults.h"
#include "api-svc/http/target.h"
#include "common/services/json_write.h"

/* Add to `faults` a query that wants none of stdin, stdout and stderr. */
void exec_request_check(const struct target *target, struct faults *faults);

/*
 * Write the members of a request to a worker, from the query; it has passed exec_request_check() and the API document's
 * rules. With a terminal there is no stderr, as Kubernetes has it.
 */
void exec_request_write(const struct target *target, struct json_writer *w);

/* Add to `faults` a body's timeout that is none, or above `max_ms`. */
void exec_request_check_body(const cJSON *body, int64_t max_ms, struct faults *faults);

/* How long a command may take, from a body that has passed that; `max_ms` when it does not say. */
int64_t exec_request_timeout_ms(const cJSON *body, int64_t max_ms);

/* Who runs what is its own event in the log: the command's first word, and nothing that comes after it. */
struct exec_use {
	const char *client; /* the token's name; "": not known */
	const char *id;
	const char *program;
	const char *request_id;
};
void exec_request_log(const struct exec_use *use);

#endif
