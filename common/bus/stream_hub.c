#include "common/bus/stream_hub.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/memory_budget.h"
#include "common/base/slots.h"
#include "common/base/strutil.h"
#include "common/bus/stream_end.h"
#include "common/protocol.h"
#include "common/services/json_write.h"
#include "common/services/log.h"

#define TICK_MS 100       /* interval of timeout checks */
#define HEADERS_BYTES 512 /* above those of a frame */

struct stream {
	struct stream_hub *hub;
	uint64_t ticket;
	struct stream_end end;
	char peer[BUS_ADDRESS_MAX]; /* "": not known yet */
	void (*wake)(void *ctx);    /* NULL: closed */
	void *ctx;
	bool dirty; /* in the list of streams with pending frames */
	struct stream *next_dirty;
};

struct stream_hub {
	struct bus *bus;
	struct bus_inbox *inbox;
	int fd;
	int64_t next_tick_ms; /* the loop's */
	pthread_mutex_t lock; /* protects everything below, and the streams */
	struct slots streams; /* struct stream *; NULL: free */
	size_t count;
	struct stream *dirty;
	bool ending;
	struct error end; /* shutdown: the reason */
};

/* ---- the table; the lock is held ---- */

static struct stream *stream_at(const struct stream_hub *hub, uint32_t index)
{
	return *(struct stream **)slots_at(&hub->streams, index);
}

static struct stream *find(const struct stream_hub *hub, uint64_t ticket)
{
	return slots_is_valid(&hub->streams, ticket) ? stream_at(hub, slots_index(ticket)) : NULL;
}

static bool add(struct stream_hub *hub, struct stream *s)
{
	uint32_t index;

	if (!slots_take(&hub->streams, &index))
		return false;
	*(struct stream **)slots_at(&hub->streams, index) = s;
	s->ticket = slots_ticket(&hub->streams, index);
	hub->count++;
	return true;
}

static void drop(struct stream_hub *hub, struct stream *s)
{
	uint32_t index = slots_index(s->ticket);

	*(struct stream **)slots_at(&hub->streams, index) = NULL;
	slots_release(&hub->streams, index);
	hub->count--;
	stream_end_clear(&s->end);
	memory_budget_give(PROTOCOL_STREAM_WINDOW);
	free(s);
}

/* ---- work for the loop; the lock is held ---- */

void stream_hub_poke(struct stream_hub *hub)
{
	const uint64_t one = 1;

	while (write(hub->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		; /* EAGAIN: already readable */
}

/* Unlock first, then poke: otherwise the loop would wake up only to wait for the lock. */
static void unlock(struct stream_hub *hub, bool poke)
{
	pthread_mutex_unlock(&hub->lock);
	if (poke)
		stream_hub_poke(hub);
}

/* Returns whether to poke the loop. */
static bool mark_dirty(struct stream *s)
{
	if (s->dirty)
		return false;
	s->dirty = true;
	s->next_dirty = s->hub->dirty;
	s->hub->dirty = s;
	return true;
}

static bool mark_if_due(struct stream *s)
{
	return (!s->wake || stream_end_has_next(&s->end, clock_mono_ms())) && mark_dirty(s);
}

static void wake(struct stream *s)
{
	if (s->wake)
		s->wake(s->ctx);
}

/* ---- receiving ---- */

/* The state that is visible to the user of the stream. */
struct view {
	size_t waiting;
	size_t room;
	bool peer_ended;
	enum stream_end_state state;
};

static struct view look(const struct stream *s)
{
	return (struct view){
		.waiting = stream_end_waiting(&s->end),
		.room = stream_end_room(&s->end),
		.peer_ended = s->end.peer_ended,
		.state = s->end.state,
	};
}

static bool is_equal(const struct view *a, const struct view *b)
{
	return a->waiting == b->waiting && a->room == b->room && a->peer_ended == b->peer_ended && a->state == b->state;
}

static void learn_peer(struct stream *s, const char *reply)
{
	if (!s->peer[0] && reply && bus_is_inbox(reply) && strlen(reply) < sizeof(s->peer))
		snprintf(s->peer, sizeof(s->peer), "%s", reply);
}

/* frame NULL: the frame was malformed, with the reason in err. Returns whether to poke the loop. */
static bool receive(struct stream *s, const struct stream_frame *frame, const struct error *err, const char *reply)
{
	const struct error nameless = { .rc = RC_INTERNAL, .text = "the first frame of a stream has no reply subject" };
	struct view before = look(s);
	struct view after;
	bool woken;

	learn_peer(s, reply);
	if (frame && (s->peer[0] || stream_frame_is_last(frame))) {
		stream_end_receive(&s->end, frame, clock_mono_ms());
	} else {
		stream_end_fail(&s->end, frame ? &nameless : err);
	}
	after = look(s);
	woken = !is_equal(&before, &after);
	if (woken)
		wake(s);
	return mark_if_due(s) || woken;
}

static void on_message(void *ctx, uint64_t ticket, struct bus_message *msg)
{
	struct bus_message *owned cleanup_bus_message = msg;
	struct stream_hub *hub = ctx;
	struct stream_frame_texts texts = {
		.status = bus_message_header(owned, PROTOCOL_HEADER_STATUS),
		.offset = bus_message_header(owned, PROTOCOL_HEADER_OFFSET),
		.credit = bus_message_header(owned, PROTOCOL_HEADER_CREDIT),
	};
	bool gone = bus_message_is_no_responders(owned);
	bool poke = false;
	struct stream_frame frame;
	struct error err;
	struct stream *s;
	enum rc rc;

	texts.data = bus_message_data(owned, &texts.len);
	rc = stream_frame_read(&texts, &frame, &err);
	pthread_mutex_lock(&hub->lock);
	s = find(hub, ticket);
	if (s && gone) {
		stream_end_lose(&s->end, "the peer of the stream no longer exists");
		wake(s);
		poke = true;
	} else if (s) {
		poke = receive(s, rc ? NULL : &frame, &err, bus_message_reply(owned));
	}
	unlock(hub, poke);
}

/* ---- sending, on the loop without the lock ---- */

struct letter {
	struct stream_frame frame;
	char peer[BUS_ADDRESS_MAX];
	char address[BUS_ADDRESS_MAX];
};

static void write_error(const struct error *error, struct buf *body)
{
	struct json_writer w = json_writer_make(body);

	json_begin_object(&w, NULL);
	json_string(&w, "detail", error->text);
	if (error->retry_after_s)
		json_int(&w, "retry_after_s", error->retry_after_s);
	json_end_object(&w);
	if (body->failed)
		buf_reset(body); /* the code alone is sufficient */
}

static enum rc post(struct stream_hub *hub, const struct letter *letter, struct error *err)
{
	const struct stream_frame *frame = &letter->frame;
	struct buf body cleanup_buf = buf_make(STREAM_ERROR_BODY_MAX);
	char offset[24];
	char credit[24];
	const struct bus_header headers[] = {
		{ PROTOCOL_HEADER_STATUS, stream_frame_status(frame->kind, frame->error.rc) },
		{ PROTOCOL_HEADER_OFFSET, offset },
		{ PROTOCOL_HEADER_CREDIT, credit },
	};
	struct bus_outgoing out = {
		.subject = letter->peer,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.data = frame->data,
		.len = frame->len,
	};

	snprintf(offset, sizeof(offset), "%" PRIu64, frame->offset);
	snprintf(credit, sizeof(credit), "%" PRIu64, frame->credit);
	if (frame->kind == STREAM_FRAME_CREDIT || frame->kind == STREAM_FRAME_END)
		out.reply = letter->address;
	if (frame->kind == STREAM_FRAME_ERROR) {
		write_error(&frame->error, &body);
		out.data = body.data;
		out.len = body.len;
	}
	return bus_publish(hub->bus, &out, err);
}

static void address_letter(const struct stream *s, struct letter *letter)
{
	memcpy(letter->peer, s->peer, sizeof(letter->peer));
	stream_address(s, letter->address);
}

/* Its peer's address is not known yet, and the last frame must be sent to it: limited by the silence timeout. */
static bool awaits_peer(const struct stream *s)
{
	int64_t now_ms = clock_mono_ms();

	return !s->peer[0] && stream_end_has_next(&s->end, now_ms) &&
	       now_ms - s->end.heard_ms < PROTOCOL_STREAM_SILENCE_MS;
}

/* Without a peer address nothing can be sent. The peer detects lost heartbeats by its timeout. */
static void tell(struct stream_hub *hub, struct stream *s)
{
	struct letter letter;
	struct error err;
	bool closed;
	bool more = true;

	while (more) {
		pthread_mutex_lock(&hub->lock);
		more = s->peer[0] && stream_end_next(&s->end, clock_mono_ms(), &letter.frame);
		address_letter(s, &letter);
		closed = !s->wake && !more && !s->dirty && !awaits_peer(s); /* otherwise it is retried */
		if (closed)
			drop(hub, s);
		else if (more && s->end.state == STREAM_OVER)
			wake(s); /* END was the last pending frame */
		pthread_mutex_unlock(&hub->lock);
		if (more && post(hub, &letter, &err))
			log_debug("cannot send a stream frame", log_err(&err));
	}
}

static void tell_all(struct stream_hub *hub)
{
	struct stream *s;

	do {
		pthread_mutex_lock(&hub->lock);
		s = hub->dirty;
		if (s) {
			hub->dirty = s->next_dirty;
			s->dirty = false;
		}
		pthread_mutex_unlock(&hub->lock);
		if (s)
			tell(hub, s);
	} while (s);
}

static void tick(struct stream_hub *hub, int64_t now_ms)
{
	pthread_mutex_lock(&hub->lock);
	for (uint32_t i = 0; i < hub->streams.capacity; i++) {
		struct stream *s = stream_at(hub, i);

		if (!s || (s->wake && s->end.state == STREAM_OVER))
			continue; /* its user was notified, and closes it */
		stream_end_tick(&s->end, now_ms);
		if (s->end.state == STREAM_OVER)
			wake(s);
		(void)mark_if_due(s); /* sent in this turn */
	}
	pthread_mutex_unlock(&hub->lock);
}

int64_t stream_hub_turn(struct stream_hub *hub)
{
	int64_t now_ms = clock_mono_ms();
	uint64_t pokes;
	bool empty;

	while (read(hub->fd, &pokes, sizeof(pokes)) < 0 && errno == EINTR)
		; /* EAGAIN: woken by the timeout */
	if (now_ms >= hub->next_tick_ms) {
		hub->next_tick_ms = now_ms + TICK_MS;
		tick(hub, now_ms);
	}
	tell_all(hub);
	pthread_mutex_lock(&hub->lock);
	empty = hub->count == 0;
	pthread_mutex_unlock(&hub->lock);
	return empty ? INT64_MAX : hub->next_tick_ms;
}

/* ---- life ---- */

enum rc stream_hub_create(struct bus *bus, struct stream_hub **ret_hub, struct error *err)
{
	struct stream_hub *hub = calloc(1, sizeof(*hub));
	enum rc rc = RC_OK;

	if (!hub)
		return error_no_memory(err);
	hub->bus = bus;
	hub->streams.value_size = sizeof(struct stream *);
	pthread_mutex_init(&hub->lock, NULL);
	hub->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (hub->fd < 0)
		rc = error_set(err, RC_INTERNAL, "create an eventfd: %s", error_errno_text(errno));
	if (!rc)
		rc = bus_inbox_create(bus, on_message, hub, &hub->inbox, err);
	if (rc) {
		stream_hub_destroy(hub);
		return rc;
	}
	*ret_hub = hub;
	return RC_OK;
}

void stream_hub_destroy(struct stream_hub *hub)
{
	if (!hub)
		return;
	for (uint32_t i = 0; i < hub->streams.capacity; i++)
		if (stream_at(hub, i))
			drop(hub, stream_at(hub, i));
	if (hub->fd >= 0)
		close(hub->fd);
	pthread_mutex_destroy(&hub->lock);
	bus_inbox_destroy(hub->inbox);
	slots_clear(&hub->streams);
	free(hub);
}

int stream_hub_fd(const struct stream_hub *hub)
{
	return hub->fd;
}

void stream_hub_end(struct stream_hub *hub, const struct error *why)
{
	pthread_mutex_lock(&hub->lock);
	hub->ending = true;
	hub->end = *why;
	for (uint32_t i = 0; i < hub->streams.capacity; i++) {
		struct stream *s = stream_at(hub, i);

		if (!s || s->end.state == STREAM_OVER)
			continue;
		stream_end_fail(&s->end, why);
		wake(s);
		(void)mark_dirty(s);
	}
	unlock(hub, true);
}

/* ---- a stream ---- */

enum rc stream_open(struct stream_hub *hub, const char *peer, void (*wake_up)(void *ctx), void *ctx,
		    struct stream **ret_stream, struct error *err)
{
	struct stream *s;
	bool added;

	if (peer && (!bus_is_inbox(peer) || strlen(peer) >= BUS_ADDRESS_MAX))
		return error_set(err, RC_INVALID_ARGUMENT, "the peer of a stream is not an inbox");
	if (!memory_budget_take(PROTOCOL_STREAM_WINDOW))
		return error_set(err, RC_BUSY, "too many bytes of requests and responses in flight");
	s = calloc(1, sizeof(*s));
	if (!s) {
		memory_budget_give(PROTOCOL_STREAM_WINDOW);
		return error_no_memory(err);
	}
	s->hub = hub;
	s->wake = wake_up;
	s->ctx = ctx;
	snprintf(s->peer, sizeof(s->peer), "%s", peer ? peer : "");
	stream_end_init(&s->end, clock_mono_ms());
	pthread_mutex_lock(&hub->lock);
	added = add(hub, s);
	if (added && hub->ending)
		stream_end_fail(&s->end, &hub->end);
	unlock(hub, added && mark_dirty(s));
	if (!added) {
		memory_budget_give(PROTOCOL_STREAM_WINDOW);
		free(s);
		return error_no_memory(err);
	}
	*ret_stream = s;
	return RC_OK;
}

void stream_address(const struct stream *s, char out[BUS_ADDRESS_MAX])
{
	bus_inbox_address(s->hub->inbox, s->ticket, out);
}

size_t stream_room(struct stream *s)
{
	size_t payload = bus_max_payload(s->hub->bus);
	size_t max = payload > 2 * HEADERS_BYTES ? payload - HEADERS_BYTES : payload / 2;
	size_t room;

	pthread_mutex_lock(&s->hub->lock);
	room = stream_end_room(&s->end);
	pthread_mutex_unlock(&s->hub->lock);
	if (max > PROTOCOL_STREAM_DATA_MAX)
		max = PROTOCOL_STREAM_DATA_MAX;
	return room < max ? room : max;
}

enum rc stream_send(struct stream *s, const void *data, size_t len, struct error *err)
{
	struct letter letter;
	enum rc rc;

	pthread_mutex_lock(&s->hub->lock);
	letter.frame = stream_end_send(&s->end, len, clock_mono_ms());
	letter.frame.data = data;
	address_letter(s, &letter);
	pthread_mutex_unlock(&s->hub->lock);
	rc = post(s->hub, &letter, err);
	if (rc)
		stream_fail(s, err);
	return rc;
}

void stream_finish(struct stream *s)
{
	pthread_mutex_lock(&s->hub->lock);
	stream_end_finish(&s->end);
	unlock(s->hub, mark_dirty(s));
}

void stream_fail(struct stream *s, const struct error *why)
{
	pthread_mutex_lock(&s->hub->lock);
	stream_end_fail(&s->end, why);
	unlock(s->hub, mark_dirty(s));
}

size_t stream_take(struct stream *s, void *to, size_t max)
{
	size_t got;

	pthread_mutex_lock(&s->hub->lock);
	got = stream_end_take(&s->end, to, max);
	unlock(s->hub, mark_if_due(s));
	return got;
}

bool stream_is_drained(struct stream *s, struct error *ret_fault)
{
	bool drained;

	pthread_mutex_lock(&s->hub->lock);
	drained = stream_end_is_drained(&s->end);
	if (drained && s->end.peer_ended)
		*ret_fault = (struct error){ .rc = RC_OK };
	else if (drained)
		*ret_fault = s->end.fault;
	pthread_mutex_unlock(&s->hub->lock);
	return drained;
}

bool stream_is_over(struct stream *s, struct error *ret_fault)
{
	bool over;

	pthread_mutex_lock(&s->hub->lock);
	over = s->end.state == STREAM_OVER;
	if (over && ret_fault)
		*ret_fault = s->end.fault;
	pthread_mutex_unlock(&s->hub->lock);
	return over;
}

void stream_close(struct stream *s)
{
	pthread_mutex_lock(&s->hub->lock);
	stream_end_cancel(&s->end);
	s->wake = NULL;
	unlock(s->hub, mark_dirty(s));
}
