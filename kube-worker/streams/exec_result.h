/*
 * What a command that was run to its end has said, and how it has ended. Pure.
 */
#ifndef KUBE_WORKER_STREAMS_EXEC_RESULT_H
#define KUBE_WORKER_STREAMS_EXEC_RESULT_H

#include "common/base/buf.h"
#include "common/base/error.h"

#define EXEC_OUTPUT_MAX (1024u * 1024) /* bytes that are kept of stdout, and of stderr */

struct exec_output {
	struct buf kept;
	bool truncated; /* there was more */
};

struct exec_result {
	int exit_code;
	bool ended; /* exit_code is known */
	struct exec_output out;
	struct exec_output err;
};

struct exec_result exec_result_make(void);
void exec_result_clear(struct exec_result *result);

/* Keep output: EXEC_STDOUT, EXEC_STDERR. */
void exec_result_add(struct exec_result *result, unsigned channel, const char *data, size_t len);

/*
 * Read the Status by which Kubernetes says how a command has ended.
 *
 * Errors: RC_INVALID_ARGUMENT there is no such program, or none that can be run; RC_UNAVAILABLE it could not be run for
 * another reason, which the text says.
 */
enum rc exec_result_end(struct exec_result *result, const char *status, size_t len, struct error *err) must_check;

/*
 * Append the result as JSON. Output that is no text is in base64: no UTF-8, with a NUL in it, or with more than a
 * quarter of control characters. Truncated text ends with a whole character. Failure is the buffer's.
 */
void exec_result_write(const struct exec_result *result, struct buf *out);

#endif
