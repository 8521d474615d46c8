#include "api-svc/http/connections.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/footprint.h"
#include "common/base/thread.h"
#include "common/services/log.h"

#define SWEEP_INTERVAL_MS 200
#define LINGER_SWEEP_MS 20 /* sweep interval while sockets linger */
#define NEWCOMER_MS 50     /* younger connections are not closed for others */
#define DISCARDS_MAX 64    /* reads from a lingering socket in one sweep */
#define CROWD_MIN 256      /* peak of connections after which memory is released */
#define GIVE_UP_SHARE 16   /* at the limit, additionally free this fraction of it */

struct connection {
	int fd;
	enum connection_phase phase;
	int64_t since_ms; /* start of the phase; for READING of a first request: the accept */
	enum connection_end end;
	bool closed; /* shut down; its owner has not noticed yet */
	struct connection *previous, *next;
};

struct lingering {
	int fd; /* ours */
	int64_t until_ms;
	int64_t heard_ms; /* last data received */
};

struct connections {
	struct connections_limits limits;
	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t wake;
	struct connection *oldest, *newest; /* approximately in the order of since_ms */
	size_t count;
	size_t most;         /* peak since memory was last released */
	size_t with_request; /* connections not NEW or IDLE */
	bool short_of;       /* the sweeper was woken because of the limit */
	struct lingering lingering[LINGERING_MAX];
	size_t lingering_count;
	bool draining;
	bool stopping;
	pthread_t sweeper;
};

static const char *const phase_names[CONNECTION_PHASE_COUNT] = {
	[CONNECTION_NEW] = "NEW",         [CONNECTION_READING] = "READING", [CONNECTION_WORKING] = "WORKING",
	[CONNECTION_WRITING] = "WRITING", [CONNECTION_IDLE] = "IDLE",
};

/* ---- the list; the lock is held ---- */

static void unlink_connection(struct connections *all, struct connection *c)
{
	*(c->previous ? &c->previous->next : &all->oldest) = c->next;
	*(c->next ? &c->next->previous : &all->newest) = c->previous;
}

static void append_connection(struct connections *all, struct connection *c)
{
	c->previous = all->newest;
	c->next = NULL;
	*(all->newest ? &all->newest->next : &all->oldest) = c;
	all->newest = c;
}

/* ---- the sweeper ---- */

/* Time limit of the phase in ms; 0: none. */
static int64_t time_for(const struct connections *all, enum connection_phase phase)
{
	switch (phase) {
	case CONNECTION_NEW:
	case CONNECTION_READING:
		return all->limits.read_timeout_ms;
	case CONNECTION_WRITING:
		return all->limits.write_timeout_ms;
	case CONNECTION_IDLE:
		return all->limits.idle_timeout_ms;
	case CONNECTION_WORKING:
	case CONNECTION_PHASE_COUNT:
		break;
	}
	return 0;
}

static bool is_without_request(const struct connection *c)
{
	return c->phase == CONNECTION_NEW || c->phase == CONNECTION_IDLE;
}

/* Nothing unread is on its socket. */
static bool is_silent(const struct connection *c)
{
	int arrived = 0;

	return ioctl(c->fd, FIONREAD, &arrived) != 0 || arrived == 0;
}

static bool is_at_rest(const struct connection *c)
{
	return is_without_request(c) && is_silent(c);
}

/* The socket is still open: its owner calls connection_remove() before close(2), and we hold the lock. */
static void end_connection(struct connection *c, const char *why)
{
	c->closed = true;
	log_debug("connection ended", log_str("why", why), log_str("phase", phase_names[c->phase]),
		  log_num("fd", c->fd));
	(void)shutdown(c->fd, SHUT_RDWR); /* fails if the peer has already closed it */
}

/* Whether it is about to leave. */
static bool is_leaving(const struct connection *c)
{
	return c->closed || c->end;
}

/* A request of which a part is missing for long enough to end it for others. */
static bool is_slow(const struct connection *c, int64_t now)
{
	return c->phase == CONNECTION_READING && !is_leaving(c) && now - c->since_ms >= CONNECTION_SPARED_MS &&
	       is_silent(c);
}

/* The time limit restarts, for the response. */
static void end_request(struct connections *all, struct connection *c, int64_t now, enum connection_end why)
{
	c->end = why;
	c->since_ms = now;
	unlink_connection(all, c);
	append_connection(all, c);
	log_debug("request ended", log_str("why", why == CONNECTION_CROWDED ? "connection limit reached" : "timeout"),
		  log_num("fd", c->fd));
	(void)shutdown(c->fd, SHUT_RD); /* fails if the peer has already closed it */
}

/* The number of connections to end to make room for new ones. */
static size_t count_to_give_up(const struct connections *all)
{
	size_t staying = all->count;
	size_t goal = all->limits.max - all->limits.max / GIVE_UP_SHARE;

	if (all->count < all->limits.max)
		return 0;
	for (const struct connection *c = all->oldest; c; c = c->next)
		staying -= is_leaving(c);
	return staying >= goal ? staying - goal + 1 : 0;
}

static void sweep(struct connections *all, int64_t now)
{
	size_t give_up = count_to_give_up(all);
	struct connection *next;

	for (struct connection *c = all->oldest; c; c = next) {
		int64_t age = now - c->since_ms;
		int64_t limit = time_for(all, c->phase);

		next = c->next;
		if (c->closed)
			continue;
		if (limit > 0 && age >= limit && c->phase == CONNECTION_READING && !c->end) {
			end_request(all, c, now, CONNECTION_TIMED_OUT);
		} else if (limit > 0 && age >= limit) {
			end_connection(c, "timeout");
		} else if (all->draining && is_at_rest(c)) {
			end_connection(c, "stopping");
		} else if (give_up > 0 && age >= NEWCOMER_MS && is_at_rest(c)) {
			end_connection(c, "connection limit reached");
			give_up--;
		}
	}
	for (struct connection *c = all->oldest; c && give_up > 0; c = next) {
		next = c->next;
		if (is_slow(c, now)) {
			end_request(all, c, now, CONNECTION_CROWDED);
			give_up--;
		}
	}
}

/* Discard received data; false: closed, idle for too long, or an error. */
static bool discard(struct lingering *l, int64_t now)
{
	char bytes[16 * 1024];
	ssize_t got = 1;

	for (int i = 0; i < DISCARDS_MAX && got > 0; i++) {
		got = recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got > 0)
			l->heard_ms = now;
	}
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR) && now - l->heard_ms < LINGER_IDLE_MS);
}

static void sweep_lingering(struct connections *all, int64_t now)
{
	for (size_t i = 0; i < all->lingering_count;) {
		struct lingering *l = &all->lingering[i];

		if (now < l->until_ms && discard(l, now)) {
			i++;
			continue;
		}
		close(l->fd);
		*l = all->lingering[--all->lingering_count];
	}
}

/* Release fragmented heap after a peak. The lock is held, and released meanwhile. */
static void give_memory_back(struct connections *all)
{
	if (all->most < CROWD_MIN || all->count > all->most / 8)
		return;
	all->most = all->count;
	pthread_mutex_unlock(&all->lock);
	footprint_trim_heap();
	pthread_mutex_lock(&all->lock);
}

static int64_t next_sweep_ms(const struct connections *all)
{
	if (all->lingering_count > 0)
		return clock_mono_ms() + LINGER_SWEEP_MS;
	return all->count > 0 ? clock_mono_ms() + SWEEP_INTERVAL_MS : INT64_MAX;
}

static void *run_sweeper(void *arg)
{
	struct connections *all = arg;

	pthread_mutex_lock(&all->lock);
	while (!all->stopping) {
		all->short_of = false;
		sweep(all, clock_mono_ms());
		sweep_lingering(all, clock_mono_ms());
		give_memory_back(all);
		(void)thread_wait(&all->wake, &all->lock, next_sweep_ms(all)); /* check again in any case */
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* ---- public functions- */

enum rc connections_create(const struct connections_limits *limits, struct connections **ret_connections,
			   struct error *err)
{
	struct connections *all = calloc(1, sizeof(*all));
	enum rc rc;

	if (!all)
		return error_no_memory(err);
	all->limits = *limits;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->wake, NULL);
	rc = thread_start(run_sweeper, all, &all->sweeper, err);
	if (rc) {
		pthread_cond_destroy(&all->wake);
		pthread_mutex_destroy(&all->lock);
		free(all);
		return rc;
	}
	*ret_connections = all;
	return RC_OK;
}

void connections_destroy(struct connections *all)
{
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
	pthread_join(all->sweeper, NULL);
	sweep_lingering(all, INT64_MAX);
	pthread_cond_destroy(&all->wake);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

struct connection *connection_add(struct connections *all, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = fd;
	c->phase = CONNECTION_NEW;
	c->since_ms = clock_mono_ms();
	pthread_mutex_lock(&all->lock);
	append_connection(all, c);
	all->count++;
	if (all->count > all->most)
		all->most = all->count;
	if (all->count == 1 || (all->count >= all->limits.max && !all->short_of)) {
		all->short_of = all->count >= all->limits.max;
		pthread_cond_signal(&all->wake);
	}
	pthread_mutex_unlock(&all->lock);
	return c;
}

void connection_remove(struct connections *all, struct connection *connection)
{
	if (!connection)
		return;
	pthread_mutex_lock(&all->lock);
	unlink_connection(all, connection);
	all->count--;
	all->with_request -= !is_without_request(connection);
	pthread_mutex_unlock(&all->lock);
	free(connection);
}

void connection_set_phase(struct connections *all, struct connection *connection, enum connection_phase phase)
{
	if (!connection)
		return;
	pthread_mutex_lock(&all->lock);
	/* The time limit of a request continues from NEW, and if READING is set again. */
	if (phase != CONNECTION_READING || !(connection->phase == CONNECTION_NEW || connection->phase == phase)) {
		connection->since_ms = clock_mono_ms();
		unlink_connection(all, connection);
		append_connection(all, connection);
	}
	all->with_request -= !is_without_request(connection);
	connection->phase = phase;
	all->with_request += !is_without_request(connection);
	pthread_mutex_unlock(&all->lock);
}

enum connection_end connection_end_of(struct connections *all, const struct connection *connection)
{
	enum connection_end end;

	if (!connection)
		return CONNECTION_NOT_ENDED;
	pthread_mutex_lock(&all->lock);
	end = connection->end;
	pthread_mutex_unlock(&all->lock);
	return end;
}

void connections_linger(struct connections *all, int fd)
{
	pthread_mutex_lock(&all->lock);
	if (all->lingering_count < LINGERING_MAX) {
		int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		int64_t now = clock_mono_ms();

		if (copy >= 0)
			all->lingering[all->lingering_count++] = (struct lingering){ .fd = copy,
										     .until_ms = now + LINGER_MS,
										     .heard_ms = now };
		pthread_cond_signal(&all->wake);
	}
	pthread_mutex_unlock(&all->lock);
}

size_t connections_count(struct connections *all)
{
	size_t count;

	pthread_mutex_lock(&all->lock);
	count = all->count;
	pthread_mutex_unlock(&all->lock);
	return count;
}

bool connections_crowded(struct connections *all)
{
	bool crowded;

	pthread_mutex_lock(&all->lock);
	crowded = all->with_request > all->limits.max;
	pthread_mutex_unlock(&all->lock);
	return crowded;
}

void connections_drain(struct connections *all)
{
	pthread_mutex_lock(&all->lock);
	all->draining = true;
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
}
