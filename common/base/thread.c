#include "common/base/thread.h"

#include <time.h>

#include "common/base/clock.h"

enum rc thread_start(void *(*run)(void *ctx), void *ctx, pthread_t *ret_thread, struct error *err)
{
	pthread_attr_t attributes;
	int errnum;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	errnum = pthread_create(ret_thread, &attributes, run, ctx);
	pthread_attr_destroy(&attributes);
	return errnum ? error_set(err, RC_INTERNAL, "start a thread: %s", error_errno_text(errnum)) : RC_OK;
}

bool thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms)
{
	const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

	if (until_ms == INT64_MAX)
		return pthread_cond_wait(cond, lock) == 0;
	if (until_ms <= 0) /* negative times are not valid */
		return false;
	return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &until) == 0;
}

bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const bool *done, int64_t timeout_ms)
{
	int64_t until_ms = clock_mono_ms() + timeout_ms;

	while (!*done && thread_wait(cond, lock, until_ms))
		;
	return *done;
}
