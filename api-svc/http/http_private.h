/*
 * Internals of the HTTP server, for http_server.c and http_flow.c, which use libmicrohttpd.
 */
#ifndef API_SVC_HTTP_HTTP_PRIVATE_H
#define API_SVC_HTTP_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>

#include "api-svc/http/http_intake.h"
#include "api-svc/http/http_server.h"
#include "common/base/buf.h"

#define HTTP_CONNECTION_MEMORY (16u * 1024) /* bytes for headers and the read buffer of a connection */

struct http_exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_intake *intake;
	uint64_t number;    /* number of the request on its connection, from 1 */
	const char *method; /* owned by the library, valid as long as the request */
	char *target;
	struct buf body;
	size_t held;   /* bytes of the body reserved in the memory budget */
	bool begun;    /* the headers were processed */
	bool unread;   /* answered before its body was read */
	bool admitted; /* admit() was called */
	bool answered;
	struct error fault;    /* rc RC_OK: none */
	unsigned fault_status; /* HTTP status; 0: the default of the rc */
	struct http_answer answer;
	const char *request_id;
	void *user;
	struct MHD_UpgradeResponseHandle *upgraded; /* NULL: not upgraded */
	void *session;                              /* of an upgraded connection; NULL: no TLS */
	int fd;                                     /* of an upgraded connection */
	pthread_mutex_t flow;                       /* protects the following; with a source */
	bool waits;                                 /* suspended: the source had no data */
	bool woken;                                 /* since the last read */
	bool dropped;
};

/* Its socket; -1: unknown. */
int http_socket_of(struct MHD_Connection *connection);

/* Whether the client has closed, or half-closed, the connection. */
bool http_has_gone(struct MHD_Connection *connection);

/* Its gnutls_session_t; NULL: plain HTTP. */
void *http_tls_session_of(struct MHD_Connection *connection);

/* Whether the response has a source or an upgrade. */
bool http_flows(const struct http_answer *answer);

/* Create its response; NULL: out of memory. */
struct MHD_Response *http_flow_make(struct http_exchange *exchange);

#endif
