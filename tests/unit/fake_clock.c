#include "tests/unit/fake_clock.h"

#include <stdatomic.h>

#include "common/base/clock.h"
#include "common/base/thread.h"

#define SLICE_MS 5 /* interval of checks for changes of the clock */

static atomic_bool started;
static atomic_int_fast64_t ahead_ms;
static atomic_int jump_reads; /* until the jump */
static atomic_int_fast64_t jump_ms;
static atomic_bool jumped;

int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
int64_t __wrap_clock_mono_ms(void);
bool __real_thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms);
bool __wrap_thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms);
bool __real_thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const bool *done, int64_t timeout_ms);
bool __wrap_thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const bool *done, int64_t timeout_ms);

void fake_clock_start(void)
{
	atomic_store(&started, true);
}

void fake_clock_advance(int64_t ms)
{
	atomic_fetch_add(&ahead_ms, ms);
}

void fake_clock_jump_at(int reads, int64_t ms)
{
	atomic_store(&jumped, false);
	atomic_store(&jump_ms, ms);
	atomic_store(&jump_reads, reads);
}

bool fake_clock_has_jumped(void)
{
	return atomic_load(&jumped);
}

int64_t __wrap_clock_mono_ns(void)
{
	if (atomic_load(&jump_reads) > 0 && atomic_fetch_sub(&jump_reads, 1) == 1) {
		atomic_fetch_add(&ahead_ms, atomic_load(&jump_ms));
		atomic_store(&jumped, true);
	}
	return __real_clock_mono_ns() + atomic_load(&ahead_ms) * 1000000;
}

int64_t __wrap_clock_mono_ms(void)
{
	return __wrap_clock_mono_ns() / 1000000;
}

bool __wrap_thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms)
{
	if (!atomic_load(&started) || until_ms == INT64_MAX)
		return __real_thread_wait(cond, lock, until_ms);
	while (clock_mono_ms() < until_ms)
		if (__real_thread_wait(cond, lock, __real_clock_mono_ns() / 1000000 + SLICE_MS))
			return true;
	return false;
}

/* As the real one, with the thread_wait() above. */
bool __wrap_thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const bool *done, int64_t timeout_ms)
{
	int64_t until_ms = clock_mono_ms() + timeout_ms;

	if (!atomic_load(&started))
		return __real_thread_wait_until(cond, lock, done, timeout_ms);
	while (!*done && thread_wait(cond, lock, until_ms))
		;
	return *done;
}
