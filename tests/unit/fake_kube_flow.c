#include "tests/unit/fake_kube_flow.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"

#define SOCKETS_MAX 8
#define MESSAGES_MAX 64
#define PATIENCE_MS 5000

struct kube_call {
	struct kube_call_taker taker;
	char *path;
	struct kube_call *next;
	/* A streamed one: */
	struct buf said;
	bool begins, begun, paused, ends;
	int status;
};

struct kube_flow {
	int fd;
	struct kube_call *calls;
	struct kube_call *streamed;
	int expired;
};

enum answer { ANSWER_NONE, ANSWER_ACCEPT, ANSWER_REFUSE, ANSWER_GIVEN };

struct kube_socket {
	struct kube_socket_taker taker;
	char *protocol, *path;
	enum answer answer;
	int status;
	const char *refusal;
	struct {
		unsigned char channel;
		const char *text;
	} messages[MESSAGES_MAX];
	size_t said, taken;
	enum kube_socket_state end;
	struct buf heard;
	bool closed;
};

static struct {
	pthread_mutex_t lock; /* protects everything below, and the sockets; not held during callbacks */
	pthread_cond_t changed;
	struct kube_flow *flow;
	struct kube_socket sockets[SOCKETS_MAX];
	size_t count;
	atomic_uint turns; /* of the loop */
} kube = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* ---- configuration ----------------------------------------------------------------------------------------------- */

static void wake(void)
{
	eventfd_write(kube.flow->fd, 1);
}

/* The current turn may have read the clock before it was advanced; the next one reads it afterwards. */
void fake_kube_flow_turn(void)
{
	unsigned until = atomic_load(&kube.turns) + 2;

	while ((int)(atomic_load(&kube.turns) - until) < 0) {
		wake();
		sched_yield();
	}
}

static void unlock_and_wake(void)
{
	pthread_mutex_unlock(&kube.lock);
	wake();
}

struct kube_call *fake_kube_flow_streamed(void)
{
	return kube.flow->streamed;
}

int fake_kube_flow_expired(void)
{
	return kube.flow->expired;
}

const char *fake_kube_call_path(const struct kube_call *call)
{
	return call->path;
}

bool fake_kube_call_has_begun(const struct kube_call *call)
{
	return call->begins;
}

void fake_kube_call_begin(struct kube_call *call)
{
	call->begins = true;
}

void fake_kube_call_say(struct kube_call *call, const char *text)
{
	buf_add_str(&call->said, text);
}

void fake_kube_call_end(struct kube_call *call, int status)
{
	call->ends = true;
	call->status = status;
}

/* Returns with the lock held. */
static struct kube_socket *lock_socket(size_t index)
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;

	pthread_mutex_lock(&kube.lock);
	while (kube.count <= index && thread_wait(&kube.changed, &kube.lock, until_ms))
		;
	cr_assert_gt(kube.count, index, "WebSocket %zu was not opened", index);
	return &kube.sockets[index];
}

const char *fake_kube_socket_protocol(size_t index)
{
	const char *protocol = lock_socket(index)->protocol;

	pthread_mutex_unlock(&kube.lock);
	return protocol;
}

const char *fake_kube_socket_path(size_t index)
{
	const char *path = lock_socket(index)->path;

	pthread_mutex_unlock(&kube.lock);
	return path;
}

size_t fake_kube_socket_count(void)
{
	size_t count;

	pthread_mutex_lock(&kube.lock);
	count = kube.count;
	pthread_mutex_unlock(&kube.lock);
	return count;
}

void fake_kube_socket_accept(size_t index)
{
	lock_socket(index)->answer = ANSWER_ACCEPT;
	unlock_and_wake();
}

void fake_kube_socket_refuse(size_t index, int status, const char *json)
{
	struct kube_socket *s = lock_socket(index);

	s->answer = ANSWER_REFUSE;
	s->status = status;
	s->refusal = json;
	unlock_and_wake();
}

void fake_kube_socket_say(size_t index, unsigned channel, const char *text)
{
	struct kube_socket *s = lock_socket(index);

	cr_assert_lt(s->said, (size_t)MESSAGES_MAX);
	s->messages[s->said].channel = (unsigned char)channel;
	s->messages[s->said++].text = text;
	pthread_mutex_unlock(&kube.lock);
	s->taker.ready(s->taker.ctx);
}

void fake_kube_socket_end(size_t index, enum kube_socket_state how)
{
	struct kube_socket *s = lock_socket(index);

	s->end = how;
	pthread_mutex_unlock(&kube.lock);
	s->taker.ready(s->taker.ctx);
}

void fake_kube_socket_expect(size_t index, const char *text)
{
	struct kube_socket *s = lock_socket(index);
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	bool heard;

	while (!str_equal(s->heard.data, text) && thread_wait(&kube.changed, &kube.lock, until_ms))
		;
	heard = str_equal(s->heard.data, text);
	pthread_mutex_unlock(&kube.lock);
	cr_expect(heard, "got %s, expected %s", s->heard.data, text);
}

void fake_kube_socket_expect_closed(size_t index)
{
	struct kube_socket *s = lock_socket(index);
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	bool closed;

	while (!s->closed && thread_wait(&kube.changed, &kube.lock, until_ms))
		;
	closed = s->closed;
	pthread_mutex_unlock(&kube.lock);
	cr_expect(closed, "WebSocket %zu was not closed", index);
}

/* ---- kube_flow.h ------------------------------------------------------------------------------------------------- */

enum rc kube_flow_create(struct kube_auth *auth unused, struct kube_flow **ret_flow, struct error *err unused)
{
	kube.flow = calloc(1, sizeof(*kube.flow));
	kube.flow->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	*ret_flow = kube.flow;
	return RC_OK;
}

void kube_flow_destroy(struct kube_flow *flow)
{
	for (size_t i = 0; i < kube.count; i++) {
		free(kube.sockets[i].protocol);
		free(kube.sockets[i].path);
		buf_clear(&kube.sockets[i].heard);
	}
	if (flow)
		close(flow->fd);
	free(flow);
}

int kube_flow_fd(const struct kube_flow *flow)
{
	return flow->fd;
}

int64_t kube_flow_due_ms(const struct kube_flow *flow unused)
{
	return INT64_MAX;
}

static void free_call(struct kube_call *call)
{
	buf_clear(&call->said);
	free(call->path);
	free(call);
}

static void answer_call(struct kube_call *call)
{
	const struct kube_request request = { .method = "GET", .path = call->path };
	struct kube_reply reply = { .object = NULL };
	struct error err = { .rc = RC_OK };

	err.rc = kube_client_do(NULL, &request, &reply, &err);
	call->taker.done(call->taker.ctx, &reply, &err);
	kube_reply_clear(&reply);
	free_call(call);
}

static void end_streamed(struct kube_flow *flow)
{
	struct kube_call *call = TAKE(flow->streamed);
	const struct kube_reply reply = { .status = call->status };
	struct error err = { .rc = RC_OK };

	if (call->status / 100 != 2)
		error_set(&err, call->status ? RC_INTERNAL : RC_UNAVAILABLE, "ended with %d", call->status);
	call->taker.done(call->taker.ctx, &reply, &err);
	free_call(call);
}

static void continue_streamed(struct kube_flow *flow)
{
	struct kube_call *call = flow->streamed;

	if (call->begins && !call->begun) {
		call->begun = true;
		call->taker.begun(call->taker.ctx);
	}
	if (call->begun && !call->paused && call->said.len) {
		call->paused = !call->taker.take(call->taker.ctx, call->said.data, call->said.len);
		if (!call->paused)
			buf_reset(&call->said);
	}
	if (call->ends && (!call->said.len || !call->status))
		end_streamed(flow);
}

static void refuse_socket(struct kube_socket *s)
{
	struct kube_reply reply = { .status = s->status,
				    .object = s->refusal ? cJSON_Parse(s->refusal) : NULL,
				    .unsure = !s->status };
	struct error err;

	error_set(&err,
		  !s->status         ? RC_UNAVAILABLE
		  : s->status == 404 ? RC_NOT_FOUND
				     : RC_PERMISSION_DENIED,
		  "refused with %d", s->status);
	s->closed = true;
	s->taker.refused(s->taker.ctx, &reply, &err);
	kube_reply_clear(&reply);
}

static void answer_socket(struct kube_socket *s)
{
	enum answer answer;

	pthread_mutex_lock(&kube.lock);
	answer = s->answer;
	if (answer != ANSWER_NONE)
		s->answer = ANSWER_GIVEN;
	pthread_mutex_unlock(&kube.lock);
	if (answer == ANSWER_ACCEPT)
		s->taker.opened(s->taker.ctx);
	else if (answer == ANSWER_REFUSE)
		refuse_socket(s);
}

void kube_flow_turn(struct kube_flow *flow)
{
	struct kube_call *call;
	eventfd_t pokes;

	atomic_fetch_add(&kube.turns, 1);
	(void)eventfd_read(flow->fd, &pokes);
	while ((call = flow->calls) != NULL) {
		flow->calls = call->next;
		answer_call(call);
	}
	if (flow->streamed)
		continue_streamed(flow);
	for (size_t i = 0; i < fake_kube_socket_count(); i++)
		if (!kube.sockets[i].closed)
			answer_socket(&kube.sockets[i]);
}

enum rc kube_flow_get(struct kube_flow *flow, const char *path, int64_t timeout_ms unused,
		      const struct kube_call_taker *taker, struct kube_call **ret_call, struct error *err unused)
{
	struct kube_call *call = calloc(1, sizeof(*call));

	call->taker = *taker;
	call->path = str_dup(path);
	call->said = buf_make(1 << 20);
	*ret_call = call;
	if (taker->take) {
		cr_assert_null(flow->streamed, "%s beside %s", path, flow->streamed->path);
		flow->streamed = call;
		return RC_OK;
	}
	call->next = flow->calls;
	flow->calls = call;
	wake();
	return RC_OK;
}

void kube_call_resume(struct kube_call *call)
{
	call->paused = false;
}

void kube_call_cancel(struct kube_call *call)
{
	struct kube_call **at = call->taker.take ? &kube.flow->streamed : &kube.flow->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	free_call(call);
}

void kube_call_expire(struct kube_call *call)
{
	kube.flow->expired++;
	kube_call_cancel(call);
}

/* ---- kube_socket.h ----------------------------------------------------------------------------------------------- */

enum rc kube_socket_open(struct kube_flow *flow unused, const char *path, const char *protocol,
			 const struct kube_socket_taker *taker, struct kube_socket **ret_socket,
			 struct error *err unused)
{
	struct kube_socket *s;

	pthread_mutex_lock(&kube.lock);
	cr_assert_lt(kube.count, (size_t)SOCKETS_MAX);
	s = &kube.sockets[kube.count++];
	s->taker = *taker;
	s->protocol = str_dup(protocol);
	s->path = str_dup(path);
	s->heard = buf_make(1 << 20);
	pthread_cond_broadcast(&kube.changed);
	pthread_mutex_unlock(&kube.lock);
	*ret_socket = s;
	return RC_OK;
}

void kube_socket_close(struct kube_socket *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&kube.lock);
	s->closed = true;
	pthread_cond_broadcast(&kube.changed);
	pthread_mutex_unlock(&kube.lock);
}

/* In two pieces, as it may be received. */
static void give_message(struct kube_socket *s, size_t index)
{
	const char channel = (char)s->messages[index].channel;
	const char *text = s->messages[index].text;
	const struct websocket_piece first = { &channel, 1, true, false };
	const struct websocket_piece rest = { text, strlen(text), false, true };

	s->taker.take(s->taker.ctx, &first);
	s->taker.take(s->taker.ctx, &rest);
}

bool kube_socket_pump(struct kube_socket *s, size_t max, enum kube_socket_state *ret_state)
{
	bool more;
	size_t index;

	pthread_mutex_lock(&kube.lock);
	index = s->taken;
	more = max > 0 && s->answer == ANSWER_GIVEN && s->taken < s->said;
	s->taken += more;
	*ret_state = s->taken == s->said ? s->end : KUBE_SOCKET_OPEN;
	pthread_mutex_unlock(&kube.lock);
	if (more)
		give_message(s, index);
	return more;
}

bool kube_socket_takes(const struct kube_socket *s)
{
	return s->answer == ANSWER_GIVEN;
}

void kube_socket_send(struct kube_socket *s, unsigned char first, const char *bytes, size_t len)
{
	pthread_mutex_lock(&kube.lock);
	buf_addf(&s->heard, "%u:%.*s;", first, (int)len, bytes);
	pthread_cond_broadcast(&kube.changed);
	pthread_mutex_unlock(&kube.lock);
}
