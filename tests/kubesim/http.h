/*
 * The HTTP side: receives complete requests, calls one function, and sends its response. The only module that uses
 * libmicrohttpd. One thread per connection, so that handlers may block.
 */
#ifndef KUBESIM_HTTP_H
#define KUBESIM_HTTP_H

#include <stdint.h>
#include <sys/types.h>

#include "common/base/buf.h"
#include "tests/kubesim/object.h"

#define HTTP_BODY_MAX ((size_t)3 << 20) /* bytes of a request's body: the API server's limit */

struct sim_http;

struct sim_request {
	const char *method;
	const char *path;          /* decoded */
	const char *accept;        /* "" if missing */
	const char *content_type;  /* the same */
	const char *authorization; /* NULL if missing */
	struct buf body;
	bool too_large;
	void *connection; /* of libmicrohttpd */
	int fd;           /* to detect a disconnected client */
	struct sim_http *http;
};

/* A body generated while it is sent. */
struct sim_stream {
	/* Fill `out` with 1..max bytes. 0: the end; -1: break the connection. May block. */
	ssize_t (*read)(void *ctx, char *out, size_t max);
	void (*destroy)(void *ctx);
	void *ctx;
};

/* A connection that becomes a WebSocket, with status 101. */
struct sim_upgrade {
	/*
	 * Use the upgraded connection, on a separate thread, after the request has ended; the connection ends with it.
	 * early: bytes already received. May block.
	 */
	void (*run)(void *ctx, int fd, const char *early, size_t len);
	void (*destroy)(void *ctx);
	void *ctx; /* NULL: no upgrade */
	const char *accept;
	const char *protocol;
};

struct sim_response {
	unsigned status;
	const char *content_type; /* static; NULL: application/json */
	struct buf body;
	struct sim_stream stream;   /* or this, if read is set; destroyed by the response */
	struct sim_upgrade upgrade; /* or this, if ctx is set; destroyed by the response, or after its end */
	int retry_after_s;          /* header Retry-After; 0: none */
	bool drop;                  /* close the connection without a response */
	size_t slow_bytes;          /* send this many bytes at a time, with a pause before each; 0: no limit */
	int64_t slow_delay_ms;
};

struct sim_http_settings {
	const char *listen;   /* "host:port"; port 0: any */
	const char *cert_pem; /* content of the files; NULL: no TLS */
	const char *key_pem;
	void (*handle)(void *ctx, struct sim_request *request, struct sim_response *response);
	void *ctx;
};

/* Start to serve. `settings` is copied, its strings are borrowed for the lifetime of the server. */
enum rc sim_http_start(const struct sim_http_settings *settings, struct sim_http **ret_http, struct error *err)
	must_check;

/* The port of the server. */
unsigned sim_http_port(const struct sim_http *http);

/* Close all connections and wait for their end. Wakes threads in sim_request_pause(). */
void sim_http_stop(struct sim_http *http);

/* The value of a query parameter; NULL: absent, "": without a value. */
const char *sim_request_query(const struct sim_request *request, const char *key);

/* Iterate over the values of a repeated query parameter. */
void sim_request_each_query(const struct sim_request *request, const char *key,
			    void (*each)(void *ctx, const char *value), void *ctx);

/* The value of a header; NULL: absent. */
const char *sim_request_header(const struct sim_request *request, const char *name);

/* The first query parameter that is not in the NULL-terminated list; NULL: none. */
const char *sim_request_other_query(const struct sim_request *request, const char *const *known);

/* Whether it is "true" or "1". */
bool sim_request_flag(const struct sim_request *request, const char *key);

/* The same as a whole number of at least 0; *ret_value is untouched if absent. RC_INVALID_ARGUMENT. */
enum rc sim_request_int(const struct sim_request *request, const char *key, int64_t *ret_value, struct error *err)
	must_check;

/* Whether the client has closed the connection, or the server is stopping. */
bool sim_request_gone(const struct sim_request *request);

/* Whether the server is stopping. */
bool sim_http_stopping(const struct sim_http *http);

/* Sleep; returns false immediately if sim_request_gone(). */
bool sim_request_pause(const struct sim_request *request, int64_t ms);

#endif
