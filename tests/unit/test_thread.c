#include <criterion/criterion.h>

#include "common/base/clock.h"
#include "common/base/compiler.h"
#include "common/base/thread.h"

Test(thread, a_wait_ends_on_timeout)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	const int64_t pasts[] = { INT64_MIN, -1, 0, 1, clock_mono_ms() };
	int64_t began_ms = clock_mono_ms();
	bool done = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ARRAY_LEN(pasts); i++)
		cr_expect_not(thread_wait(&cond, &lock, pasts[i]), "%zu", i);
	cr_expect_not(thread_wait_until(&cond, &lock, &done, -5));
	cr_expect_not(thread_wait_until(&cond, &lock, &done, 40));
	cr_expect_geq(clock_mono_ms() - began_ms, 40);
	done = true;
	cr_expect(thread_wait_until(&cond, &lock, &done, 0));
	pthread_mutex_unlock(&lock);
}

struct signalled {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
};

static void *signal_it(void *ctx)
{
	struct signalled *signalled = ctx;

	pthread_mutex_lock(&signalled->lock);
	signalled->done = true;
	pthread_cond_signal(&signalled->cond);
	pthread_mutex_unlock(&signalled->lock);
	return NULL;
}

Test(thread, a_wait_without_limit_ends_with_the_signal)
{
	struct signalled signalled = { .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	pthread_t thread;

	cr_assert_eq(thread_start(signal_it, &signalled, &thread, NULL), RC_OK);
	pthread_mutex_lock(&signalled.lock);
	while (!signalled.done)
		cr_expect(thread_wait(&signalled.cond, &signalled.lock, INT64_MAX));
	pthread_mutex_unlock(&signalled.lock);
	pthread_join(thread, NULL);
}
