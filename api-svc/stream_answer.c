#include "api-svc/stream_answer.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/exec_framing.h"
#include "api-svc/tunnel.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/services/log.h"

#define LOOK_MS 400   /* interval of client checks */
#define LAST_LOOKS 2  /* checks before a failed stream is dropped */
#define CLOSE_LOOKS 5 /* checks before a closing tunnel is dropped */

struct stream_answer {
	struct stream_answers *answers;
	struct http_exchange *exchange;
	struct stream *stream; /* NULL: closed by the loop */
	cJSON *begin;          /* the worker's opening message */
	const char *request_id;
	atomic_bool woken; /* a tunnel: work pending */
	int last_looks;    /* the loop's: checks since a stream failed, or a tunnel is closing */
	bool expired;      /* the loop's: the limit was reached */
	struct stream_answer *previous, *next;
	struct exec_framing *framing; /* NULL: none */
	/* Protected by the lock until true, then used by the loop: */
	bool tunnels;
	struct tunnel tunnel;
	struct pollfd *polled; /* NULL: not in this turn */
};

struct stream_answers {
	struct stream_hub *hub; /* NULL: not connected yet */
	int64_t (*guest_turn)(void *ctx);
	void *guest;
	pthread_t loop;
	bool loop_runs;
	struct pollfd *polled; /* the loop's */
	size_t polled_max;
	pthread_mutex_t lock; /* protects everything below, and the links */
	struct stream_answer *all;
	size_t count;
	bool ending;
	bool stopping;
};

/* ---- the list ---- */

static void link_answer(struct stream_answer *a)
{
	struct stream_answers *answers = a->answers;

	pthread_mutex_lock(&answers->lock);
	a->next = answers->all;
	if (a->next)
		a->next->previous = a;
	answers->all = a;
	answers->count++;
	pthread_mutex_unlock(&answers->lock);
}

/* The lock is held. */
static void unlink_answer(struct stream_answer *a)
{
	*(a->previous ? &a->previous->next : &a->answers->all) = a->next;
	if (a->next)
		a->next->previous = a->previous;
	a->answers->count--;
}

static void close_stream(struct stream_answer *a)
{
	struct error fault = { .rc = RC_OK };

	if (stream_is_over(a->stream, &fault) && fault.rc)
		log_warn("stream ended with an error", log_err(&fault), log_str("request_id", a->request_id));
	stream_close(TAKE(a->stream));
}

/* ---- as the body of a response --- */

static ssize_t read_body(void *ctx, char *to, size_t max)
{
	struct stream_answer *a = ctx;
	size_t got = stream_take(a->stream, to, max);
	struct error fault;

	if (got > 0)
		return (ssize_t)got;
	if (!stream_is_drained(a->stream, &fault))
		return 0;
	return fault.rc ? HTTP_SOURCE_FAILED : HTTP_SOURCE_END;
}

static void wake_body(void *ctx)
{
	http_exchange_wake(((struct stream_answer *)ctx)->exchange);
}

/* Whether the client has disconnected, or does not read the failure of the stream. */
static bool is_to_be_dropped(struct stream_answer *a)
{
	struct error fault = { .rc = RC_OK };

	if (stream_is_over(a->stream, &fault) && fault.rc)
		a->last_looks++;
	return a->last_looks > LAST_LOOKS || !http_exchange_is_present(a->exchange);
}

/* Check the timeouts of a closing tunnel, and whether its client is alive. */
static void look_at_tunnel(struct stream_answer *a)
{
	struct error fault = { .rc = RC_OK };
	bool failed = stream_is_over(a->stream, &fault) && fault.rc;
	bool closing = tunnel_is_closing(&a->tunnel);

	if (failed || closing)
		a->last_looks++;
	if (a->last_looks > (closing ? CLOSE_LOOKS : LAST_LOOKS))
		a->expired = true;
	if (a->expired || tunnel_beat(&a->tunnel, clock_mono_ms()))
		atomic_store(&a->woken, true);
}

/* The library does not detect disconnects while there is nothing to send. */
static void look_for_clients(struct stream_answers *answers)
{
	pthread_mutex_lock(&answers->lock);
	for (struct stream_answer *a = answers->all; a; a = a->next) {
		if (a->tunnels)
			look_at_tunnel(a);
		else if (!json_get(a->begin, "protocol") && is_to_be_dropped(a))
			http_exchange_drop(a->exchange);
	}
	pthread_mutex_unlock(&answers->lock);
}

/* ---- as the connection ---- */

/* The hub pokes. */
static void wake_tunnel(void *ctx)
{
	atomic_store(&((struct stream_answer *)ctx)->woken, true);
}

static void pump_soon(struct stream_answer *a)
{
	wake_tunnel(a);
	stream_hub_poke(a->answers->hub);
}

static void take_over(void *ctx, const char *early, size_t len)
{
	struct stream_answer *a = ctx;
	struct tunnel_framing framing = { .ctx = NULL };

	if (a->framing)
		framing = exec_framing_for(a->framing);
	pthread_mutex_lock(&a->answers->lock);
	tunnel_init(&a->tunnel, a->exchange, a->stream, &framing, early, len);
	a->tunnels = true;
	pthread_mutex_unlock(&a->answers->lock);
	pump_soon(a);
}

/* The last call ends its exchange, under locks of the library, so stream_answer_close() must not need the lock. */
static void leave(struct stream_answer *a)
{
	pthread_mutex_lock(&a->answers->lock);
	unlink_answer(a);
	pthread_mutex_unlock(&a->answers->lock);
	close_stream(a);
	tunnel_clear(&a->tunnel);
	http_exchange_leave(a->exchange);
}

/* The lock is held, and released meanwhile. Returns false if it has ended. */
static bool pump(struct stream_answer *a)
{
	struct stream_answers *answers = a->answers;
	short revents = a->polled ? a->polled->revents : 0;
	bool more = false;
	bool over = a->expired || (revents & (POLLERR | POLLHUP | POLLNVAL)) ||
		    (answers->ending && !a->framing); /* which sends a final status */

	a->polled = NULL;
	if (!over && !revents && !atomic_load(&a->woken))
		return true;
	atomic_store(&a->woken, false);
	pthread_mutex_unlock(&answers->lock);
	over = over || !tunnel_pump(&a->tunnel, &more);
	if (over)
		leave(a);
	else if (more)
		pump_soon(a);
	pthread_mutex_lock(&answers->lock);
	return !over;
}

/* Only the loop removes tunnels from the list; the successor of a removed one may have been removed as well. */
static void pump_tunnels(struct stream_answers *answers)
{
	struct stream_answer *a;

	pthread_mutex_lock(&answers->lock);
	a = answers->all;
	while (a)
		a = !a->tunnels || pump(a) ? a->next : answers->all;
	pthread_mutex_unlock(&answers->lock);
}

/* ---- the loop ---- */

/* With the lock. If out of memory, some tunnels wait for the next turn. */
static void make_room(struct stream_answers *answers)
{
	size_t wanted = (answers->count + 1) * 2;
	struct pollfd *grown;

	if (answers->count + 1 <= answers->polled_max)
		return;
	grown = reallocarray(answers->polled, wanted, sizeof(*grown));
	if (!grown)
		return;
	answers->polled = grown;
	answers->polled_max = wanted;
}

/* The descriptors to poll, the hub's first. Returns the number. */
static size_t collect(struct stream_answers *answers)
{
	size_t count = 1;

	pthread_mutex_lock(&answers->lock);
	make_room(answers);
	answers->polled[0] = (struct pollfd){ .fd = stream_hub_fd(answers->hub), .events = POLLIN };
	for (struct stream_answer *a = answers->all; a && count < answers->polled_max; a = a->next) {
		if (!a->tunnels)
			continue;
		a->polled = &answers->polled[count++];
		*a->polled = (struct pollfd){ .fd = http_exchange_fd(a->exchange),
					      .events = tunnel_events(&a->tunnel) };
	}
	pthread_mutex_unlock(&answers->lock);
	return count;
}

static void wait_for_work(struct stream_answers *answers, int64_t until_ms)
{
	int64_t left_ms = until_ms - clock_mono_ms();
	size_t count = collect(answers);

	(void)poll(answers->polled, (nfds_t)count, left_ms > 0 ? (int)left_ms : 0); /* check in any case */
}

static bool is_stopping(struct stream_answers *answers)
{
	bool stopping;

	pthread_mutex_lock(&answers->lock);
	stopping = answers->stopping;
	pthread_mutex_unlock(&answers->lock);
	return stopping;
}

static void *run_loop(void *ctx)
{
	struct stream_answers *answers = ctx;
	int64_t look_ms = clock_mono_ms() + LOOK_MS;

	while (!is_stopping(answers)) {
		int64_t due_ms = stream_hub_turn(answers->hub);
		int64_t guest_ms = answers->guest_turn ? answers->guest_turn(answers->guest) : INT64_MAX;

		due_ms = guest_ms < due_ms ? guest_ms : due_ms;
		if (clock_mono_ms() >= look_ms) {
			look_ms = clock_mono_ms() + LOOK_MS;
			look_for_clients(answers);
		}
		pump_tunnels(answers);
		wait_for_work(answers, due_ms < look_ms ? due_ms : look_ms);
	}
	return NULL;
}

/* ---- all of them ---- */

enum rc stream_answers_create(struct stream_answers **ret_answers, struct error *err)
{
	struct stream_answers *answers = calloc(1, sizeof(*answers));

	if (!answers)
		return error_no_memory(err);
	pthread_mutex_init(&answers->lock, NULL);
	*ret_answers = answers;
	return RC_OK;
}

enum rc stream_answers_connect(struct stream_answers *answers, struct bus *bus, struct error *err)
{
	enum rc rc = RC_OK;

	answers->polled_max = 64;
	answers->polled = calloc(answers->polled_max, sizeof(*answers->polled));
	if (!answers->polled)
		rc = error_no_memory(err);
	if (!rc)
		rc = stream_hub_create(bus, &answers->hub, err);
	if (!rc)
		rc = thread_start(run_loop, answers, &answers->loop, err);
	answers->loop_runs = rc == RC_OK;
	return rc;
}

void stream_answers_set_guest(struct stream_answers *answers, int64_t (*turn)(void *ctx), void *ctx)
{
	answers->guest_turn = turn;
	answers->guest = ctx;
}

struct stream_hub *stream_answers_hub(struct stream_answers *answers)
{
	return answers->hub;
}

void stream_answers_end(struct stream_answers *answers)
{
	struct error why;

	error_set(&why, RC_UNAVAILABLE, "the service is stopping");
	pthread_mutex_lock(&answers->lock);
	answers->ending = true;
	pthread_mutex_unlock(&answers->lock);
	if (answers->hub)
		stream_hub_end(answers->hub, &why);
}

void stream_answers_stop(struct stream_answers *answers)
{
	if (!answers->loop_runs)
		return;
	pthread_mutex_lock(&answers->lock);
	answers->stopping = true;
	pthread_mutex_unlock(&answers->lock);
	stream_hub_poke(answers->hub);
	pthread_join(answers->loop, NULL);
	answers->loop_runs = false;
}

void stream_answers_destroy(struct stream_answers *answers)
{
	if (!answers)
		return;
	stream_hub_destroy(answers->hub);
	pthread_mutex_destroy(&answers->lock);
	free(answers->polled);
	free(answers);
}

/* ---- one ---- */

static void free_answer(struct stream_answer *a)
{
	if (a->stream)
		stream_close(a->stream);
	exec_framing_destroy(a->framing);
	cJSON_Delete(a->begin);
	free(a);
}

static bool is_header_value(const char *text)
{
	for (const char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			return false;
	return text[0] != '\0';
}

/* Parse the worker's opening message, and check that the client supports it. */
static enum rc read_begin(struct stream_answer *a, const char **ret_type, const char **ret_protocol, struct error *err)
{
	const char *type = json_string_at(a->begin, "content_type");
	const char *protocol = json_string_at(a->begin, "protocol");
	struct exec_handshake handshake;

	if (!protocol == !type || !is_header_value(type ? type : protocol))
		return error_set(err, RC_INTERNAL, "a stream with neither a content type nor a protocol");
	if (protocol && !http_exchange_wants(a->exchange, protocol))
		return error_set(err, RC_INVALID_ARGUMENT, "this requires an upgrade of the connection to '%s'",
				 protocol);
	*ret_type = type;
	*ret_protocol = protocol;
	if (str_equal(protocol, EXEC_FRAMING_PROTOCOL)) {
		handshake = exec_handshake_read(a->exchange);
		return exec_framing_create(&handshake, &a->framing, err);
	}
	return RC_OK;
}

enum rc stream_answer_open(struct stream_answers *answers, const struct worker_reply *reply,
			   struct http_exchange *exchange, const char *request_id, struct http_answer *ret_answer,
			   struct stream_answer **ret_stream, struct error *err)
{
	struct stream_answer *a = calloc(1, sizeof(*a));
	const char *type = NULL;
	const char *protocol = NULL;
	enum rc rc;

	if (!a)
		return error_no_memory(err);
	a->answers = answers;
	a->exchange = exchange;
	a->request_id = request_id;
	atomic_init(&a->woken, false);
	rc = json_parse(reply->body, reply->len, &a->begin, err);
	if (!rc)
		rc = stream_open(answers->hub, reply->stream, json_get(a->begin, "protocol") ? wake_tunnel : wake_body,
				 a, &a->stream, err);
	if (rc == RC_INVALID_ARGUMENT)
		rc = error_wrap(err, RC_INTERNAL, "unusable stream");
	if (!rc)
		rc = read_begin(a, &type, &protocol, err);
	if (rc) {
		free_answer(a);
		return rc;
	}
	*ret_answer = (struct http_answer){ .status = protocol ? 101 : 200, .content_type = type };
	if (protocol) {
		ret_answer->upgrade = (struct http_upgrade){ .protocol = protocol, .take_over = take_over, .ctx = a };
		if (a->framing)
			exec_framing_fill(a->framing, &ret_answer->upgrade);
	} else {
		ret_answer->source = (struct http_source){ read_body, a };
		stream_finish(a->stream); /* no data for the worker */
	}
	link_answer(a);
	*ret_stream = a;
	return RC_OK;
}

void stream_answer_close(struct stream_answer *a)
{
	if (a->stream) {
		pthread_mutex_lock(&a->answers->lock);
		unlink_answer(a);
		pthread_mutex_unlock(&a->answers->lock);
		close_stream(a);
	}
	free_answer(a);
}
