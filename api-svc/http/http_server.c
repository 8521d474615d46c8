#include "api-svc/http/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api-svc/http/connections.h"
#include "api-svc/http/http_framing.h"
#include "api-svc/http/http_private.h"
#include "api-svc/http/tickets.h"
#include "common/base/memory_budget.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/http/listen.h"
#include "common/services/log.h"

#define RESERVED_CONNECTIONS 128 /* beyond the limit, for health checks and 503 responses */
#define LIBRARY_TEXT_MAX 256
#define TLS_OPTIONS_MAX 4

struct http_server {
	struct http_server_options options;
	struct MHD_Daemon *daemon;
	struct connections *connections;
	struct tickets *tickets;
	int listen_fd; /* closed by the library with its daemon */
	bool draining; /* written with __atomic builtins: read on all server threads */
};

/* The socket context of a connection. */
struct peer {
	struct http_intake *intake; /* NULL: out of memory */
	uint64_t requests;          /* started */
};

/* ---- the socket ---- */

int http_socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

bool http_has_gone(struct MHD_Connection *connection)
{
	const short events = POLLRDHUP | POLLHUP | POLLERR;
	struct pollfd p = { .fd = http_socket_of(connection), .events = events };

	return p.fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & events);
}

void *http_tls_session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

/*
 * Whether the client closed the connection before it received the response. The client's kernel then resets the
 * connection, and the error is EPIPE because of the earlier FIN. If the client reads everything and then resets, the
 * error is ECONNRESET. Source: Linux tcp_reset(). Checking after send() is reliable on one machine; over a network it
 * may be too early.
 */
static bool closed_before_answer(struct MHD_Connection *connection)
{
	int fault = 0;
	socklen_t len = sizeof(fault);

	return getsockopt(http_socket_of(connection), SOL_SOCKET, SO_ERROR, &fault, &len) == 0 && fault == EPIPE;
}

static struct peer *peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void set_phase(const struct http_exchange *ex, enum connection_phase phase)
{
	connection_set_phase(ex->server->connections, http_intake_connection(ex->intake), phase);
}

/* ---- the answer ---- */

static struct MHD_Response *make_response(const struct http_answer *answer)
{
	enum MHD_ResponseMemoryMode mode = answer->body_is_static ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE;

	if (!answer->body)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_buffer(answer->body_len, answer->body, mode);
}

static bool add_others(struct MHD_Response *response, const char *const *headers)
{
	bool good = true;

	for (; good && headers && *headers; headers += 2)
		good = MHD_add_response_header(response, headers[0], headers[1]) == MHD_YES;
	return good;
}

static bool add_headers(struct MHD_Response *response, const struct http_exchange *ex)
{
	const struct http_answer *a = &ex->answer;
	bool close = (a->close || __atomic_load_n(&ex->server->draining, __ATOMIC_RELAXED)) && !a->upgrade.protocol;
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%d", a->retry_after_s);
	return (!a->content_type || MHD_add_response_header(response, "Content-Type", a->content_type)) &&
	       (!ex->request_id || MHD_add_response_header(response, "X-Request-Id", ex->request_id)) &&
	       (!a->allow[0] || MHD_add_response_header(response, "Allow", a->allow)) &&
	       (!a->authenticate || MHD_add_response_header(response, "WWW-Authenticate", a->authenticate)) &&
	       (!a->accepted || MHD_add_response_header(response, "Accept-Encoding", a->accepted)) &&
	       (!a->etag[0] || MHD_add_response_header(response, "ETag", a->etag)) &&
	       (!a->retry_after_s || MHD_add_response_header(response, "Retry-After", seconds)) &&
	       (!close || MHD_add_response_header(response, "Connection", "close")) && add_others(response, a->headers);
}

/* Of the request. */
static void drop_body(struct http_exchange *ex)
{
	buf_clear(&ex->body);
	memory_budget_give(ex->held);
	ex->held = 0;
}

/* The bytes that are reserved until the response is written. */
static size_t owned_size(const struct http_answer *answer)
{
	return answer->body_is_static ? 0 : answer->body_len;
}

static void drop_answer(struct http_exchange *ex)
{
	memory_budget_give(owned_size(&ex->answer));
	if (!ex->answer.body_is_static)
		free(ex->answer.body);
	ex->answer.body = NULL;
}

/* MHD_NO ends the connection; on_completed() is called. */
static enum MHD_Result send_answer(struct http_exchange *ex)
{
	struct MHD_Response *response;
	enum MHD_Result queued = MHD_NO;

	if (ex->answer.only_if_present && http_has_gone(ex->connection))
		return MHD_NO;
	response = http_flows(&ex->answer) ? http_flow_make(ex) : make_response(&ex->answer);
	if (!response)
		return MHD_NO;
	ex->answer.body = NULL; /* owned by the response */
	set_phase(ex, http_flows(&ex->answer) ? CONNECTION_WORKING : CONNECTION_WRITING);
	if (add_headers(response, ex))
		queued = MHD_queue_response(ex->connection, ex->answer.status, response);
	MHD_destroy_response(response);
	return queued;
}

/* ---- a request arrives ---- */

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind unused, const char *name, size_t name_len,
				 const char *value, size_t value_len)
{
	http_framing_add_header(ctx, name, name_len, value ? value : "", value ? value_len : 0);
	return MHD_YES;
}

/* Reject the request, unless already rejected; the connection is closed after the response. */
static void set_fault(struct http_exchange *ex, enum rc rc, unsigned status, const char *sentence)
{
	if (!ex->fault.rc) {
		error_set(&ex->fault, rc, "%s", sentence);
		ex->fault_status = status;
	}
	ex->answer.close = true;
}

static void set_too_large(struct http_exchange *ex)
{
	char sentence[64];

	snprintf(sentence, sizeof(sentence), "the body is larger than %zu bytes", ex->server->options.max_body);
	set_fault(ex, RC_TOO_LARGE, 0, sentence);
}

/* Take over an error in the raw bytes of the request; called at every step. */
static void look_for_fault(struct http_exchange *ex)
{
	const struct http_fault *fault = http_intake_fault(ex->intake, ex->number);

	if (!fault)
		return;
	ex->unread = true;
	switch (fault->status) {
	case MHD_HTTP_UNAUTHORIZED:
		set_fault(ex, RC_UNAUTHENTICATED, 0, fault->sentence);
		break;
	case MHD_HTTP_CONTENT_TOO_LARGE:
		set_too_large(ex);
		break;
	case MHD_HTTP_INTERNAL_SERVER_ERROR:
		set_fault(ex, RC_NO_MEMORY, 0, fault->sentence);
		break;
	case MHD_HTTP_SERVICE_UNAVAILABLE:
		set_fault(ex, RC_BUSY, fault->status, fault->sentence);
		break;
	default:
		set_fault(ex, RC_INVALID_ARGUMENT, fault->status, fault->sentence);
		break;
	}
}

static enum http_handled admit(struct http_exchange *ex)
{
	ex->admitted = true;
	return ex->server->options.admit(ex->server->options.ctx, ex);
}

static void set_no_room(struct http_exchange *ex)
{
	drop_body(ex);
	error_set(&ex->fault, RC_BUSY, "too many bytes of requests and responses in flight");
}

/* Reserve memory for received bytes of the body. Declared bytes are not reserved: they may never be sent. */
static bool hold(struct http_exchange *ex, size_t len)
{
	if (!memory_budget_take(len)) {
		set_no_room(ex);
		return false;
	}
	ex->held += len;
	return true;
}

/* The request is complete, or invalid without waiting for the rest. */
static enum MHD_Result dispatch(struct http_exchange *ex)
{
	struct http_server *server = ex->server;

	look_for_fault(ex);
	if (ex->answered)
		return send_answer(ex);
	if (ex->fault.rc)
		drop_body(ex);
	set_phase(ex, CONNECTION_WORKING);
	if (server->options.handle(server->options.ctx, ex) == HTTP_DEFERRED)
		return MHD_YES; /* another thread may own the exchange */
	return send_answer(ex);
}

/*
 * Called after the headers. A response now makes the library close the connection without reading the body, for bodies
 * that are too large (RFC 9110 section 15.5.14).
 */
static enum MHD_Result begin(struct http_exchange *ex, const char *method)
{
	struct http_framing framing = { .is_1_0 = false };
	bool awaited = true;
	bool has_body;

	ex->begun = true;
	ex->method = method;
	look_for_fault(ex);
	/* The count is not needed. */
	(void)MHD_get_connection_values_n(ex->connection, MHD_HEADER_KIND, on_header, &framing);
	has_body = framing.chunked || framing.content_length > 0;
	if (admit(ex) == HTTP_ANSWERED && (ex->fault.rc || ex->answer.at_once || framing.expects_continue))
		awaited = false;
	else if (framing.content_length > (int64_t)ex->server->options.max_body)
		set_too_large(ex);
	else if (!ex->answered && !memory_budget_has((size_t)framing.content_length))
		set_no_room(ex);
	if (awaited && !ex->fault.rc)
		return MHD_YES;
	ex->unread |= has_body;
	ex->answer.close |= ex->unread;
	return dispatch(ex);
}

/* An unwanted body is discarded; otherwise a client that is still sending would not receive the response. */
static enum MHD_Result take_body_part(struct http_exchange *ex, const char *data, size_t len)
{
	look_for_fault(ex);
	if (ex->answered || ex->fault.rc || !hold(ex, len))
		return MHD_YES;
	buf_add(&ex->body, data, len);
	return ex->body.failed ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *ctx unused, struct MHD_Connection *connection unused, const char *url unused,
				  const char *method, const char *version unused, const char *data, size_t *data_len,
				  void **request)
{
	struct http_exchange *ex = *request;
	size_t len = *data_len;

	if (!ex)
		return MHD_NO; /* out of memory at the request line */
	if (!ex->begun)
		return begin(ex, method);
	if (len > 0) {
		*data_len = 0;
		return take_body_part(ex, data, len);
	}
	return dispatch(ex);
}

/* Called after the request line: the only access to the raw target. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct http_server *server = ctx;
	struct peer *peer = peer_of(connection);
	struct http_exchange *ex;

	if (!peer || !peer->intake)
		return NULL;
	peer->requests++;
	if (!http_intake_has_read(peer->intake, peer->requests)) {
		log_error("libmicrohttpd does not use recv() or gnutls_record_recv(); cannot serve requests");
		return NULL;
	}
	ex = calloc(1, sizeof(*ex));
	if (!ex)
		return NULL;
	ex->server = server;
	ex->connection = connection;
	ex->intake = peer->intake;
	ex->number = peer->requests;
	pthread_mutex_init(&ex->flow, NULL);
	ex->body = buf_make(server->options.max_body);
	ex->target = str_dup(target ? target : "");
	if (!ex->target) {
		free(ex);
		return NULL;
	}
	set_phase(ex, CONNECTION_READING);
	return ex;
}

/* The library would decode %2F and %00; the target is split before decoding (target.h). */
static size_t leave_escaped(void *ctx unused, struct MHD_Connection *connection unused, char *text)
{
	return strlen(text);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode code)
{
	struct http_server *server = ctx;
	struct http_exchange *ex = *request;
	bool delivered;

	if (!ex)
		return;
	*request = NULL;
	delivered = ex->answered && code == MHD_REQUEST_TERMINATED_COMPLETED_OK &&
		    !(ex->answer.only_if_present && closed_before_answer(connection));
	if (ex->unread)
		connections_linger(server->connections, http_socket_of(connection));
	if (ex->admitted)
		server->options.finish(server->options.ctx, ex, delivered);
	set_phase(ex, http_intake_is_within_request(ex->intake) ? CONNECTION_READING : CONNECTION_IDLE);
	drop_answer(ex);
	drop_body(ex);
	free(ex->target);
	pthread_mutex_destroy(&ex->flow);
	free(ex);
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = ctx;
	struct peer *peer = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		peer = calloc(1, sizeof(*peer));
		if (peer)
			peer->intake = http_intake_create(server->connections, http_socket_of(connection),
							  http_tls_session_of(connection), server->options.max_body);
		*socket_context = peer;
	} else if (peer) {
		http_intake_destroy(peer->intake);
		free(peer);
		*socket_context = NULL;
	}
}

static void printf_format(2, 0) on_library_text(void *ctx unused, const char *fmt, va_list args)
{
	char text[LIBRARY_TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\r\n")] = '\0';
	log_debug("microhttpd", log_str("text", text));
}

/* ---- the life of a server ---- */

static void write_tls_options(const struct tls *tls, struct MHD_OptionItem out[TLS_OPTIONS_MAX])
{
	const char *authorities = tls_authorities(tls);

	*out++ = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES };
	*out++ = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, tls_retrieve() };
	if (authorities)
		*out++ = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)(uintptr_t)authorities };
	*out = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

static struct MHD_Daemon *start_daemon(struct http_server *server)
{
	const struct http_server_options *o = &server->options;
	struct MHD_OptionItem tls[TLS_OPTIONS_MAX] = { { MHD_OPTION_END, 0, NULL } };
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
			 MHD_USE_ERROR_LOG;

	if (listen_is_ipv6(o->listen_fd))
		flags |= MHD_USE_DUAL_STACK;
	if (o->tls) {
		flags |= MHD_USE_TLS;
		write_tls_options(o->tls, tls);
	}
	return MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_text, NULL,
		MHD_OPTION_LISTEN_SOCKET, o->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, o->threads,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_BYTES, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(o->max_connections + RESERVED_CONNECTIONS), MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

enum rc http_server_create(const struct http_server_options *options, struct http_server **ret_server,
			   struct error *err)
{
	struct http_server *server = calloc(1, sizeof(*server));
	struct connections_limits limits = {
		.max = options->max_connections,
		.read_timeout_ms = options->read_timeout_ms,
		.write_timeout_ms = options->write_timeout_ms,
		.idle_timeout_ms = options->idle_timeout_ms,
	};
	enum rc rc;

	if (!server)
		return error_no_memory(err);
	server->options = *options;
	server->listen_fd = -1;
	server->tickets = tickets_create();
	rc = server->tickets ? connections_create(&limits, &server->connections, err) : error_no_memory(err);
	if (rc) {
		http_server_destroy(server);
		return rc;
	}
	server->listen_fd = options->listen_fd;
	*ret_server = server;
	return RC_OK;
}

enum rc http_server_start(struct http_server *server, struct error *err)
{
	server->daemon = start_daemon(server);
	if (!server->daemon)
		return error_set(err, RC_INTERNAL, "start the HTTP server's threads");
	return RC_OK;
}

/*
 * MHD_quiesce_daemon() cannot be used: in 0.9.75 it and a server thread may both remove the listening socket from the
 * epoll set, and the second one aborts the process ("Failed to remove listen FD from epoll set"). Instead the
 * descriptor is replaced by another socket: the kernel closes the old one and rejects clients immediately, instead of
 * queueing them.
 */
static void stop_listening(int listen_fd)
{
	int idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (idle < 0 || dup3(idle, listen_fd, O_CLOEXEC) < 0)
		(void)shutdown(listen_fd, SHUT_RDWR); /* no free descriptors; uses CPU time until the exit */
	if (idle >= 0)
		close(idle);
}

void http_server_drain(struct http_server *server)
{
	__atomic_store_n(&server->draining, true, __ATOMIC_RELAXED);
	if (server->daemon)
		stop_listening(server->listen_fd);
	connections_drain(server->connections);
}

size_t http_server_connections(struct http_server *server)
{
	return connections_count(server->connections);
}

bool http_server_is_draining(const struct http_server *server)
{
	return __atomic_load_n(&server->draining, __ATOMIC_RELAXED);
}

bool http_server_crowded(struct http_server *server)
{
	return connections_crowded(server->connections);
}

void http_server_stop(struct http_server *server)
{
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	else if (server->listen_fd >= 0)
		close(server->listen_fd);
	server->daemon = NULL;
	server->listen_fd = -1;
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	http_server_stop(server);
	connections_destroy(server->connections);
	tickets_destroy(server->tickets);
	free(server);
}

/* ---- an exchange ---- */

const char *http_exchange_method(const struct http_exchange *exchange)
{
	return exchange->method;
}

const char *http_exchange_target(const struct http_exchange *exchange)
{
	return exchange->target;
}

const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len)
{
	*ret_len = exchange->body.len;
	return exchange->body.data;
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

struct joined {
	const char *name;
	char *out;
	size_t size;
	size_t len;
};

static enum MHD_Result join(void *ctx, enum MHD_ValueKind kind unused, const char *name, size_t name_len unused,
			    const char *value, size_t value_len)
{
	struct joined *j = ctx;
	size_t comma = j->len > 0;

	if (strcasecmp(name, j->name) != 0 || !value || j->len + comma + value_len >= j->size)
		return MHD_YES;
	if (comma)
		j->out[j->len++] = ',';
	memcpy(j->out + j->len, value, value_len);
	j->len += value_len;
	j->out[j->len] = '\0';
	return MHD_YES;
}

void http_exchange_list(const struct http_exchange *exchange, const char *name, char *out, size_t size)
{
	struct joined j = { name, out, size, 0 };

	out[0] = '\0';
	(void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, join,
					  &j); /* the count is not needed */
}

bool http_exchange_client_is_known(const struct http_exchange *exchange)
{
	void *session = http_tls_session_of(exchange->connection);

	return session && tls_knows_client(session);
}

const struct error *http_exchange_fault(const struct http_exchange *exchange)
{
	return exchange->fault.rc ? &exchange->fault : NULL;
}

unsigned http_exchange_fault_status(const struct http_exchange *exchange)
{
	return exchange->fault_status;
}

void *http_exchange_user(const struct http_exchange *exchange)
{
	return exchange->user;
}

void http_exchange_set_user(struct http_exchange *exchange, void *user)
{
	exchange->user = user;
}

void http_exchange_set_request_id(struct http_exchange *exchange, const char *request_id)
{
	exchange->request_id = request_id;
}

void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	bool close = exchange->answer.close || answer->close;

	memory_budget_add(owned_size(answer));
	exchange->answer = *answer;
	exchange->answer.close = close;
	exchange->answered = true;
}

/* Suspended before the ticket is known: another thread may resume it before the return. */
http_ticket http_exchange_defer(struct http_exchange *exchange)
{
	http_ticket ticket;

	drop_body(exchange);
	MHD_suspend_connection(exchange->connection);
	ticket = tickets_add(exchange->server->tickets, exchange);
	if (!ticket)
		MHD_resume_connection(exchange->connection);
	return ticket;
}

struct http_exchange *http_server_claim(struct http_server *server, http_ticket ticket)
{
	return tickets_take(server->tickets, ticket);
}

static bool client_waits(const void *pointer)
{
	return !http_has_gone(((const struct http_exchange *)pointer)->connection);
}

bool http_server_is_present(struct http_server *server, http_ticket ticket)
{
	return tickets_test(server->tickets, ticket, client_waits);
}

void http_exchange_resume(struct http_exchange *exchange, const struct http_answer *answer)
{
	http_exchange_answer(exchange, answer);
	MHD_resume_connection(exchange->connection);
}
