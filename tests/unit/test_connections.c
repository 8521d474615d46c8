#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api-svc/http/connections.h"
#include "common/base/clock.h"

struct pair {
	int ours, theirs;
	struct connection *connection;
};

static struct pair open_pair(struct connections *all)
{
	int fds[2];
	struct pair p;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	p = (struct pair){ .ours = fds[0], .theirs = fds[1] };
	p.connection = connection_add(all, p.ours);
	cr_assert_not_null(p.connection);
	return p;
}

static void close_pair(struct connections *all, struct pair *p)
{
	connection_remove(all, p->connection);
	close(p->ours);
	close(p->theirs);
}

/* Whether the peer sees the end within the timeout in ms. */
static bool ends_within(const struct pair *p, int ms)
{
	struct pollfd fd = { .fd = p->theirs, .events = POLLRDHUP };

	return poll(&fd, 1, ms) > 0;
}

/* Whether the read timeout is detected within the given ms. */
static bool is_late_within(struct connections *all, const struct pair *p, int ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (!connection_end_of(all, p->connection) && clock_mono_ms() < end)
		clock_sleep_ms(5);
	return connection_end_of(all, p->connection) != CONNECTION_NOT_ENDED;
}

static struct connections *create_for(size_t max, int64_t timeout_ms)
{
	struct connections_limits limits = {
		.max = max, .read_timeout_ms = timeout_ms, .write_timeout_ms = timeout_ms, .idle_timeout_ms = timeout_ms
	};
	struct connections *all = NULL;

	cr_assert_eq(connections_create(&limits, &all, NULL), RC_OK);
	return all;
}

static struct connections *create(size_t max)
{
	return create_for(max, 300);
}

Test(connections, every_phase_except_working_has_a_timeout)
{
	struct connections *all = create(100);

	for (int phase = CONNECTION_NEW; phase < CONNECTION_PHASE_COUNT; phase++) {
		struct pair p = open_pair(all);
		bool ends = phase != CONNECTION_WORKING;

		if (phase != CONNECTION_NEW)
			connection_set_phase(all, p.connection, (enum connection_phase)phase);
		cr_expect_not(ends_within(&p, 150), "phase %d", phase);
		cr_expect_eq(ends_within(&p, ends ? 2000 : 500), ends, "phase %d", phase);
		close_pair(all, &p);
	}
	cr_expect_eq(connections_count(all), 0);
	connections_destroy(all);
}

Test(connections, the_timeout_of_the_first_request_starts_at_the_accept)
{
	struct connections *all = create(100);
	struct pair p = open_pair(all);
	int64_t begin = clock_mono_ms();

	clock_sleep_ms(200);
	connection_set_phase(all, p.connection, CONNECTION_READING);
	cr_expect(is_late_within(all, &p, 2000));
	cr_expect_lt(clock_mono_ms() - begin, 290 + 400);
	close_pair(all, &p);
	connections_destroy(all);
}

Test(connections, a_request_that_timed_out_can_still_be_answered)
{
	struct connections *all = create(100);
	struct pair p = open_pair(all);
	char c;

	connection_set_phase(all, p.connection, CONNECTION_READING);
	cr_expect_eq(connection_end_of(all, p.connection), CONNECTION_NOT_ENDED);
	cr_assert(is_late_within(all, &p, 2000));
	cr_expect_eq(read(p.ours, &c, 1), 0, "the read side is shut down");
	cr_assert_eq(write(p.ours, "4", 1), 1);
	cr_expect_eq(read(p.theirs, &c, 1), 1);
	cr_expect_not(ends_within(&p, 100));
	cr_expect(ends_within(&p, 2000), "the write timeout applies");
	close_pair(all, &p);
	connections_destroy(all);
}

Test(connections, the_longest_idle_are_closed_at_the_connection_limit)
{
	struct connections *all = create(4);
	struct pair pairs[6];
	int ended = 0;

	for (int i = 0; i < 6; i++) {
		pairs[i] = open_pair(all);
		if (i == 0)
			connection_set_phase(all, pairs[i].connection, CONNECTION_WORKING);
		clock_sleep_ms(20);
	}
	cr_expect(ends_within(&pairs[1], 1000), "the oldest one without a request is closed");
	cr_expect_not(ends_within(&pairs[0], 0), "one with a request stays open");
	for (int i = 0; i < 6; i++)
		ended += ends_within(&pairs[i], 0);
	cr_expect_leq(ended, 4);
	for (int i = 0; i < 6; i++)
		close_pair(all, &pairs[i]);
	connections_destroy(all);
}

Test(connections, slow_requests_are_ended_at_the_connection_limit)
{
	struct connections *all = create_for(5, 30000);
	struct pair pairs[5];
	int ended = 0;

	for (int i = 0; i < 5; i++) {
		pairs[i] = open_pair(all);
		connection_set_phase(all, pairs[i].connection, i == 0 ? CONNECTION_WORKING : CONNECTION_READING);
	}
	cr_assert_eq(write(pairs[1].theirs, "G", 1), 1); /* not read yet: not slow */
	clock_sleep_ms(4 * CONNECTION_SPARED_MS);
	for (int i = 0; i < 5; i++) {
		enum connection_end end = connection_end_of(all, pairs[i].connection);

		cr_expect(end == CONNECTION_NOT_ENDED || (i >= 2 && end == CONNECTION_CROWDED), "%d", i);
		ended += end == CONNECTION_CROWDED;
	}
	cr_expect_eq(ended, 1, "only as many as necessary, also while it is not closed yet: %d", ended);
	for (int i = 0; i < 5; i++)
		close_pair(all, &pairs[i]);
	connections_destroy(all);
}

Test(connections, one_with_an_unread_request_is_not_idle)
{
	struct connections *all = create_for(2, 30000);
	struct pair requesting = open_pair(all);
	struct pair idle = open_pair(all);

	cr_assert_eq(write(requesting.theirs, "G", 1), 1);
	cr_expect(ends_within(&idle, 1000), "at the connection limit");
	cr_expect_not(ends_within(&requesting, 0));
	connections_drain(all);
	cr_expect_not(ends_within(&requesting, 250), "at shutdown");
	close_pair(all, &requesting);
	close_pair(all, &idle);
	connections_destroy(all);
}

Test(connections, only_busy_ones_count_as_crowded)
{
	struct connections *all = create(2);
	struct pair pairs[4];

	for (int i = 0; i < 4; i++)
		pairs[i] = open_pair(all);
	cr_expect_not(connections_crowded(all));
	for (int i = 0; i < 3; i++) {
		cr_expect_not(connections_crowded(all));
		connection_set_phase(all, pairs[i].connection, CONNECTION_READING);
	}
	cr_expect(connections_crowded(all));
	connection_set_phase(all, pairs[0].connection, CONNECTION_IDLE);
	cr_expect_not(connections_crowded(all));
	for (int i = 0; i < 4; i++)
		close_pair(all, &pairs[i]);
	cr_expect_not(connections_crowded(all));
	connections_destroy(all);
}

Test(connections, those_without_a_request_are_closed_at_shutdown)
{
	struct connections *all = create(100);
	struct pair idle = open_pair(all);
	struct pair busy = open_pair(all);

	connection_set_phase(all, busy.connection, CONNECTION_WORKING);
	connections_drain(all);
	cr_expect(ends_within(&idle, 250));
	cr_expect_not(ends_within(&busy, 0));
	close_pair(all, &idle);
	close_pair(all, &busy);
	connections_destroy(all);
}

Test(connections, a_lingering_socket_reads_the_remaining_bytes)
{
	struct connections_limits limits = { .max = 10 };
	struct connections *all = NULL;
	char bytes[65536] = { 0 };
	size_t sent = 0;
	int pair[2];

	cr_assert_eq(connections_create(&limits, &all, NULL), RC_OK);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	connections_linger(all, pair[0]);
	close(pair[0]);
	for (; sent < 2 * 1024 * 1024; sent += sizeof(bytes)) /* more than the kernel buffers */
		cr_assert_eq(send(pair[1], bytes, sizeof(bytes), MSG_NOSIGNAL), (ssize_t)sizeof(bytes));
	cr_expect_eq(connections_count(all), 0);
	connections_destroy(all);
	cr_expect_eq(send(pair[1], bytes, 1, MSG_NOSIGNAL), -1);
	close(pair[1]);
}
