#include "common/base/thread.h"

#include <time.h>

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

bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const bool *done, int64_t timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!*done && pthread_cond_timedwait(cond, lock, &until) == 0)
		;
	return *done;
}
