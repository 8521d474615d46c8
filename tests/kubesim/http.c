#include "tests/kubesim/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"

#define CONNECTION_MAX 4000           /* open at the same time */
#define CONNECTION_MEMORY (64 * 1024) /* bytes: headers, and one block of a stream */
#define STREAM_BLOCK (32 * 1024)      /* maximum bytes per read of a stream */
#define THREAD_STACK (1024 * 1024)    /* bytes; sanitizers need more */
#define STOP_LOOK_MS 10               /* poll interval for the end of the last upgraded connection */
#define PAUSE_SLICE_MS 100            /* poll interval for a disconnect during a wait */

struct sim_http {
	struct sim_http_settings settings;
	struct MHD_Daemon *daemon;
	atomic_bool stopping;
	atomic_int upgraded; /* connections, each with its own thread */
};

/* State of one request; freed when libmicrohttpd has completed it. */
struct exchange {
	struct sim_request request;
	struct sim_response response;
};

/* ---- requests ---------------------------------------------------------------------------------------------------- */

const char *sim_request_query(const struct sim_request *request, const char *key)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, key);
}

struct query_walk {
	const char *key;
	void (*each)(void *ctx, const char *value);
	void *ctx;
};

static enum MHD_Result visit_parameter(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct query_walk *walk = ctx;

	(void)kind;
	if (str_equal(walk->key, key))
		walk->each(walk->ctx, value ? value : "");
	return MHD_YES;
}

void sim_request_each_query(const struct sim_request *request, const char *key,
			    void (*each)(void *ctx, const char *value), void *ctx)
{
	struct query_walk walk = { key, each, ctx };

	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, visit_parameter, &walk);
}

const char *sim_request_header(const struct sim_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool sim_http_stopping(const struct sim_http *http)
{
	return atomic_load(&http->stopping);
}

/* Iterates over parameters: the wanted ones, and the first other one. */
struct query_search {
	const char *const *known;
	const char *other;
};

static enum MHD_Result look_at_parameter(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct query_search *search = ctx;

	(void)kind;
	(void)value;
	for (const char *const *known = search->known; *known; known++)
		if (str_equal(*known, key))
			return MHD_YES;
	search->other = key;
	return MHD_NO;
}

const char *sim_request_other_query(const struct sim_request *request, const char *const *known)
{
	struct query_search search = { .known = known };

	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, look_at_parameter, &search);
	return search.other;
}

bool sim_request_flag(const struct sim_request *request, const char *key)
{
	const char *value = sim_request_query(request, key);

	return str_equal(value, "true") || str_equal(value, "1");
}

enum rc sim_request_int(const struct sim_request *request, const char *key, int64_t *ret_value, struct error *err)
{
	const char *text = sim_request_query(request, key);

	if (!text || !*text)
		return RC_OK;
	if (!str_parse_int64(text, ret_value) || *ret_value < 0)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: '%.50s' is no such number", key, text);
	return RC_OK;
}

bool sim_request_gone(const struct sim_request *request)
{
	struct pollfd p = { .fd = request->fd, .events = POLLRDHUP };

	if (atomic_load(&request->http->stopping))
		return true;
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}

bool sim_request_pause(const struct sim_request *request, int64_t ms)
{
	int64_t end_ms = clock_mono_ms() + ms;

	for (int64_t left_ms = ms; left_ms > 0; left_ms = end_ms - clock_mono_ms()) {
		if (sim_request_gone(request))
			return false;
		clock_sleep_ms(left_ms < PAUSE_SLICE_MS ? left_ms : PAUSE_SLICE_MS);
	}
	return !sim_request_gone(request);
}

/* "" if missing. */
static const char *header(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value ? value : "";
}

static struct exchange *begin(struct sim_http *http, struct MHD_Connection *connection, const char *path,
			      const char *method)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->request = (struct sim_request){ .method = method,
					   .path = path,
					   .accept = header(connection, "Accept"),
					   .content_type = header(connection, "Content-Type"),
					   .authorization = header(connection, "Authorization"),
					   .body = buf_make(HTTP_BODY_MAX),
					   .connection = connection,
					   .fd = info ? info->connect_fd : -1,
					   .http = http };
	x->response.body = buf_make(SIZE_MAX / 2);
	return x;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *state;

	(void)ctx;
	(void)connection;
	(void)why;
	if (!x)
		return;
	if (x->response.stream.destroy)
		x->response.stream.destroy(x->response.stream.ctx);
	if (x->response.upgrade.ctx)
		x->response.upgrade.destroy(x->response.upgrade.ctx);
	buf_clear(&x->response.body);
	buf_clear(&x->request.body);
	free(x);
	*state = NULL;
}

/* ---- responses --------------------------------------------------------------------------------------------------- */

static ssize_t read_stream(void *ctx, uint64_t position, char *out, size_t max)
{
	struct exchange *x = ctx;
	ssize_t n = x->response.stream.read(x->response.stream.ctx, out, max);

	(void)position;
	if (n > 0)
		return n;
	return n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t read_slowly(void *ctx, uint64_t position, char *out, size_t max)
{
	struct exchange *x = ctx;
	size_t n = x->response.body.len - position;

	if (!sim_request_pause(&x->request, x->response.slow_delay_ms))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = n < x->response.slow_bytes ? n : x->response.slow_bytes;
	n = n < max ? n : max;
	memcpy(out, x->response.body.data + position, n);
	return (ssize_t)n;
}

/* ---- upgrades ---------------------------------------------------------------------------------------------------- */

/*
 * An upgraded connection and its thread. The library considers the request complete: the exchange no longer exists.
 */
struct takeover {
	struct sim_http *http;
	struct sim_upgrade upgrade;
	struct MHD_UpgradeResponseHandle *handle;
	int fd;
	size_t early_len;
	char early[];
};

static void *run_takeover(void *ctx)
{
	struct takeover *t = ctx;
	struct sim_http *http = t->http;

	t->upgrade.run(t->upgrade.ctx, t->fd, t->early, t->early_len);
	t->upgrade.destroy(t->upgrade.ctx);
	MHD_upgrade_action(t->handle, MHD_UPGRADE_ACTION_CLOSE);
	free(t);
	atomic_fetch_sub(&http->upgraded, 1);
	return NULL;
}

static void on_upgraded(void *ctx, struct MHD_Connection *connection, void *request, const char *early,
			size_t early_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct exchange *x = ctx;
	struct sim_http *http = x->request.http;
	struct takeover *t = calloc(1, sizeof(*t) + early_len);
	pthread_t thread;

	(void)connection;
	(void)request;
	if (!t) {
		MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
		return;
	}
	*t = (struct takeover){ http, x->response.upgrade, handle, fd, early_len };
	x->response.upgrade.ctx = NULL;
	memcpy(t->early, early_len ? early : "", early_len);
	atomic_fetch_add(&http->upgraded, 1);
	if (pthread_create(&thread, NULL, run_takeover, t) == 0)
		pthread_detach(thread);
	else
		run_takeover(t); /* it uses the thread of this connection */
}

static struct MHD_Response *make_upgrade(struct exchange *x)
{
	struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgraded, x);

	if (!response)
		return NULL;
	MHD_add_response_header(response, "Upgrade", "websocket");
	MHD_add_response_header(response, "Sec-WebSocket-Accept", x->response.upgrade.accept);
	MHD_add_response_header(response, "Sec-WebSocket-Protocol", x->response.upgrade.protocol);
	return response;
}

/* A response that borrows from the exchange, which outlives it. */
static struct MHD_Response *make_response(struct exchange *x)
{
	const struct sim_response *r = &x->response;

	if (r->upgrade.ctx)
		return make_upgrade(x);
	if (r->stream.read)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, x, NULL);
	if (r->slow_bytes)
		return MHD_create_response_from_callback(r->body.len, r->slow_bytes, read_slowly, x, NULL);
	return MHD_create_response_from_buffer(r->body.len, r->body.data, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_response(struct MHD_Connection *connection, struct exchange *x)
{
	const struct sim_response *r = &x->response;
	struct MHD_Response *response = make_response(x);
	enum MHD_Result result;
	char seconds[16];

	if (!response)
		return MHD_NO;
	if (r->body.len || r->stream.read)
		MHD_add_response_header(response, "Content-Type",
					r->content_type ? r->content_type : "application/json");
	MHD_add_response_header(response, "Cache-Control", "no-cache, private");
	snprintf(seconds, sizeof(seconds), "%d", r->retry_after_s);
	if (r->retry_after_s)
		MHD_add_response_header(response, "Retry-After", seconds);
	result = MHD_queue_response(connection, r->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Called once with the headers, then with each part of the body, then with none. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	struct sim_http *http = ctx;
	struct exchange *x = *state;

	(void)version;
	if (!x) {
		*state = begin(http, connection, path, method);
		return *state ? MHD_YES : MHD_NO;
	}
	if (*size) {
		if (!x->request.too_large)
			buf_add(&x->request.body, data, *size);
		x->request.too_large = x->request.body.failed != RC_OK;
		*size = 0;
		return MHD_YES;
	}
	http->settings.handle(http->settings.ctx, &x->request, &x->response);
	return x->response.drop ? MHD_NO : send_response(connection, x);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct sim_http *http, const struct addrinfo *address)
{
	const struct sim_http_settings *settings = &http->settings;
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |
			 MHD_ALLOW_UPGRADE;
	struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)settings->cert_pem },
					{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)settings->key_pem },
					{ MHD_OPTION_END, 0, NULL } };

	if (settings->cert_pem)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	if (address->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address->ai_addr,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
				CONNECTION_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK, MHD_OPTION_ARRAY, tls,
				MHD_OPTION_END);
}

enum rc sim_http_start(const struct sim_http_settings *settings, struct sim_http **ret_http, struct error *err)
{
	const char *colon = strrchr(settings->listen, ':');
	cleanup_free char *host = colon ? strndup(settings->listen, (size_t)(colon - settings->listen)) : NULL;
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct sim_http *http = NULL;

	if (!host || getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found) != 0)
		return error_set(err, RC_INVALID_ARGUMENT, "listen on '%s': no such address", settings->listen);
	http = calloc(1, sizeof(*http));
	if (http) {
		http->settings = *settings;
		atomic_init(&http->stopping, false);
		atomic_init(&http->upgraded, 0);
		http->daemon = start_daemon(http, found);
	}
	freeaddrinfo(found);
	if (!http || !http->daemon) {
		free(http);
		return error_set(err, RC_UNAVAILABLE, "listen on '%s': %s%s", settings->listen, error_errno_text(errno),
				 settings->cert_pem ? "; are certificate and key right?" : "");
	}
	*ret_http = http;
	return RC_OK;
}

unsigned sim_http_port(const struct sim_http *http)
{
	return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void sim_http_stop(struct sim_http *http)
{
	atomic_store(&http->stopping, true);
	while (atomic_load(&http->upgraded) > 0)
		clock_sleep_ms(STOP_LOOK_MS);
	MHD_stop_daemon(http->daemon);
	free(http);
}
