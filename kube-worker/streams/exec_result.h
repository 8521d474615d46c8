/*
 * The output and the result of a command. Pure.
 */
#ifndef KUBE_WORKER_STREAMS_EXEC_RESULT_H
#define KUBE_WORKER_STREAMS_EXEC_RESULT_H

#include "common/base/buf.h"
#include "common/base/error.h"

#define EXEC_OUTPUT_MAX (1024u * 1024) /* bytes of stdout, and of stderr */

struct exec_output {
	struct buf kept;
	bool truncated; /* there was more */
};

struct exec_result {
	int exit_code;
	bool ended; /* exit_code is valid */
	struct exec_output out;
	struct exec_output err;
};

struct exec_result exec_result_make(void);
void exec_result_clear(struct exec_result *result);

/* Append output: EXEC_STDOUT, EXEC_STDERR. */
void exec_result_add(struct exec_result *result, unsigned channel, const char *data, size_t len);

/*
 * Parse the final Status from Kubernetes.
 *
 * Errors: RC_INVALID_ARGUMENT the program does not exist, or cannot be executed; RC_TIMEOUT other failures, with the
 * reason: the command may have been started.
 */
enum rc exec_result_end(struct exec_result *result, const char *status, size_t len, struct error *err) must_check;

/*
 * Append the result as JSON. Binary output (not UTF-8, with a NUL, or with more than a quarter of control characters)
 * is written in base64. Text is never truncated within a character. Check the buffer for failure.
 */
void exec_result_write(const struct exec_result *result, struct buf *out);

#endif
