/*
 * Runs a program and collects its output. Without a shell; safe in a multi-threaded process.
 */
#ifndef COMMON_ADAPTERS_SUBPROCESS_H
#define COMMON_ADAPTERS_SUBPROCESS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define SUBPROCESS_COMPLAINT_MAX 2048 /* bytes of stderr that are kept (the last ones), with the NUL */

struct subprocess {
	const char *const *argv; /* NULL at the end; argv[0] is searched in PATH if it has no slash */
	const char *const *env;  /* "NAME=value", NULL at the end: the whole environment */
	int64_t timeout_ms;
	size_t output_max;       /* bytes of stdout; more is RC_TOO_LARGE */
	const atomic_bool *stop; /* set by another thread to cancel it; NULL: never */
};

struct subprocess_result {
	int exit_code; /* -1: terminated by a signal */
	int signal;    /* 0: none */
	char *output;  /* stdout, NUL-terminated; may be a secret, so it is wiped */
	size_t output_len;
	size_t output_size; /* of the block */
	char complaint[SUBPROCESS_COMPLAINT_MAX];
	size_t complaint_len;
};

/*
 * Run to the end. The program gets /dev/null as stdin, none of our descriptors, no blocked or ignored signals, and its
 * own process group. The group is killed when the program has exited, timed out, printed too much or was stopped: no
 * process of the group is left when this returns.
 *
 * result is overwritten (subprocess_result_clear, also after an error).
 *
 * Returns RC_OK if it exited, with any status; RC_NOT_FOUND no such program; RC_UNAVAILABLE it cannot be started or was
 * stopped; RC_TIMEOUT; RC_TOO_LARGE; RC_NO_MEMORY. Blocks: up to timeout_ms; 50 ms once it is stopped.  Threads: any.
 */
enum rc subprocess_run(const struct subprocess *program, struct subprocess_result *result, struct error *err)
	must_check;

/* Wipe and free. A zeroed struct is allowed. */
void subprocess_result_clear(struct subprocess_result *result);
#define cleanup_subprocess_result cleanup_with(subprocess_result_clear)

#endif
