/*
 * LD_PRELOAD library: the wall clock of a process is ahead by the nanoseconds in the file CLOCK_SHIFT (an int64_t in
 * the machine's order; it may change at any time). Waits that go by the wall clock follow it, as they do when a clock
 * is set; the monotonic clock does not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define LOOK_NS (SECOND_NS / 10) /* the delay of a wait that should end because the clock was set forward */
#define WAITS_MONOTONIC 2u       /* in __wrefs of glibc's condition variables (nptl/pthread_cond_common.c) */

static _Atomic int64_t *shift;

__attribute__((constructor)) static void open_shift(void)
{
	int fd = open(getenv("CLOCK_SHIFT"), O_RDONLY | O_CLOEXEC);

	shift = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
	if (shift == MAP_FAILED)
		abort();
	close(fd);
}

static struct timespec from_ns(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS };
}

static int64_t in_ns(const struct timespec *time)
{
	return time->tv_sec * SECOND_NS + time->tv_nsec;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int result;

	if (!real)
		real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(clock, now);
	if (result == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		*now = from_ns(in_ns(now) + atomic_load(shift));
	return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec time;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &time);
	*now = (struct timeval){ .tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
			   const struct timespec *restrict until)
{
	if (cond->__data.__wrefs & WAITS_MONOTONIC)
		return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, until);
	for (;;) { /* it may be set meanwhile */
		struct timespec wall, mono;
		int64_t left;
		int result;

		clock_gettime(CLOCK_REALTIME, &wall);
		left = in_ns(until) - in_ns(&wall);
		if (left <= 0)
			return ETIMEDOUT;
		clock_gettime(CLOCK_MONOTONIC, &mono);
		mono = from_ns(in_ns(&mono) + (left < LOOK_NS ? left : LOOK_NS));
		result = pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &mono);
		if (result != ETIMEDOUT)
			return result;
	}
}
