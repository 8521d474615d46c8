#include "common/services/lifecycle.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/footprint.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/services/log.h"

#define SD_LIBRARY "libsystemd.so.0"
#define SETTLE_NS 2000000000LL /* delay of footprint_trim() after startup */
#define STOP_MORE_MS 5000      /* extra time for cleanup after the shutdown timeout */

typedef int (*sd_notify_function)(int unset_environment, const char *state);

static void handled_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

void lifecycle_ignore_broken_pipes(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, NULL);
}

void lifecycle_init(void)
{
	sigset_t set;

	handled_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	lifecycle_ignore_broken_pipes();
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }); /* denied by the units' filter, which set LimitCORE= */
}

/* libsystemd is optional at run time: loaded once, if NOTIFY_SOCKET is set. */
static void notify(const char *state)
{
	static sd_notify_function function;
	static bool looked;
	void *library;

	if (!getenv("NOTIFY_SOCKET"))
		return;
	if (!looked) {
		looked = true;
		library = dlopen(SD_LIBRARY, RTLD_NOW | RTLD_LOCAL);
		if (library)
			*(void **)&function = dlsym(library, "sd_notify"); /* cast as recommended by POSIX dlsym */
	}
	if (function)
		function(0, state);
}

/* Half of the watchdog interval in nanoseconds; 0: no watchdog. */
static int64_t watchdog_ns(void)
{
	const char *usec_text = getenv("WATCHDOG_USEC");
	const char *pid_text = getenv("WATCHDOG_PID");
	int64_t usec;
	int64_t pid;

	if (!usec_text || !str_parse_int64(usec_text, &usec) || usec <= 0)
		return 0;
	if (pid_text && (!str_parse_int64(pid_text, &pid) || pid != getpid()))
		return 0;
	return usec * 1000 / 2;
}

/* Whether a signal arrived within the timeout. 0: without a limit. */
static bool wait_for_signal(int64_t ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	sigset_t set;

	handled_signals(&set);
	return sigtimedwait(&set, NULL, ns ? &time : NULL) > 0;
}

void lifecycle_wait(bool (*alive)(void *ctx), void *ctx)
{
	int64_t watchdog = watchdog_ns();
	bool stopping = wait_for_signal(watchdog && watchdog < SETTLE_NS ? watchdog : SETTLE_NS);

	if (!stopping)
		footprint_trim();
	while (!stopping) {
		if (watchdog && (!alive || alive(ctx)))
			notify("WATCHDOG=1");
		stopping = wait_for_signal(watchdog);
	}
}

void lifecycle_stop(void)
{
	kill(getpid(), SIGTERM);
}

void lifecycle_notify_ready(void)
{
	notify("READY=1");
}

/* Read only by the guard thread, which outlives lifecycle_begin_stop(). */
static struct {
	int64_t after_ms;
	int exit_code;
} stop_limit;

static void *run_stop_guard(void *ctx unused)
{
	clock_sleep_ms(stop_limit.after_ms);
	log_warn("shutdown timed out; exiting");
	_exit(stop_limit.exit_code);
}

void lifecycle_begin_stop(int64_t timeout_ms, int exit_code)
{
	pthread_t guard;
	struct error err;

	stop_limit.after_ms = timeout_ms + STOP_MORE_MS;
	stop_limit.exit_code = exit_code;
	notify("STOPPING=1");
	if (thread_start(run_stop_guard, NULL, &guard, &err))
		log_warn("no time limit for the shutdown", log_err(&err));
	else
		pthread_detach(guard);
}

void lifecycle_notify_status(const char *status)
{
	char state[256];

	snprintf(state, sizeof(state), "STATUS=%s", status);
	notify(state);
}
