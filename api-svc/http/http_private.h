/*
 * What http_server.c and http_library.c share: an exchange from inside. The only place that includes microhttpd.h.
 */
#ifndef API_SVC_HTTP_HTTP_PRIVATE_H
#define API_SVC_HTTP_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <sys/queue.h>

#include "api-svc/http/connections.h"
#include "api-svc/http/http_framing.h"
#include "api-svc/http/http_server.h"
#include "api-svc/http/tickets.h"
#include "common/base/buf.h"

#define HTTP_CONNECTION_MEMORY \
	(16 * 1024) /* bytes for headers and the read buffer of a connection; more headers: 431 */

struct http_server {
	struct http_server_options options;
	struct MHD_Daemon *daemon;
	struct connections *connections;
	struct tickets *tickets;
	int listen_fd; /* closed by the library with its daemon */
	bool draining; /* written with __atomic builtins: read on all server threads */
};

struct http_exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct connection *watched;
	const char *method; /* belongs to the library, as long as the request */
	char *target;
	const char *target_at; /* where the library has read it; only compared */
	struct buf body;
	size_t held;        /* bytes of the body that the memory budget knows of */
	uint64_t discarded; /* bytes of a body that nobody wants */
	bool begun;         /* the headers have been looked at */
	bool chunked;
	bool unread;   /* answered before its body was read */
	bool arriving; /* headers or chunks are still to come; it stands in the list of its thread */
	bool admitted; /* admit() has seen it */
	bool answered;
	struct error fault; /* rc RC_OK: none */
	struct http_answer answer;
	const char *request_id;
	void *user;
	LIST_ENTRY(http_exchange) others;
};

/* The socket of a connection; -1: there is none. */
int http_socket_of(struct MHD_Connection *connection);

/* Its gnutls_session_t; NULL: plain HTTP. */
void *http_tls_session_of(struct MHD_Connection *connection);

/* Refuse the request, the first reason counts; the connection ends behind the answer. */
void http_exchange_set_fault(struct http_exchange *ex, enum rc rc, const char *sentence);

/* Show the headers to the application (admit()); what may not go on is answered. */
enum http_handled http_exchange_admit(struct http_exchange *ex);

/* Add all headers of the request, as the library has read them. */
void http_exchange_read_headers(const struct http_exchange *ex, struct http_framing *framing);

#endif
