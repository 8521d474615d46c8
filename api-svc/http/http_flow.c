/*
 * Streamed responses: from a source, suspending the connection in between, or on an upgraded connection.
 */
#include "api-svc/http/http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOW_BLOCK 4096          /* bytes per read of a source, if the response is not chunked */
#define FLOW_UNSENT (64u * 1024) /* unsent bytes in the kernel, in addition to those in flight */
#define FLOW_IDLE_S 15           /* TCP keepalive: idle time, */
#define FLOW_PROBE_S 5           /* and interval of FLOW_PROBES probes */
#define FLOW_PROBES 3
#define LIST_MAX 256 /* bytes of Upgrade and Connection that are parsed */

/* ---- the answer ---- */

/* The source is read without the lock: it has its own locks, under which it calls wake. */
static ssize_t ask_source(struct http_exchange *ex, char *to, size_t max)
{
	bool dropped;

	pthread_mutex_lock(&ex->flow);
	ex->woken = false;
	dropped = ex->dropped;
	pthread_mutex_unlock(&ex->flow);
	return dropped ? HTTP_SOURCE_FAILED : ex->answer.source.read(ex->answer.source.ctx, to, max);
}

/*
 * MHD_CONTENT_READER_END_WITH_ERROR cannot be used: 0.9.75 shuts the socket down, and with epoll loses the connection
 * until shutdown. A failed send ends a connection correctly; this byte is never sent.
 */
static ssize_t fail_to_send(const struct http_exchange *ex, char *to)
{
	(void)shutdown(http_socket_of(ex->connection), SHUT_RDWR); /* fails if the client has already closed it */
	to[0] = '\0';
	return 1;
}

static ssize_t on_read(void *ctx, uint64_t at unused, char *to, size_t max)
{
	struct http_exchange *ex = ctx;
	bool again = true;
	ssize_t got = 0;

	while (again) {
		got = ask_source(ex, to, max);
		pthread_mutex_lock(&ex->flow);
		again = got == 0 && ex->woken;
		ex->waits = got == 0 && !again;
		if (ex->waits)
			MHD_suspend_connection(ex->connection);
		pthread_mutex_unlock(&ex->flow);
	}
	if (got == HTTP_SOURCE_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	return got == HTTP_SOURCE_FAILED ? fail_to_send(ex, to) : got;
}

/*
 * A client may be slow, or idle for hours without a time limit, so kernel buffers are limited, and keepalive detects
 * dead machines. All of these are optional.
 */
static void prepare_flow(struct http_exchange *ex)
{
	static const struct {
		int level;
		int name;
		int value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, FLOW_UNSENT },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, FLOW_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, FLOW_PROBE_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, FLOW_PROBES },
	};
	int fd = http_socket_of(ex->connection);

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

/*
 * The library's descriptor is not used: with TLS it is one end of a socket pair, which does not reflect the state of
 * the client (in 0.9.75; it also treats a partly filled buffer as all data).
 */
static void on_upgraded(void *ctx, struct MHD_Connection *connection unused, void *request unused,
			const char *extra unused, size_t extra_len unused, MHD_socket fd unused,
			struct MHD_UpgradeResponseHandle *handle)
{
	struct http_exchange *ex = ctx;
	const struct http_upgrade *upgrade = &ex->answer.upgrade;
	char early[HTTP_CONNECTION_MEMORY];
	size_t len;

	ex->upgraded = handle;
	ex->session = http_tls_session_of(ex->connection);
	ex->fd = http_socket_of(ex->connection);
	(void)fcntl(ex->fd, F_SETFL, fcntl(ex->fd, F_GETFL) | O_NONBLOCK); /* already non-blocking */
	http_intake_pass(ex->intake);
	len = http_intake_take(ex->intake, early, sizeof(early));
	upgrade->take_over(upgrade->ctx, early, len);
}

static bool add_protocol(struct MHD_Response *response, const struct http_upgrade *upgrade)
{
	return MHD_add_response_header(response, "Upgrade", upgrade->protocol) &&
	       (!upgrade->accept || MHD_add_response_header(response, "Sec-WebSocket-Accept", upgrade->accept)) &&
	       (!upgrade->subprotocol ||
		MHD_add_response_header(response, "Sec-WebSocket-Protocol", upgrade->subprotocol));
}

struct MHD_Response *http_flow_make(struct http_exchange *ex)
{
	struct MHD_Response *response;

	prepare_flow(ex);
	if (ex->answer.source.ctx) {
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, FLOW_BLOCK, on_read, ex, NULL);
		/*
		 * The library would send the last chunk for HEAD, which the client would parse as its next response.
		 */
		if (response && strcmp(ex->method, "HEAD") == 0)
			(void)MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_ONLY, MHD_RO_END);
		return response;
	}
	response = MHD_create_response_for_upgrade(on_upgraded, ex);
	if (response && add_protocol(response, &ex->answer.upgrade))
		return response;
	if (response)
		MHD_destroy_response(response);
	return NULL;
}

bool http_flows(const struct http_answer *answer)
{
	return answer->source.ctx || answer->upgrade.protocol;
}

/* ---- its connection ---- */

/* Whether the token is in the list (RFC 9110 section 5.6.1). */
static bool has_token(const char *list, const char *token)
{
	size_t len = strlen(token);

	for (const char *at = list; *at; at += strcspn(at, ",")) {
		at += strspn(at, ", \t");
		if (strncasecmp(at, token, len) == 0 && strchr(", \t", at[len]))
			return true;
	}
	return false;
}

bool http_exchange_wants(const struct http_exchange *exchange, const char *protocol)
{
	char upgrade[LIST_MAX];
	char connection[LIST_MAX];

	http_exchange_list(exchange, "Upgrade", upgrade, sizeof(upgrade));
	http_exchange_list(exchange, "Connection", connection, sizeof(connection));
	return strcmp(exchange->method, "GET") == 0 && http_intake_can_pass(exchange->intake) &&
	       has_token(upgrade, protocol) && has_token(connection, "upgrade");
}

void http_exchange_wake(struct http_exchange *exchange)
{
	pthread_mutex_lock(&exchange->flow);
	exchange->woken = true;
	if (exchange->waits)
		MHD_resume_connection(exchange->connection);
	exchange->waits = false;
	pthread_mutex_unlock(&exchange->flow);
}

bool http_exchange_is_present(const struct http_exchange *exchange)
{
	return !http_has_gone(exchange->connection);
}

/* A connection blocked on a client that does not read is woken through its socket. */
void http_exchange_drop(struct http_exchange *exchange)
{
	(void)shutdown(http_socket_of(exchange->connection), SHUT_RDWR); /* fails if the client has already closed it */
	pthread_mutex_lock(&exchange->flow);
	exchange->dropped = true;
	pthread_mutex_unlock(&exchange->flow);
	http_exchange_wake(exchange);
}

int http_exchange_fd(const struct http_exchange *exchange)
{
	return exchange->fd;
}

static ssize_t peer_fault(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? HTTP_PEER_BUSY : HTTP_PEER_GONE;
}

ssize_t http_exchange_receive(struct http_exchange *exchange, void *to, size_t max)
{
	ssize_t got;

	if (exchange->session) {
		got = tls_read(exchange->session, to, max);
		return got >= 0 ? got : got == TLS_NOTHING_YET ? HTTP_PEER_BUSY : HTTP_PEER_GONE;
	}
	got = recvfrom(exchange->fd, to, max, 0, NULL, NULL);
	return got >= 0 ? got : peer_fault();
}

ssize_t http_exchange_send(struct http_exchange *exchange, const void *data, size_t len)
{
	ssize_t sent;

	if (exchange->session) {
		sent = tls_write(exchange->session, data, len);
		return sent >= 0 ? sent : sent == TLS_NOTHING_YET ? HTTP_PEER_BUSY : HTTP_PEER_GONE;
	}
	sent = send(exchange->fd, data, len, MSG_NOSIGNAL);
	return sent >= 0 ? sent : peer_fault();
}

/*
 * With TLS the library (0.9.75) shuts its socket pair down before it records the close request: if its thread sees only
 * the former, it waits for another event forever. So trigger one, on our own descriptor, as the connection may already
 * be freed.
 */
void http_exchange_leave(struct http_exchange *exchange)
{
	int fd = exchange->session ? fcntl(exchange->fd, F_DUPFD_CLOEXEC, 0) : -1;

	(void)MHD_upgrade_action(exchange->upgraded, MHD_UPGRADE_ACTION_CLOSE); /* fails only for invalid actions */
	if (fd < 0)
		return;
	(void)shutdown(fd, SHUT_RD); /* fails if the client has already closed it, which is an event as well */
	close(fd);
}
