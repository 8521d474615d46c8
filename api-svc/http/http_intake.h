/*
 * Passes all bytes that the HTTP library reads from a client's socket through http_wire.h first.
 *
 * libmicrohttpd has no hook for this, in any version. It reads with recv() and, with TLS, gnutls_record_recv(); the
 * program interposes both. Other sockets of the process are not affected. If a future version reads in another way, its
 * requests have no number here, and http_server.c rejects them.
 */
#ifndef API_SVC_HTTP_HTTP_INTAKE_H
#define API_SVC_HTTP_HTTP_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/http/connections.h"
#include "api-svc/http/http_framing.h"

/* The state of a connection, used by the library's thread that serves it. */
struct http_intake;

/*
 * Start to read from a socket; its phase in `connections` becomes READING with the first byte of a request. `session`:
 * a gnutls_session_t, NULL for plain HTTP. All are borrowed. max_body: bytes.
 *
 * NULL if out of memory, or if the descriptor exceeds the limit.
 */
struct http_intake *http_intake_create(struct connections *connections, int fd, void *session, size_t max_body);

/* Call before close(2) of the socket. NULL is allowed. */
void http_intake_destroy(struct http_intake *intake);

/* Its entry in `connections`; NULL: out of memory. */
struct connection *http_intake_connection(const struct http_intake *intake);

/* Whether bytes of this many requests (or of their beginning) have been read. */
bool http_intake_has_read(const struct http_intake *intake, uint64_t number);

/* The error of the request with this number, counted from 1; NULL: none so far. */
const struct http_fault *http_intake_fault(const struct http_intake *intake, uint64_t number);

/* Whether the last request, which has no body, requests an upgrade, so that the bytes after it were not checked. */
bool http_intake_can_pass(const struct http_intake *intake);

/* After an upgrade: the library no longer reads; another thread uses the socket or the session. */
void http_intake_pass(struct http_intake *intake);

/* Take up to `max` bytes that were read but not passed to the library. Returns the number. */
size_t http_intake_take(struct http_intake *intake, char *to, size_t max);

/* Whether a request is partially received. */
bool http_intake_is_within_request(const struct http_intake *intake);

#endif
