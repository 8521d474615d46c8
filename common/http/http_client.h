/*
 * HTTP requests with kept-alive connections.
 *
 * One client is one set of connections, for one thread at a time. HTTP/1.1 only (curl 7.88's HTTP/2 has known hangs),
 * no redirects, no compression (a watch that is compressed in several members breaks curl).
 */
#ifndef COMMON_HTTP_HTTP_CLIENT_H
#define COMMON_HTTP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

struct http_client;

/* How to reach and trust a server. Everything is borrowed for the call; NULL: not used. */
struct http_identity {
	const char *ca_pem;      /* trust only these; NULL: the system's authorities */
	const char *cert_pem;    /* client certificate, with its chain */
	const char *key_pem;     /* its private key */
	bool insecure;           /* do not verify the server's certificate */
	const char *server_name; /* the name to ask for (SNI) and to verify, when it is not the URL's host */
	const char *proxy;       /* as http_proxy_format() writes it; NULL: the environment decides (http_proxy.h) */
};

struct http_request {
	const char *method; /* "GET", ... */
	const char *url;
	const struct http_identity *identity; /* may be NULL */
	const char *const *headers;           /* "Name: value" */
	size_t header_count;
	const char *body; /* NULL: none */
	size_t body_len;
	int64_t timeout_ms;  /* for everything, > 0 */
	size_t response_max; /* bytes of the body that is collected; more is RC_TOO_LARGE */
	/*
	 * Takes the body of a 2xx answer piece by piece instead of collecting it; false ends the transfer with
	 * RC_INTERNAL. Runs inside http_client_do(); must not block. NULL: collect.
	 */
	bool (*on_bytes)(void *ctx, const char *bytes, size_t len);
	bool (*cancelled)(
		void *ctx); /* asked about every second and at each piece; true ends with RC_UNAVAILABLE. May be NULL */
	void *ctx;
};

struct http_response {
	int status;        /* HTTP status; 0: none came */
	bool sent;         /* some of the request left for the server, whatever came of it */
	int retry_after_s; /* as retry_after_parse() grants it; 0: no Retry-After header, or a date */
	struct buf body;   /* what was not given to on_bytes */
};

/* Make a client. ret_client: owned by the caller (http_client_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc http_client_create(struct http_client **ret_client, struct error *err) must_check;

/* Close the connections and free. NULL is allowed. */
void http_client_destroy(struct http_client *client);

/*
 * Send a request and wait for the whole answer.
 *
 * response  is filled anew (its old body is freed); the caller frees body with buf_clear(), also after an error.
 *           After an error, status != 0 says that the head of an answer had come.
 *
 * Returns RC_OK when a complete answer came, whatever its status; RC_TIMEOUT; RC_UNAVAILABLE (cannot connect,
 * connection lost, an answer that is no HTTP, cancelled: whether the server acted is unknown unless connecting failed);
 * RC_TOO_LARGE;
 * RC_INVALID_ARGUMENT (URL, certificate or key that cannot be used); RC_INTERNAL. Note: curl sends a request again when
 * a kept-alive connection died before the first byte of an answer, so a POST may reach the server twice (curl
 * lib/transfer.c, Curl_retry_request). Blocks: up to timeout_ms.  Threads: one at a time for each client.
 */
enum rc http_client_do(struct http_client *client, const struct http_request *request, struct http_response *response,
		       struct error *err) must_check;

#endif
