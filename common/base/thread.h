/*
 * Threads with small stacks: our processes have many and keep little on them.
 */
#ifndef COMMON_BASE_THREAD_H
#define COMMON_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

#define THREAD_STACK_BYTES (256 * 1024)

/* Start a joinable thread. ret_thread: to be joined by the caller. Errors: RC_INTERNAL. */
enum rc thread_start(void *(*run)(void *ctx), void *ctx, pthread_t *ret_thread, struct error *err) must_check;

/*
 * Wait for `cond` (of the default clock) until `*done` is true or timeout_ms have passed; the lock is held by the
 * caller. Returns *done. Blocks.
 */
bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const bool *done, int64_t timeout_ms);

#endif
