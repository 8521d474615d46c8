/*
 * HTTP requests with kept-alive connections.
 *
 * A client is a set of connections, for one thread at a time. HTTP/1.1 only (curl 7.88's HTTP/2 has known hangs), no
 * redirects, no compression (a watch that is compressed in several members breaks curl).
 */
#ifndef COMMON_HTTP_HTTP_CLIENT_H
#define COMMON_HTTP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

struct http_client;

/* How to connect to and authenticate a server. Everything is borrowed for the call; NULL: not used. */
struct http_identity {
	const char *ca_pem;      /* trust only these; NULL: the system's CA certificates */
	const char *cert_pem;    /* client certificate, with its chain */
	const char *key_pem;     /* its private key */
	bool insecure;           /* do not verify the server's certificate */
	const char *server_name; /* the name for SNI and verification, if not the URL's host */
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
	int64_t timeout_ms;  /* total, > 0 */
	size_t response_max; /* maximum bytes of a collected body; more is RC_TOO_LARGE */
	/*
	 * Receives the body of a 2xx response in pieces instead of collecting it; false ends the transfer with
	 * RC_INTERNAL. Called by http_client_do(); must not block. NULL: collect.
	 */
	bool (*on_bytes)(void *ctx, const char *bytes, size_t len);
	bool (*cancelled)(void *ctx); /* called every second and for each piece; true: RC_UNAVAILABLE. May be NULL */
	void *ctx;
};

struct http_response {
	int status;        /* HTTP status; 0: no response */
	bool sent;         /* part of the request was sent */
	int retry_after_s; /* by retry_after_parse(); 0: no Retry-After header, or a date */
	struct buf body;   /* unless passed to on_bytes */
};

/* Make a client. ret_client: owned by the caller (http_client_destroy). Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc http_client_create(struct http_client **ret_client, struct error *err) must_check;

/* Close the connections and free. NULL is allowed. */
void http_client_destroy(struct http_client *client);

/*
 * Send a request and wait for the complete response.
 *
 * response  is overwritten (its old body is freed); the caller frees body with buf_clear(), also after an error. After
 *           an error, status != 0 means that a response head was received.
 *
 * Returns RC_OK for a complete response with any status; RC_TIMEOUT; RC_UNAVAILABLE (cannot connect, connection lost,
 * invalid HTTP, cancelled: the outcome is unknown unless connecting failed); RC_TOO_LARGE;
 * RC_INVALID_ARGUMENT (unusable URL, certificate or key); RC_INTERNAL. Note: curl retries a request if a kept-alive
 * connection was closed before the first byte of a response, so a POST may reach the server twice (curl
 * lib/transfer.c, Curl_retry_request). Blocks: up to timeout_ms.  Threads: one at a time for each client.
 */
enum rc http_client_do(struct http_client *client, const struct http_request *request, struct http_response *response,
		       struct error *err) must_check;

#endif
