#include "api-svc/http/http_intake.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "api-svc/http/http_wire.h"
#include "api-svc/http/tls.h"

#define DESCRIPTORS_MAX (1u << 20)

struct http_intake {
	int fd;
	void *session;
	struct connections *connections;
	struct connection *connection;
	struct http_wire wire;
};

/* Indexed by descriptor; an entry is used only on the thread that serves the connection. */
static struct http_intake **intakes;
static size_t intakes_size;
static pthread_once_t intakes_once = PTHREAD_ONCE_INIT;

/* Once per process; unused pages take no memory. */
static void allocate_intakes(void)
{
	struct rlimit limit = { .rlim_max = DESCRIPTORS_MAX };

	(void)getrlimit(RLIMIT_NOFILE, &limit); /* on failure use the default */
	intakes_size = limit.rlim_max < DESCRIPTORS_MAX ? (size_t)limit.rlim_max : DESCRIPTORS_MAX;
	__atomic_store_n(&intakes, calloc(intakes_size, sizeof(struct http_intake *)), __ATOMIC_RELEASE);
}

static struct http_intake *find(int fd)
{
	struct http_intake **all = __atomic_load_n(&intakes, __ATOMIC_ACQUIRE);

	return all && fd >= 0 && (size_t)fd < intakes_size ? __atomic_load_n(&all[fd], __ATOMIC_RELAXED) : NULL;
}

struct http_intake *http_intake_create(struct connections *connections, int fd, void *session, size_t max_body)
{
	struct http_intake *in;

	pthread_once(&intakes_once, allocate_intakes);
	if (!intakes || fd < 0 || (size_t)fd >= intakes_size)
		return NULL;
	in = calloc(1, sizeof(*in));
	if (!in)
		return NULL;
	in->fd = fd;
	in->session = session;
	in->connections = connections;
	in->connection = connection_add(connections, fd);
	in->wire = http_wire_make(max_body);
	__atomic_store_n(&intakes[fd], in, __ATOMIC_RELAXED);
	return in;
}

void http_intake_destroy(struct http_intake *in)
{
	if (!in)
		return;
	__atomic_store_n(&intakes[in->fd], NULL, __ATOMIC_RELAXED);
	connection_remove(in->connections, in->connection);
	http_wire_clear(&in->wire);
	free(in);
}

struct connection *http_intake_connection(const struct http_intake *in)
{
	return in ? in->connection : NULL;
}

bool http_intake_has_read(const struct http_intake *in, uint64_t number)
{
	return in && in->wire.number >= number;
}

const struct http_fault *http_intake_fault(const struct http_intake *in, uint64_t number)
{
	return in ? http_wire_fault(&in->wire, number) : NULL;
}

bool http_intake_is_within_request(const struct http_intake *in)
{
	return in && http_wire_is_within_request(&in->wire);
}

bool http_intake_can_pass(const struct http_intake *in)
{
	return in && http_wire_is_kept(&in->wire);
}

void http_intake_pass(struct http_intake *in)
{
	http_wire_pass(&in->wire);
}

size_t http_intake_take(struct http_intake *in, char *to, size_t max)
{
	return http_wire_take(&in->wire, to, max);
}

/* ---- called by the library ---- */

static ssize_t read_socket(struct http_intake *in, char *to, size_t len)
{
	return recvfrom(in->fd, to, len, 0, NULL, NULL);
}

static ssize_t read_session(struct http_intake *in, char *to, size_t len)
{
	return tls_read(in->session, to, len);
}

/* The request was ended by the connections: terminate it for the library, so that it sends a response. */
static bool refuse_ended_request(struct http_intake *in)
{
	static const struct {
		unsigned status;
		const char *sentence;
	} refusals[] = {
		[CONNECTION_TIMED_OUT] = { 408, "the request timed out" },
		[CONNECTION_CROWDED] = { 503,
					 "too many connections are open, and the request was received too slowly" },
	};
	enum connection_end end = connection_end_of(in->connections, in->connection);

	if (!http_intake_is_within_request(in) || end == CONNECTION_NOT_ENDED)
		return false;
	http_wire_refuse(&in->wire, refusals[end].status, refusals[end].sentence);
	return true;
}

static void add(struct http_intake *in, const char *bytes, size_t len)
{
	bool was_within = http_wire_is_within_request(&in->wire);

	http_wire_add(&in->wire, bytes, len);
	if (!was_within && http_wire_is_within_request(&in->wire))
		connection_set_phase(in->connections, in->connection, CONNECTION_READING);
}

/* The library continues to read: the response was no upgrade. */
static size_t go_on(struct http_intake *in, char *to, size_t max)
{
	http_wire_go_on(&in->wire);
	if (http_wire_is_within_request(&in->wire))
		connection_set_phase(in->connections, in->connection, CONNECTION_READING);
	return http_wire_take(&in->wire, to, max);
}

/*
 * Fill the library's buffer as recv() would: it treats a partly filled buffer as an empty socket. `none`: the return
 * value if there is no data.
 */
static ssize_t fill(struct http_intake *in, ssize_t (*read)(struct http_intake *in, char *to, size_t len), ssize_t none,
		    char *to, size_t max)
{
	size_t got = http_wire_take(&in->wire, to, max);

	if (got == 0 && http_wire_is_kept(&in->wire))
		got = go_on(in, to, max);
	while (got < max && !http_wire_is_refused(&in->wire) && !http_wire_is_kept(&in->wire)) {
		size_t room = max - got;
		ssize_t n = read(in, to + got, room);

		if (n <= 0 && !refuse_ended_request(in))
			return got > 0 ? (ssize_t)got : n;
		if (n > 0)
			add(in, to + got, (size_t)n);
		got += http_wire_take(&in->wire, to + got, room);
		if (got > 0 && n < (ssize_t)room)
			break;
	}
	if (got > 0)
		return (ssize_t)got;
	errno = EAGAIN;
	return none;
}

ssize_t http_intake_recv(int fd, void *to, size_t len, int flags) __asm__("recv");

ssize_t http_intake_recv(int fd, void *to, size_t len, int flags)
{
	struct http_intake *in = find(fd);
	ssize_t n;

	if (in && !in->session && flags == 0)
		return fill(in, read_socket, -1, to, len);
	n = recvfrom(fd, to, len, flags, NULL, NULL);
	if (n != 0 || !in || !connection_end_of(in->connections, in->connection))
		return n;
	errno = EAGAIN; /* GnuTLS would treat it as truncation, and stop writing */
	return -1;
}

ssize_t http_intake_record_recv(void *session, void *to, size_t len) __asm__("gnutls_record_recv");

ssize_t http_intake_record_recv(void *session, void *to, size_t len)
{
	struct http_intake *in = find(tls_socket_of(session));

	if (in && http_wire_is_passing(&in->wire))
		return TLS_NOTHING_YET; /* read by the upgrade's owner, on another thread */
	return in ? fill(in, read_session, TLS_NOTHING_YET, to, len) : tls_read(session, to, len);
}
