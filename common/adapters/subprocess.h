/*
 * Runs a program and collects what it prints. Without a shell; safe in a process with many threads.
 */
#ifndef COMMON_ADAPTERS_SUBPROCESS_H
#define COMMON_ADAPTERS_SUBPROCESS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define SUBPROCESS_COMPLAINT_MAX 2048 /* bytes of stderr that are kept, with the NUL: the last ones */

struct subprocess {
	const char *const *argv; /* NULL at the end; argv[0] is looked for in PATH when it has no slash */
	const char *const *env;  /* "NAME=value", NULL at the end: the whole environment */
	int64_t timeout_ms;
	size_t output_max;       /* bytes of stdout; more is RC_TOO_LARGE */
	const atomic_bool *stop; /* set by another thread: it is no longer wanted. NULL: never */
};

struct subprocess_result {
	int exit_code; /* -1: a signal ended it */
	int signal;    /* 0: none */
	char *output;  /* what stood on stdout, NUL-terminated; perhaps a secret, so it is wiped */
	size_t output_len;
	size_t output_size; /* of the block */
	char complaint[SUBPROCESS_COMPLAINT_MAX];
	size_t complaint_len;
};

/*
 * Run to the end. The program gets /dev/null as stdin, none of our descriptors, no blocked or ignored signals, and its
 * own process group, which is killed when the program has ended, the time is over, the output is too long, or it is
 * stopped: nothing of the group is left when this returns.
 *
 * result  is filled anew (subprocess_result_clear, also after an error).
 *
 * Returns RC_OK when it ended by itself, however; RC_NOT_FOUND no such program; RC_UNAVAILABLE it cannot be started;
 * or was stopped; RC_TIMEOUT; RC_TOO_LARGE; RC_NO_MEMORY. Blocks: up to timeout_ms; 50 ms once it is stopped.  Threads:
 * any.
 */
enum rc subprocess_run(const struct subprocess *program, struct subprocess_result *result, struct error *err)
	must_check;

/* Wipe and free. A zeroed struct is allowed. */
void subprocess_result_clear(struct subprocess_result *result);
#define cleanup_subprocess_result cleanup_with(subprocess_result_clear)

#endif
