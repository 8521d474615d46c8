#include "api-svc/tunnel.h"

#include <poll.h>

#include "common/base/memory_budget.h"

#define ROUNDS_MAX 4 /* blocks in one direction before others have their turn */

void tunnel_init(struct tunnel *t, struct http_exchange *exchange, struct stream *stream, const char *early, size_t len)
{
	*t = (struct tunnel){
		.exchange = exchange,
		.stream = stream,
		.to_stream = buf_make(TUNNEL_BLOCK),
		.to_client = buf_make(TUNNEL_BLOCK),
	};
	buf_add(&t->to_stream, early, len);
	memory_budget_add(t->to_stream.len);
}

static void drop(struct buf *b, size_t count)
{
	memory_budget_give(count);
	buf_consume(b, count);
	if (b->len == 0)
		buf_clear(b); /* memory only while there is something */
}

void tunnel_clear(struct tunnel *t)
{
	drop(&t->to_stream, t->to_stream.len);
	drop(&t->to_client, t->to_client.len);
}

/* ---- from the client ---- */

static bool send_early(struct tunnel *t, size_t room)
{
	size_t len = t->to_stream.len < room ? t->to_stream.len : room;
	enum rc rc = stream_send(t->stream, t->to_stream.data, len, NULL); /* then the stream is over, and says why */

	drop(&t->to_stream, len);
	return rc == RC_OK;
}

/* Returns false when there is nothing more to do now. */
static bool carry_to_stream(struct tunnel *t)
{
	char bytes[TUNNEL_BLOCK];
	size_t room = stream_room(t->stream);
	ssize_t got;

	if (room == 0 || t->client_ended)
		return false;
	if (t->to_stream.len > 0)
		return send_early(t, room);
	got = http_exchange_receive(t->exchange, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (got > 0)
		return stream_send(t->stream, bytes, (size_t)got, NULL) == RC_OK;
	t->client_ended = got == 0;
	t->client_gone |= got == HTTP_PEER_GONE;
	return false;
}

/* ---- to the client ---- */

static void take(struct tunnel *t)
{
	char bytes[TUNNEL_BLOCK];
	size_t got = stream_take(t->stream, bytes, sizeof(bytes));

	memory_budget_add(got);
	buf_add(&t->to_client, bytes, got);
}

/* Returns false when there is nothing more to do now. */
static bool carry_to_client(struct tunnel *t)
{
	ssize_t sent;

	if (t->to_client.len == 0)
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

/* Has the stream failed; or has the client got all, and does the worker know that no more comes? */
static bool is_over(struct tunnel *t)
{
	struct error fault = { .rc = RC_OK };
	bool over = stream_is_over(t->stream, &fault);

	if (t->client_gone || t->to_client.failed || (over && fault.rc))
		return true;
	if (t->to_client.len > 0 || !stream_is_drained(t->stream, &fault))
		return false;
	finish_stream(t);
	return over;
}

bool tunnel_pump(struct tunnel *t, bool *ret_more)
{
	int up = 0;
	int down = 0;

	while (up < ROUNDS_MAX && carry_to_stream(t))
		up++;
	if (t->client_ended)
		finish_stream(t);
	while (down < ROUNDS_MAX && carry_to_client(t))
		down++;
	*ret_more = up == ROUNDS_MAX || down == ROUNDS_MAX;
	return !is_over(t);
}

short tunnel_events(struct tunnel *t)
{
	int events = 0;

	if (!t->client_ended && stream_room(t->stream) > 0)
		events |= POLLIN;
	if (t->to_client.len > 0)
		events |= POLLOUT;
	return (short)events;
}
