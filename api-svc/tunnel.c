#include "api-svc/tunnel.h"

#include <poll.h>

#include "common/base/memory_budget.h"

#define ROUNDS_MAX 4                    /* blocks per direction and turn */
#define FRAMED_MAX (8u * TUNNEL_BLOCK)  /* maximum bytes of a framed block */
#define ANSWERS_MAX (2u * TUNNEL_BLOCK) /* pending bytes for a client above which nothing is read from it */

/* Update the reserved bytes. */
static void count(struct tunnel *t)
{
	size_t held = t->to_stream.len + t->to_client.len;

	if (held > t->counted)
		memory_budget_add(held - t->counted);
	else
		memory_budget_give(t->counted - held);
	t->counted = held;
}

/* After a protocol violation of either side the worker is cancelled. */
static void go_on(struct tunnel *t, enum tunnel_next next)
{
	struct error why;

	if (next <= t->next)
		return;
	t->next = next;
	error_set(&why, RC_CANCELLED, "the client's connection was closed");
	if (next == TUNNEL_CLOSES)
		stream_fail(t->stream, &why);
}

static void frame_input(struct tunnel *t, const char *bytes, size_t len)
{
	go_on(t, t->framing.from_client(t->framing.ctx, bytes, len, &t->to_stream, &t->to_client));
}

void tunnel_init(struct tunnel *t, struct http_exchange *exchange, struct stream *stream,
		 const struct tunnel_framing *framing, const char *early, size_t len)
{
	*t = (struct tunnel){
		.exchange = exchange,
		.stream = stream,
		.framing = *framing,
		.to_stream = buf_make(framing->ctx ? FRAMED_MAX : TUNNEL_BLOCK),
		.to_client = buf_make(framing->ctx ? FRAMED_MAX : TUNNEL_BLOCK),
	};
	if (framing->ctx)
		frame_input(t, early, len);
	else
		buf_add(&t->to_stream, early, len);
	count(t);
}

static void drop(struct buf *b, size_t len)
{
	buf_consume(b, len);
	if (b->len == 0)
		buf_clear(b); /* memory only while there is something */
}

void tunnel_clear(struct tunnel *t)
{
	drop(&t->to_stream, t->to_stream.len);
	drop(&t->to_client, t->to_client.len);
	count(t);
}

/* ---- from the client ---- */

static bool send_early(struct tunnel *t, size_t room)
{
	size_t len = t->to_stream.len < room ? t->to_stream.len : room;
	enum rc rc = stream_send(t->stream, t->to_stream.data, len,
				 NULL); /* on failure the stream is over, with the reason */

	drop(&t->to_stream, len);
	return rc == RC_OK;
}

/* Returns false if there is nothing more to do now. */
static bool carry_to_stream(struct tunnel *t)
{
	char bytes[TUNNEL_BLOCK];
	size_t room = stream_room(t->stream);
	ssize_t got;

	if (t->next == TUNNEL_CLOSES) {
		drop(&t->to_stream, t->to_stream.len);
		room = TUNNEL_BLOCK; /* for the framing only */
	}
	if (t->next == TUNNEL_OVER || room == 0 || t->client_ended || t->to_client.len > ANSWERS_MAX)
		return false;
	if (t->to_stream.len > 0)
		return send_early(t, room);
	got = http_exchange_receive(t->exchange, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (got > 0 && t->framing.ctx)
		frame_input(t, bytes, (size_t)got);
	else if (got > 0)
		return stream_send(t->stream, bytes, (size_t)got, NULL) == RC_OK;
	t->client_ended = got == 0;
	t->client_gone |= got == HTTP_PEER_GONE;
	return got > 0;
}

/* ---- to the client ---- */

static void take(struct tunnel *t)
{
	char bytes[TUNNEL_BLOCK];
	size_t got = stream_take(t->stream, bytes, sizeof(bytes));

	if (got && t->framing.ctx)
		go_on(t, t->framing.from_stream(t->framing.ctx, bytes, got, &t->to_client));
	else
		buf_add(&t->to_client, bytes, got);
}

/* Returns false if there is nothing more to do now. */
static bool carry_to_client(struct tunnel *t)
{
	ssize_t sent;

	if (t->to_client.len == 0 && t->next == TUNNEL_GOES_ON)
		take(t);
	if (t->to_client.len == 0)
		return false;
	sent = http_exchange_send(t->exchange, t->to_client.data, t->to_client.len);
	t->client_gone |= sent == HTTP_PEER_GONE;
	if (sent > 0)
		drop(&t->to_client, (size_t)sent);
	return sent > 0;
}

static void finish_stream(struct tunnel *t)
{
	if (!t->told)
		stream_finish(t->stream);
	t->told = true;
}

/* Whether the stream has failed, or everything was sent to the client and END to the worker. */
static bool is_over_unframed(struct tunnel *t)
{
	struct error fault = { .rc = RC_OK };
	bool over = stream_is_over(t->stream, &fault);

	if (over && fault.rc)
		return true;
	if (t->to_client.len > 0 || !stream_is_drained(t->stream, &fault))
		return false;
	finish_stream(t);
	return over;
}

/* Remaining data of the stream is sent to the client before the final status. */
static bool is_over_framed(struct tunnel *t)
{
	struct error fault = { .rc = RC_OK };

	if (t->next == TUNNEL_GOES_ON && t->to_client.len == 0 && stream_is_drained(t->stream, &fault)) {
		finish_stream(t);
		t->framing.end(t->framing.ctx, &fault, &t->to_client);
		t->next = TUNNEL_CLOSES;
	}
	if (t->next == TUNNEL_GOES_ON)
		return t->client_ended;
	return (t->next == TUNNEL_OVER || t->client_ended) && t->to_client.len == 0;
}

static bool is_over(struct tunnel *t)
{
	if (t->client_gone || t->to_client.failed || t->to_stream.failed)
		return true;
	return t->framing.ctx ? is_over_framed(t) : is_over_unframed(t);
}

bool tunnel_pump(struct tunnel *t, bool *ret_more)
{
	int up = 0;
	int down = 0;
	bool over;

	while (up < ROUNDS_MAX && carry_to_stream(t))
		up++;
	if (t->client_ended && !t->framing.ctx)
		finish_stream(t);
	while (down < ROUNDS_MAX && carry_to_client(t))
		down++;
	*ret_more = up == ROUNDS_MAX || down == ROUNDS_MAX;
	over = is_over(t);
	count(t);
	return !over;
}

bool tunnel_beat(struct tunnel *t, int64_t now_ms)
{
	bool listens = tunnel_events(t) == POLLIN;

	if (!t->framing.ctx || t->next != TUNNEL_GOES_ON)
		return false;
	go_on(t, t->framing.beat(t->framing.ctx, now_ms, listens, &t->to_client));
	count(t);
	return t->next != TUNNEL_GOES_ON || t->to_client.len > 0;
}

bool tunnel_is_closing(const struct tunnel *t)
{
	return t->next != TUNNEL_GOES_ON;
}

short tunnel_events(struct tunnel *t)
{
	int events = 0;

	if (!t->client_ended && t->to_client.len <= ANSWERS_MAX &&
	    (t->next == TUNNEL_CLOSES || stream_room(t->stream) > 0))
		events |= POLLIN;
	if (t->to_client.len > 0)
		events |= POLLOUT;
	return (short)events;
}
