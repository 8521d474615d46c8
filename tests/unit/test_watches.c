#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "api-svc/watches.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/unit/fake_bus.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_exchange.h"

#define REQUESTS "k8s-container-sp.p.op.watch"
#define WORKER "_INBOX.w.1"
#define WAIT_MS 1000
#define TIMEOUT_MS 4000

#define SNAPSHOT "{\"snapshot\":true}\n"
#define SYNCED "{\"synced\":true}\n"
#define GONE(id) "{\"gone\":\"" id "\"}\n"
#define IS(id, status) "{\"id\":\"" id "\",\"status\":\"" status "\"}\n"

/* The list of one process, and the worker that feeds it. */
static struct stage {
	struct bus *bus;
	struct worker_client *client;
	struct stream_hub *hub;
	struct watches *watches;
	size_t feeds;   /* number of started ones */
	uint64_t said;  /* bytes of the latest */
	char feed[256]; /* its subject */
} stage;

struct client {
	struct fake_exchange exchange;
	struct watcher *watcher; /* NULL: none yet */
	struct http_source source;
	enum rc refused; /* RC_OK: it is not */
	int told;
	char text[8192]; /* the last text read */
};

static void turn(void)
{
	(void)stream_hub_turn(stage.hub);
	(void)watches_turn(stage.watches);
	(void)stream_hub_turn(stage.hub);
}

static void start(void)
{
	fake_clock_start();
	stage.bus = fake_bus_create();
	cr_assert_eq(worker_client_create("p", WAIT_MS, &stage.client, NULL), RC_OK);
	cr_assert_eq(worker_client_connect(stage.client, stage.bus, NULL), RC_OK);
	cr_assert_eq(stream_hub_create(stage.bus, &stage.hub, NULL), RC_OK);
	cr_assert_eq(watches_create(stage.client, TIMEOUT_MS, SIZE_MAX, &stage.watches, NULL), RC_OK);
	watches_set_hub(stage.watches, stage.hub);
}

static void stop(void)
{
	worker_client_stop(stage.client);
	bus_destroy(stage.bus);
	stream_hub_destroy(stage.hub);
	watches_destroy(stage.watches);
	worker_client_destroy(stage.client);
}

TestSuite(watches, .init = start, .fini = stop);

/* ---- the worker -------------------------------------------------------------------------------------------------- */

static void reply(size_t index, const char *status, const char *body)
{
	const struct bus_header headers[] = { { PROTOCOL_HEADER_STATUS, status }, { PROTOCOL_HEADER_STREAM, WORKER } };

	fake_bus_deliver(stage.bus, &(struct bus_outgoing){
					    .subject = bus_message_reply(fake_bus_sent(stage.bus, REQUESTS, index)),
					    .headers = headers,
					    .header_count = ARRAY_LEN(headers),
					    .data = body,
					    .len = strlen(body) });
}

/* Start the stream of the index-th request. */
static void begin_feed(size_t index)
{
	size_t before = fake_bus_count(stage.bus, WORKER);

	reply(index, PROTOCOL_STATUS_STREAM, "{\"content_type\":\"application/json\"}");
	turn();
	snprintf(stage.feed, sizeof(stage.feed), "%s", bus_message_reply(fake_bus_sent(stage.bus, WORKER, before)));
	stage.said = 0;
}

static void send_frame(const char *status, const char *data)
{
	char offset[24];
	const struct bus_header headers[] = { { PROTOCOL_HEADER_STATUS, status },
					      { PROTOCOL_HEADER_OFFSET, offset },
					      { PROTOCOL_HEADER_CREDIT, "65536" } };

	snprintf(offset, sizeof(offset), "%" PRIu64, stage.said);
	stage.said += strlen(data);
	fake_bus_deliver(stage.bus, &(struct bus_outgoing){ .subject = stage.feed,
							    .reply = WORKER,
							    .headers = headers,
							    .header_count = ARRAY_LEN(headers),
							    .data = data,
							    .len = strlen(data) });
	turn();
}

static void say(const char *lines)
{
	send_frame("DATA", lines);
}

/* Advance the clock, with heartbeats of the worker. */
static void live(int seconds)
{
	for (int i = 0; i < seconds; i++) {
		fake_clock_advance(1000);
		send_frame("CREDIT", "");
	}
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

static void on_told(void *ctx, uint64_t cookie unused, struct watcher *watcher, const struct error *err)
{
	struct client *c = ctx;

	c->told++;
	c->watcher = watcher;
	c->refused = watcher ? RC_OK : err->rc;
	if (watcher)
		c->source = watcher_answer(watcher, fake_exchange_of(&c->exchange)).source;
}

static void watch_with(struct client *c, const char *filter, const char *last_event_id)
{
	const struct watch_ask ask = {
		.filter = filter,
		.last_event_id = last_event_id,
		.request_id = "r",
		.done = on_told,
		.ctx = c,
	};

	*c = (struct client){ .told = 0 };
	cr_assert_eq(watches_ask(stage.watches, &ask, NULL), RC_OK);
	turn();
}

static void watch(struct client *c)
{
	watch_with(c, NULL, NULL);
}

/* All data available to it now. */
static const char *read_all(struct client *c)
{
	size_t len = 0;
	ssize_t got;

	while ((got = c->source.read(c->source.ctx, c->text + len, sizeof(c->text) - 1 - len)) > 0)
		len += (size_t)got;
	c->text[len] = '\0';
	return c->text;
}

static size_t count(const char *text, const char *what)
{
	size_t times = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		times++;
	return times;
}

/* A watching client, and a feed with "a" and "b" running. */
static void begin(struct client *c)
{
	watch(c);
	begin_feed(0);
	say(SNAPSHOT IS("a", "RUNNING") IS("b", "RUNNING") SYNCED);
	cr_assert_not_null(c->watcher);
	(void)read_all(c);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

Test(watches, the_first_watcher_waits_for_the_complete_snapshot)
{
	struct client c;
	const char *text;

	watch(&c);
	begin_feed(0);
	say(SNAPSHOT IS("a", "RUNNING"));
	cr_expect_eq(c.told, 0);
	say(IS("b", "RUNNING") SYNCED);
	cr_assert_eq(c.told, 1);
	text = read_all(&c);
	cr_expect_eq(count(text, "event: snapshot"), 2, "%s", text);
	cr_expect_eq(count(text, "event: synced"), 1, "%s", text);
	cr_expect_lt(strstr(text, "\"id\":\"b\""), strstr(text, "event: synced"));
	say(IS("a", "STOPPED") GONE("b"));
	cr_expect_gt(c.exchange.woken, 0);
	text = read_all(&c);
	cr_expect_eq(count(text, "\"type\":\"MODIFIED\""), 1, "%s", text);
	cr_expect_eq(count(text, "\"type\":\"DELETED\""), 1, "%s", text);
	watcher_close(c.watcher);
}

Test(watches, all_watchers_share_one_feed)
{
	struct client first, second, third;

	watch(&first);
	watch(&second);
	begin_feed(0);
	say(SNAPSHOT IS("a", "RUNNING") SYNCED);
	watch(&third); /* the feed is synced already */
	cr_expect_eq(first.told + second.told + third.told, 3);
	cr_expect_str_eq(read_all(&first), read_all(&third));
	cr_expect_eq(fake_bus_count(stage.bus, REQUESTS), 1);
	watcher_close(first.watcher);
	watcher_close(second.watcher);
	watcher_close(third.watcher);
}

Test(watches, a_slow_watcher_gets_the_latest_state_of_each_container)
{
	struct client c;
	const char *text;

	begin(&c);
	for (int i = 0; i < 50; i++)
		say(IS("a", "PENDING") IS("a", "RUNNING"));
	say(IS("b", "FAILED") IS("a", "STOPPED"));
	text = read_all(&c);
	cr_expect_eq(count(text, "\"type\":\"MODIFIED\""), 2, "%s", text);
	cr_expect_eq(count(text, "STOPPED"), 1, "%s", text);
	watcher_close(c.watcher);
}

Test(watches, a_container_that_no_longer_matches_is_deleted)
{
	struct client c;
	const char *text;

	watch_with(&c, "status = \"RUNNING\"", NULL);
	begin_feed(0);
	say(SNAPSHOT IS("a", "RUNNING") IS("b", "STOPPED") SYNCED);
	cr_expect_eq(count(read_all(&c), "event: snapshot"), 1);
	say(IS("a", "STOPPED") IS("b", "RUNNING"));
	text = read_all(&c);
	cr_expect_eq(count(text, "\"type\":\"DELETED\""), 1, "%s", text);
	cr_expect_eq(count(text, "\"type\":\"ADDED\""), 1, "%s", text);
	watcher_close(c.watcher);
}

Test(watches, a_waiting_watcher_gets_the_error_of_the_worker_and_the_next_one_retries)
{
	struct client c;

	watch(&c);
	reply(0, "PERMISSION_DENIED", "{\"detail\":\"no\"}");
	cr_expect_eq(c.told, 1);
	cr_expect_eq(c.refused, RC_PERMISSION_DENIED);
	watch(&c);
	begin_feed(1);
	say(SNAPSHOT SYNCED);
	cr_assert_not_null(c.watcher);
	watcher_close(c.watcher);
}

Test(watches, a_watcher_waiting_too_long_gets_a_timeout)
{
	struct client c;

	watch(&c);
	begin_feed(0);
	say(SNAPSHOT IS("a", "RUNNING"));
	live(TIMEOUT_MS / 1000 + 1);
	cr_expect_eq(c.told, 1);
	cr_expect_eq(c.refused, RC_TIMEOUT);
}

Test(watches, a_lost_feed_is_requested_again_and_missed_changes_are_sent)
{
	struct client c, late;
	const char *text;

	begin(&c);
	send_frame("UNAVAILABLE", "{\"detail\":\"the worker ends\"}");
	cr_expect_eq(c.exchange.dropped, false);
	fake_clock_advance(1000);
	turn();
	watch(&late);
	begin_feed(1);
	say(SNAPSHOT IS("b", "STOPPED") IS("c", "RUNNING"));
	cr_expect_eq(late.told, 0, "the feed is not synced");
	cr_expect_eq(count(read_all(&c), "DELETED"), 0);
	say(SYNCED);
	cr_expect_eq(late.told, 1);
	text = c.text;
	cr_expect_eq(count(text, "\"type\":\"MODIFIED\""), 1, "%s", text);
	cr_expect_eq(count(text, "\"type\":\"ADDED\""), 1, "%s", text);
	text = read_all(&c);
	cr_expect_eq(count(text, "\"type\":\"DELETED\""), 1, "%s", text);
	cr_expect_eq(count(text, "event: snapshot"), 0, "%s", text);
	watcher_close(c.watcher);
	watcher_close(late.watcher);
}

Test(watches, a_silent_worker_loses_its_feed)
{
	struct client c;

	begin(&c);
	fake_clock_advance(PROTOCOL_STREAM_SILENCE_MS + 100);
	turn();
	fake_clock_advance(1000);
	turn();
	turn();
	cr_expect_eq(fake_bus_count(stage.bus, REQUESTS), 2);
	watcher_close(c.watcher);
}

Test(watches, a_feed_is_kept_for_a_while_without_watchers)
{
	struct client c;

	begin(&c);
	watcher_close(c.watcher);
	live(WATCHES_KEEP_MS / 1000 - 2);
	watch(&c);
	cr_expect_eq(c.told, 1);
	cr_expect_eq(count(read_all(&c), "event: snapshot"), 2);
	cr_expect_eq(fake_bus_count(stage.bus, REQUESTS), 1);
	watcher_close(c.watcher);
	live(WATCHES_KEEP_MS / 1000 + 2);
	watch(&c);
	cr_expect_eq(c.told, 0);
	cr_expect_eq(fake_bus_count(stage.bus, REQUESTS), 2);
	reply(1, "UNAVAILABLE", "{\"detail\":\"x\"}");
}

/* The last id in a text, for Last-Event-ID. */
static const char *last_id(const char *text)
{
	static char id[128];
	const char *at = NULL;

	for (const char *next = text; (next = strstr(next, "id: ")) != NULL; next++)
		at = next + strlen("id: ");
	cr_assert_not_null(at, "%s", text);
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "\n"), at);
	return id;
}

Test(watches, a_reconnecting_watcher_resumes_at_last_event_id)
{
	struct client c;
	const char *text;
	char id[128];

	watch(&c);
	begin_feed(0);
	say(SNAPSHOT IS("a", "RUNNING") IS("b", "RUNNING") SYNCED);
	snprintf(id, sizeof(id), "%s", last_id(read_all(&c)));
	watcher_close(c.watcher);
	say(IS("b", "STOPPED"));
	watch_with(&c, NULL, id);
	text = read_all(&c);
	cr_expect_eq(count(text, "event: snapshot"), 0, "%s", text);
	cr_expect_eq(count(text, "\"type\":\"MODIFIED\""), 1, "%s", text);
	watcher_close(c.watcher);
	watch_with(&c, "status = \"STOPPED\"", id);
	cr_expect_eq(count(read_all(&c), "event: snapshot"), 1, "the id has another filter");
	watcher_close(c.watcher);
	watch_with(&c, NULL, "0123456789abcdef-1-0");
	cr_expect_eq(count(read_all(&c), "event: snapshot"), 2, "the id has another list");
	watcher_close(c.watcher);
}

Test(watches, an_idle_watcher_gets_comments_and_a_disconnected_one_is_dropped)
{
	struct client c;
	int woken;

	begin(&c);
	woken = c.exchange.woken;
	live(14);
	cr_expect_eq(c.exchange.woken, woken);
	cr_expect_str_eq(read_all(&c), "");
	live(2);
	cr_expect_gt(c.exchange.woken, woken);
	cr_expect_eq(read_all(&c)[0], ':', "%s", c.text);
	cr_expect_not(c.exchange.dropped);
	c.exchange.gone = true;
	live(1);
	cr_expect(c.exchange.dropped);
	watcher_close(c.watcher);
}

Test(watches, shutdown_ends_all_watches)
{
	struct client c, late;

	begin(&c);
	watches_end(stage.watches);
	cr_expect_eq(c.source.read(c.source.ctx, c.text, sizeof(c.text)), HTTP_SOURCE_FAILED);
	watch(&late);
	cr_expect_eq(late.refused, RC_UNAVAILABLE);
	watcher_close(c.watcher);
}
