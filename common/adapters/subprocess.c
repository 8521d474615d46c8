#include "common/adapters/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"

#define READ_BYTES 4096
#define READS_AT_ONCE 32 /* more than a pipe holds; limited so that verbose output does not delay the timeout check */
#define TICK_MS 50       /* interval of checks for its exit while its stdout is open */
#define LAST_TICK_MS 2   /* after stdout is closed */

struct child {
	pid_t pid;
	int out; /* parent's ends; -1: closed */
	int err;
	bool lost; /* reaped by the kernel (SIGCHLD ignored) */
	size_t output_max;
	struct subprocess_result *result;
};

void subprocess_result_clear(struct subprocess_result *result)
{
	if (result->output)
		explicit_bzero(result->output, result->output_len);
	free(result->output);
	*result = (struct subprocess_result){ 0 };
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static int set_actions(posix_spawn_file_actions_t *actions, int out, int err)
{
	int errnum = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO);
	if (!errnum) /* libraries do not mark all of theirs as close-on-exec */
		errnum = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	return errnum;
}

/* Signal mask and ignored signals would be inherited. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes,
					POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

/* Start it with the given stdout and stderr. Returns an errno value. */
static int spawn(const struct subprocess *program, int out, int err, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int errnum;

	errnum = posix_spawn_file_actions_init(&actions);
	if (errnum)
		return errnum;
	errnum = posix_spawnattr_init(&attributes);
	if (!errnum) {
		errnum = set_actions(&actions, out, err);
		if (!errnum)
			errnum = set_attributes(&attributes);
		if (!errnum)
			errnum = posix_spawnp(ret_pid, program->argv[0], &actions, &attributes,
					      (char *const *)(uintptr_t)program->argv,
					      (char *const *)(uintptr_t)program->env);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return errnum;
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static enum rc start(const struct subprocess *program, struct child *child, struct error *err)
{
	int out[2];
	int complaints[2];
	int errnum;

	if (pipe2(out, O_CLOEXEC) < 0)
		return error_set(err, RC_UNAVAILABLE, "make a pipe: %s", error_errno_text(errno));
	if (pipe2(complaints, O_CLOEXEC) < 0) {
		errnum = errno;
		close_pair(out);
		return error_set(err, RC_UNAVAILABLE, "make a pipe: %s", error_errno_text(errnum));
	}
	errnum = spawn(program, out[1], complaints[1], &child->pid);
	if (errnum) {
		close_pair(out);
		close_pair(complaints);
		return error_set(err, errnum == ENOENT ? RC_NOT_FOUND : RC_UNAVAILABLE, "cannot be started: %s%s",
				 error_errno_text(errnum), strchr(program->argv[0], '/') ? "" : " (searched in PATH)");
	}
	close(out[1]);
	close(complaints[1]);
	child->out = out[0];
	child->err = complaints[0];
	(void)fcntl(child->out, F_SETFL, O_NONBLOCK); /* cannot fail for our own pipe */
	(void)fcntl(child->err, F_SETFL, O_NONBLOCK);
	return RC_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Read available data into `bytes`; 0: nothing now. At end of file *fd becomes -1. */
static size_t read_some(int *fd, char *bytes, size_t size)
{
	ssize_t got;

	if (*fd < 0)
		return 0;
	do
		got = read(*fd, bytes, size);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	if (got == 0 || errno != EAGAIN) {
		close(*fd);
		*fd = -1;
	}
	return 0;
}

static enum rc read_output(struct child *child, struct error *err)
{
	struct subprocess_result *r = child->result;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		size_t got = read_some(&child->out, r->output + r->output_len, r->output_size - r->output_len - 1);

		r->output_len += got;
		if (r->output_len > child->output_max)
			return error_set(err, RC_TOO_LARGE, "output of more than %zu bytes", child->output_max);
		if (got == 0)
			break;
	}
	return RC_OK;
}

/* Keep the last bytes, which contain the reason. */
static void read_complaint(struct child *child)
{
	struct subprocess_result *r = child->result;
	char bytes[READ_BYTES];

	for (int i = 0; i < READS_AT_ONCE; i++) {
		size_t got = read_some(&child->err, bytes, sizeof(bytes));
		size_t take = got < SUBPROCESS_COMPLAINT_MAX - 1 ? got : SUBPROCESS_COMPLAINT_MAX - 1;
		size_t room = SUBPROCESS_COMPLAINT_MAX - 1 - r->complaint_len;

		if (got == 0)
			break;
		if (take > room) {
			memmove(r->complaint, r->complaint + (take - room), r->complaint_len - (take - room));
			r->complaint_len -= take - room;
		}
		memcpy(r->complaint + r->complaint_len, bytes + got - take, take);
		r->complaint_len += take;
		r->complaint[r->complaint_len] = '\0';
	}
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

/* It stays a zombie, so that its pid and process group id are not reused. */
static bool has_ended(struct child *child)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
		/* SIGCHLD is ignored, so the status is lost: only the output is evaluated. */
		child->lost = errno == ECHILD;
		return child->lost;
	}
	if (info.si_pid == 0)
		return false;
	if (info.si_code == CLD_EXITED) {
		child->result->exit_code = info.si_status;
	} else {
		child->result->exit_code = -1;
		child->result->signal = info.si_status;
	}
	return true;
}

/* Including its children. If this process is pid 1 of a container, it must reap the orphans. */
static void end_group(const struct child *child)
{
	if (child->lost)
		return; /* the pid may have been reused */
	kill(-child->pid, SIGKILL);
	while (waitpid(-child->pid, NULL, 0) > 0 || errno == EINTR)
		;
}

static enum rc follow(struct child *child, const struct subprocess *program, struct error *err)
{
	int64_t deadline_ms = clock_mono_ms() + program->timeout_ms;

	for (;;) {
		bool ended = has_ended(child); /* before reading: all its output is in the pipes then */
		int64_t left_ms = deadline_ms - clock_mono_ms();
		int64_t tick_ms = child->out < 0 ? LAST_TICK_MS : TICK_MS;
		struct pollfd fds[2];
		enum rc rc = read_output(child, err);

		read_complaint(child);
		if (rc || ended)
			return rc;
		if (program->stop && atomic_load(program->stop))
			return error_set(err, RC_UNAVAILABLE, "cancelled");
		if (left_ms <= 0)
			return error_set(err, RC_TIMEOUT, "timeout after %lld ms", (long long)program->timeout_ms);
		fds[0] = (struct pollfd){ .fd = child->out, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = child->err, .events = POLLIN };
		(void)poll(fds, ARRAY_LEN(fds), (int)(tick_ms < left_ms ? tick_ms : left_ms)); /* only a wait */
	}
}

enum rc subprocess_run(const struct subprocess *program, struct subprocess_result *result, struct error *err)
{
	struct child child = { .out = -1, .err = -1, .output_max = program->output_max, .result = result };
	enum rc rc;

	*result = (struct subprocess_result){ .output_size = program->output_max + 2 };
	result->output = calloc(1, result->output_size); /* allocated once: growing would leave copies of secrets */
	if (!result->output)
		return error_no_memory(err);
	rc = start(program, &child, err);
	if (rc)
		return rc;
	rc = follow(&child, program, err);
	end_group(&child);
	if (child.out >= 0)
		close(child.out);
	if (child.err >= 0)
		close(child.err);
	return rc;
}
