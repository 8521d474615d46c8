/*
 * Threads with small stacks, because the processes have many, and waits with a timeout on the monotonic clock, so that
 * a step of the wall clock does not affect them.
 */
#ifndef COMMON_BASE_THREAD_H
#define COMMON_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

#define THREAD_STACK_BYTES (256 * 1024)

/* Start a joinable thread. ret_thread: joined by the caller. Errors: RC_INTERNAL. */
enum rc thread_start(void *(*run)(void *ctx), void *ctx, pthread_t *ret_thread, struct error *err) must_check;

/*
 * Wait for `cond` (initialised with any attributes) to be signalled, until until_ms at most; the lock is held by the
 * caller. Spurious wakeups are possible, as with pthread_cond_wait().
 *
 * until_ms  clock_mono_ms(); INT64_MAX: forever.
 *
 * Returns false on timeout. Blocks.
 */
bool thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms);

/* Wait until `*done` is true or timeout_ms have passed; otherwise as thread_wait(). Returns *done. Blocks. */
bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const bool *done, int64_t timeout_ms);

#endif
