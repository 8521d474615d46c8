#include "common/http/metrics_server.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/thread.h"
#include "common/http/access.h"
#include "common/http/listen.h"
#include "common/services/log.h"
#include "common/services/metrics_text.h"

#define BACKLOG 16
#define CONNECTIONS_MAX 16                      /* above it the oldest is ended */
#define CONNECTIONS_LIMIT (2 * CONNECTIONS_MAX) /* with ended ones that are not closed yet */
#define CONNECTION_MEMORY (16u * 1024)          /* bytes, for the headers of a request */
#define IDLE_TIMEOUT_S 5                        /* without data in either direction */
#define PLAIN "text/plain; charset=utf-8"

struct metrics_server {
	const struct metrics *metrics;
	struct access *access;
	int listen_fd;
	struct MHD_Daemon *daemon;
	int open[CONNECTIONS_MAX]; /* sockets of connections, the oldest first; used only by the daemon's thread */
	size_t open_count;
};

/* ---- connections ---- */

/* At the index, if there is one. */
static void forget(struct metrics_server *server, size_t at)
{
	if (at >= server->open_count)
		return;
	server->open_count--;
	memmove(&server->open[at], &server->open[at + 1], (server->open_count - at) * sizeof(server->open[0]));
}

/*
 * Who sends a request slowly is never idle for IDLE_TIMEOUT_S: a new connection ends the oldest one instead of waiting
 * for it. A scrape takes milliseconds, so it is the oldest only if many others begin meanwhile.
 */
static void on_connection(void *ctx, struct MHD_Connection *connection, void **user unused,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct metrics_server *server = ctx;
	size_t at = 0;

	if (!info)
		return;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		if (server->open_count == CONNECTIONS_MAX) {
			(void)shutdown(server->open[0], SHUT_RDWR); /* fails if the peer has already closed it */
			forget(server, 0);
		}
		server->open[server->open_count++] = info->connect_fd;
		return;
	}
	while (at < server->open_count && server->open[at] != info->connect_fd)
		at++;
	forget(server, at);
}

/* ---- a request ---- */

struct refusal {
	unsigned status;
	const char *text;
	const char *header; /* NULL: no further header */
	const char *value;
};

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status, const char *content_type,
				     const struct refusal *refusal, struct MHD_Response *response)
{
	enum MHD_Result result = MHD_NO;

	if (response && MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) == MHD_YES &&
	    (!refusal || !refusal->header ||
	     MHD_add_response_header(response, refusal->header, refusal->value) == MHD_YES))
		result = MHD_queue_response(connection, status, response);
	if (response)
		MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, const struct refusal *refusal)
{
	char *text = (char *)(uintptr_t)refusal->text; /* never written: persistent */

	return send_response(connection, refusal->status, PLAIN, refusal,
			     MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT));
}

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* NULL: accepted. */
static const struct refusal *judge(struct metrics_server *server, struct MHD_Connection *connection, const char *path,
				   const char *method)
{
	static const struct refusal not_found = { 404, "Only " METRICS_PATH " is here.\n", NULL, NULL };
	static const struct refusal not_allowed = { 405, "Only GET and HEAD are allowed.\n", MHD_HTTP_HEADER_ALLOW,
						    "GET, HEAD" };
	static const struct refusal no_token = { 401, "A valid bearer token is required.\n",
						 MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"metrics\"" };
	const struct access_proof proof = { .authorization = header_of(connection, MHD_HTTP_HEADER_AUTHORIZATION) };
	char name[ACCESS_NAME_MAX + 1];
	struct error err;

	if (strcmp(path, METRICS_PATH) != 0)
		return &not_found;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return &not_allowed;
	return access_decide(server->access, &proof, ACCESS_READ, name, &err) ? &no_token : NULL;
}

/* Called after the headers. A body is not read: the connection is closed instead. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
				  const char *version unused, const char *data unused, size_t *data_len unused,
				  void **request unused)
{
	static const struct refusal no_memory = { 500, "Out of memory.\n", NULL, NULL };
	struct metrics_server *server = ctx;
	const struct refusal *refusal = judge(server, connection, path, method);
	enum metrics_format format = metrics_text_format_of(header_of(connection, MHD_HTTP_HEADER_ACCEPT));
	struct buf text = buf_make(METRICS_TEXT_MAX);
	size_t len;
	char *bytes;

	if (refusal)
		return refuse(connection, refusal);
	metrics_text_write(server->metrics, format, &text);
	bytes = buf_take(&text, &len);
	if (!bytes)
		return refuse(connection, &no_memory);
	return send_response(connection, 200, metrics_text_content_type(format), NULL,
			     MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE));
}

/* ---- life ---- */

void metrics_server_check(const struct metrics_access *access, struct buf *faults)
{
	if (access->address[0])
		listen_check(METRICS_ADDRESS_VARIABLE, access->address, faults);
	access_check(METRICS_TOKENS_VARIABLE, access->tokens_file, faults);
}

static enum rc start(struct metrics_server *server, const char *address, struct error *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;
	char shown[LISTEN_TEXT_MAX];
	enum rc rc = listen_open(METRICS_ADDRESS_VARIABLE, address, BACKLOG, &server->listen_fd, shown, err);

	if (rc)
		return rc;
	if (listen_is_ipv6(server->listen_fd))
		flags |= MHD_USE_DUAL_STACK;
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_BYTES, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_LIMIT,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		server, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!server->daemon)
		return error_set(err, RC_INTERNAL, "start the thread that serves " METRICS_PATH);
	log_info("serving " METRICS_PATH, log_str("address", shown));
	return RC_OK;
}

enum rc metrics_server_create(const struct metrics_access *access, const struct metrics *metrics,
			      struct metrics_server **ret_server, struct error *err)
{
	struct metrics_server *server;
	enum rc rc;

	if (!access->address[0]) {
		*ret_server = NULL;
		return RC_OK;
	}
	server = calloc(1, sizeof(*server));
	if (!server)
		return error_no_memory(err);
	server->metrics = metrics;
	server->listen_fd = -1;
	rc = access_create(METRICS_TOKENS_VARIABLE, access->tokens_file, false, &server->access, err);
	if (!rc)
		rc = start(server, access->address, err);
	if (rc)
		metrics_server_destroy(server);
	else
		*ret_server = server;
	return rc;
}

void metrics_server_destroy(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon); /* closes the socket as well */
	else if (server->listen_fd >= 0)
		close(server->listen_fd);
	access_destroy(server->access);
	free(server);
}
