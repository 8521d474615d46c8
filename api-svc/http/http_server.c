#include "api-svc/http/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api-svc/http/connections.h"
#include "api-svc/http/http_framing.h"
#include "api-svc/http/http_intake.h"
#include "api-svc/http/tickets.h"
#include "common/base/buf.h"
#include "common/base/memory_budget.h"
#include "common/base/strutil.h"
#include "common/services/log.h"

#define THREAD_STACK_BYTES (256u * 1024)
#define RESERVED_CONNECTIONS 128       /* beyond the limit, for health checks and for saying 503 */
#define CONNECTION_MEMORY (16u * 1024) /* bytes for headers and the read buffer of a connection */
#define LIBRARY_TEXT_MAX 256
#define TLS_OPTIONS_MAX 4
#define FLOW_BLOCK 4096          /* bytes that a source is asked for at once, when the answer is not chunked */
#define FLOW_UNSENT (64u * 1024) /* bytes that the kernel may hold for a client beside what is on its way */
#define FLOW_IDLE_S 15           /* then the kernel asks whether the client's machine is there, */
#define FLOW_PROBE_S 5           /* and again, FLOW_PROBES times */
#define FLOW_PROBES 3

struct http_server {
	struct http_server_options options;
	struct MHD_Daemon *daemon;
	struct connections *connections;
	struct tickets *tickets;
	int listen_fd; /* closed by the library with its daemon */
	bool draining; /* written with __atomic builtins: read on all server threads */
};

/* What the library keeps with a connection. */
struct peer {
	struct http_intake *intake; /* NULL: memory was short */
	uint64_t requests;          /* that have begun */
};

struct http_exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_intake *intake;
	uint64_t number;    /* of the request on its connection, from 1 */
	const char *method; /* belongs to the library, as long as the request */
	char *target;
	struct buf body;
	size_t held;   /* bytes of the body that the memory budget knows of */
	bool begun;    /* the headers have been looked at */
	bool unread;   /* answered before its body was read */
	bool admitted; /* admit() has seen it */
	bool answered;
	struct error fault;    /* rc RC_OK: none */
	unsigned fault_status; /* of HTTP; 0: what belongs to the rc */
	struct http_answer answer;
	const char *request_id;
	void *user;
	struct MHD_UpgradeResponseHandle *upgraded; /* NULL: it is not */
	void *session;                              /* of an upgraded connection; NULL: it has no TLS */
	int fd;                                     /* of an upgraded connection */
	pthread_mutex_t flow;                       /* guards what follows; with a source */
	bool waits;                                 /* suspended: the source had nothing */
	bool woken;                                 /* since it was asked last */
	bool dropped;
};

/* ---- the socket ---- */

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Has the socket any of these conditions? */
static bool socket_has(struct MHD_Connection *connection, short events)
{
	struct pollfd p = { .fd = socket_of(connection), .events = events };

	return p.fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & events);
}

static bool has_gone(struct MHD_Connection *connection)
{
	return socket_has(connection, POLLRDHUP | POLLHUP | POLLERR);
}

/*
 * Did the client close before our answer reached it? Its kernel then answers our bytes with a reset, and ours says
 * EPIPE because the client's FIN had come before. A client that reads everything and then resets gives ECONNRESET.
 * Source: Linux tcp_reset(). A look after send() is in time on one machine; between two it may come too early.
 */
static bool closed_before_answer(struct MHD_Connection *connection)
{
	int fault = 0;
	socklen_t len = sizeof(fault);

	return getsockopt(socket_of(connection), SOL_SOCKET, SO_ERROR, &fault, &len) == 0 && fault == EPIPE;
}

/* Its gnutls_session_t; NULL: plain HTTP. */
static void *tls_session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
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

/* The source is asked without the lock: it has locks of its own, under which it wakes. */
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
 * MHD_CONTENT_READER_END_WITH_ERROR is not for us: 0.9.75 shuts the socket down for it, and with epoll forgets the
 * connection, until its end. What it cannot send ends a connection as it should; this byte never leaves.
 */
static ssize_t fail_to_send(const struct http_exchange *ex, char *to)
{
	(void)shutdown(socket_of(ex->connection), SHUT_RDWR); /* fails when the client was quicker */
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
 * A client may be slow, or idle for hours: it has no time limit, so the kernel is not to hold much for it, and has to
 * find out that its machine is gone. When one of these fails, that is later or costs more.
 */
static void prepare_flow(struct http_exchange *ex)
{
	static const struct {
		int level;
		int name;
		int value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, FLOW_UNSENT }, { SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, FLOW_IDLE_S },      { IPPROTO_TCP, TCP_KEEPINTVL, FLOW_PROBE_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, FLOW_PROBES },
	};
	int fd = socket_of(ex->connection);

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

/*
 * The library's descriptor is not used: with TLS it is one end of a socket pair, and what happens to the client is not to
 * be seen there (in 0.9.75; and what does not fill its buffer it takes to be all that has come).
 */
static void on_upgraded(void *ctx, struct MHD_Connection *connection unused, void *request unused,
			const char *extra unused, size_t extra_len unused, MHD_socket fd unused,
			struct MHD_UpgradeResponseHandle *handle)
{
	struct http_exchange *ex = ctx;
	const struct http_upgrade *upgrade = &ex->answer.upgrade;
	char early[CONNECTION_MEMORY];
	size_t len;

	ex->upgraded = handle;
	ex->session = tls_session_of(ex->connection);
	ex->fd = socket_of(ex->connection);
	(void)fcntl(ex->fd, F_SETFL, fcntl(ex->fd, F_GETFL) | O_NONBLOCK); /* it is already, as ever */
	http_intake_pass(ex->intake);
	len = http_intake_take(ex->intake, early, sizeof(early));
	upgrade->take_over(upgrade->ctx, early, len);
}

static struct MHD_Response *make_flow(struct http_exchange *ex)
{
	struct MHD_Response *response;

	prepare_flow(ex);
	if (ex->answer.source.ctx) {
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, FLOW_BLOCK, on_read, ex, NULL);
		/* The library would answer HEAD with the last chunk, which the client would take for its next answer. */
		if (response && strcmp(ex->method, "HEAD") == 0)
			(void)MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_ONLY, MHD_RO_END);
		return response;
	}
	response = MHD_create_response_for_upgrade(on_upgraded, ex);
	if (response && MHD_add_response_header(response, "Upgrade", ex->answer.upgrade.protocol))
		return response;
	if (response)
		MHD_destroy_response(response);
	return NULL;
}

static bool flows(const struct http_answer *answer)
{
	return answer->source.ctx || answer->upgrade.protocol;
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
	       (!close || MHD_add_response_header(response, "Connection", "close"));
}

/* Of the request. */
static void drop_body(struct http_exchange *ex)
{
	buf_clear(&ex->body);
	memory_budget_give(ex->held);
	ex->held = 0;
}

/* What counts while the answer is not written. */
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

/* MHD_NO ends the connection; on_completed() hears of it. */
static enum MHD_Result send_answer(struct http_exchange *ex)
{
	struct MHD_Response *response;
	enum MHD_Result queued = MHD_NO;

	if (ex->answer.only_if_present && has_gone(ex->connection))
		return MHD_NO;
	if (flows(&ex->answer) && strcmp(ex->method, "HEAD") == 0)
		ex->answer.close =
			true; /* the library would send the last chunk, and the client take it for an answer */
	response = flows(&ex->answer) ? make_flow(ex) : make_response(&ex->answer);
	if (!response)
		return MHD_NO;
	ex->answer.body = NULL; /* the response's now */
	set_phase(ex, flows(&ex->answer) ? CONNECTION_WORKING : CONNECTION_WRITING);
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

/* Refuse the request, the first reason counts; the connection ends after the answer. */
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

/* Take over what has been found wrong with the bytes of the request; it may be so at every step. */
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

/* Is there room for a body of so many bytes? */
static bool hold(struct http_exchange *ex, size_t size)
{
	if (size <= ex->held)
		return true;
	if (memory_budget_take(size - ex->held)) {
		ex->held = size;
		return true;
	}
	drop_body(ex);
	error_set(&ex->fault, RC_BUSY, "too many bytes of requests and answers are in flight");
	return false;
}

/* The request is complete, or so broken that it is not worth to wait for the rest. */
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
		return MHD_YES; /* another thread may own the exchange by now */
	return send_answer(ex);
}

/*
 * The headers are there. Answering now makes the library close the connection without reading the body, which is not
 * awaited when it is too large (RFC 9110 section 15.5.14).
 */
static enum MHD_Result begin(struct http_exchange *ex, const char *method)
{
	struct http_framing framing = { .is_1_0 = false };
	bool awaited = true;
	bool has_body;

	ex->begun = true;
	ex->method = method;
	look_for_fault(ex);
	/* The number of them says nothing. */
	(void)MHD_get_connection_values_n(ex->connection, MHD_HEADER_KIND, on_header, &framing);
	has_body = framing.chunked || framing.content_length > 0;
	if (admit(ex) == HTTP_ANSWERED && (ex->fault.rc || ex->answer.at_once || framing.expects_continue))
		awaited = false;
	else if (framing.content_length > (int64_t)ex->server->options.max_body)
		set_too_large(ex);
	else if (!ex->answered)
		(void)hold(ex, (size_t)framing.content_length); /* if not, the fault says so */
	if (awaited && !ex->fault.rc)
		return MHD_YES;
	ex->unread |= has_body;
	ex->answer.close |= ex->unread;
	return dispatch(ex);
}

/* A body that is not wanted is discarded; a client that still writes would not see our answer otherwise. */
static enum MHD_Result take_body_part(struct http_exchange *ex, const char *data, size_t len)
{
	look_for_fault(ex);
	if (ex->answered || ex->fault.rc || !hold(ex, ex->body.len + len))
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
		return MHD_NO; /* memory was short when the request line came */
	if (!ex->begun)
		return begin(ex, method);
	if (len > 0) {
		*data_len = 0;
		return take_body_part(ex, data, len);
	}
	return dispatch(ex);
}

/* The request line is there: the only place where the library shows the raw target. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct http_server *server = ctx;
	struct peer *peer = peer_of(connection);
	struct http_exchange *ex;

	if (!peer || !peer->intake)
		return NULL;
	peer->requests++;
	if (!http_intake_has_read(peer->intake, peer->requests)) {
		log_error("libmicrohttpd does not read by recv() or gnutls_record_recv(); no request can be served");
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

/* The library would decode %2F and %00 in place; nothing is decoded before it has been taken apart (target.h). */
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
		connections_linger(server->connections, socket_of(connection));
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
			peer->intake = http_intake_create(server->connections, socket_of(connection),
							  tls_session_of(connection), server->options.max_body);
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
	const char *authorities = tls_client_authorities(tls);

	*out++ = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES };
	*out++ = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, tls_retrieve() };
	if (authorities)
		*out++ = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)(uintptr_t)authorities };
	*out = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

static struct MHD_Daemon *start_daemon(struct http_server *server)
{
	const struct http_server_options *o = &server->options;
	struct sockaddr_storage address = { .ss_family = AF_INET };
	socklen_t len = sizeof(address);
	struct MHD_OptionItem tls[TLS_OPTIONS_MAX] = { { MHD_OPTION_END, 0, NULL } };
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
			 MHD_USE_ERROR_LOG;

	(void)getsockname(o->listen_fd, (struct sockaddr *)&address, &len); /* IPv4 is assumed when it fails */
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_DUAL_STACK;
	if (o->tls) {
		flags |= MHD_USE_TLS;
		write_tls_options(o->tls, tls);
	}
	return MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_text, NULL,
		MHD_OPTION_LISTEN_SOCKET, o->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, o->threads,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_BYTES, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
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
 * MHD_quiesce_daemon() is not for us: in 0.9.75 it and a server thread may both take the listening socket out of the
 * epoll set, and the second one aborts the process ("Failed to remove listen FD from epoll set"). So another socket
 * takes over the descriptor: the kernel forgets the old one and refuses clients at once, instead of letting them wait
 * in a queue that is not served.
 */
static void stop_listening(int listen_fd)
{
	int idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (idle < 0 || dup3(idle, listen_fd, O_CLOEXEC) < 0)
		(void)shutdown(listen_fd,
			       SHUT_RDWR); /* without descriptors to spare; costs processor time until the end */
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

bool http_exchange_client_is_known(const struct http_exchange *exchange)
{
	void *session = tls_session_of(exchange->connection);

	return session && tls_client_is_known(session);
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

/* Parked first, and only then known to others: they may resume it before we return. */
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
	return !has_gone(((const struct http_exchange *)pointer)->connection);
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

/* ---- answers that flow ---- */

/* Is the token one of the list (RFC 9110 section 5.6.1)? */
static bool has_token(const char *list, const char *token)
{
	size_t len = strlen(token);

	for (const char *at = list ? list : ""; *at; at += strcspn(at, ",")) {
		at += strspn(at, ", \t");
		if (strncasecmp(at, token, len) == 0 && strchr(", \t", at[len]))
			return true;
	}
	return false;
}

bool http_exchange_wants(const struct http_exchange *exchange, const char *protocol)
{
	return strcmp(exchange->method, "GET") == 0 && http_intake_can_pass(exchange->intake) &&
	       has_token(http_exchange_header(exchange, "Upgrade"), protocol) &&
	       has_token(http_exchange_header(exchange, "Connection"), "upgrade");
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
	return !has_gone(exchange->connection);
}

/* A connection that waits for the client to read hears of it by its socket. */
void http_exchange_drop(struct http_exchange *exchange)
{
	(void)shutdown(socket_of(exchange->connection), SHUT_RDWR); /* fails when the client was quicker */
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
 * With TLS the library (0.9.75) shuts its socket pair down before it notes that it was told to: when its thread sees the
 * one without the other, it waits for another event, for ever. So there is one, on a descriptor of our own: the
 * connection may be gone by then.
 */
void http_exchange_leave(struct http_exchange *exchange)
{
	int fd = exchange->session ? fcntl(exchange->fd, F_DUPFD_CLOEXEC, 0) : -1;

	(void)MHD_upgrade_action(exchange->upgraded, MHD_UPGRADE_ACTION_CLOSE); /* its only failure is another action */
	if (fd < 0)
		return;
	(void)shutdown(fd, SHUT_RD); /* fails when the client was quicker, which is an event as well */
	close(fd);
}
