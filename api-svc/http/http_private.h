/*
 * The inside of the HTTP server, for http_server.c and http_flow.c, which know libmicrohttpd.
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

/* Its socket; -1: none is known. */
int http_socket_of(struct MHD_Connection *connection);

/* Whether the client has closed, or half-closed, the connection. */
bool http_has_gone(struct MHD_Connection *connection);

/* Its gnutls_session_t; NULL: plain HTTP. */
void *http_tls_session_of(struct MHD_Connection *connection);

/* Whether the response has a source or an upgrade. */
bool http_flows(const struct http_answer *answer);

/* The response for such an answer; NULL: out of memory. */
struct MHD_Response *http_flow_make(struct http_exchange *exchange);

#endif
