/*
 * Between a client's socket and the HTTP library: what the library reads has passed http_wire.h first.
 *
 * libmicrohttpd has no place for this, in no version. It reads by recv() and, with TLS, by gnutls_record_recv(); the
 * program defines both, and the dynamic linker prefers a program's definition to a library's. Any other socket of the
 * process is read as ever. Should a library come that reads in another way, its requests have no number here, and
 * http_server.c serves none of them.
 */
#ifndef API_SVC_HTTP_HTTP_INTAKE_H
#define API_SVC_HTTP_HTTP_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-svc/http/connections.h"
#include "api-svc/http/http_framing.h"

/* One connection. Belongs to the library's thread that serves it. */
struct http_intake;

/*
 * Begin to read from a socket; its place in `connections` is set to READING with the first byte of a request.
 * `session`: a gnutls_session_t, NULL for plain HTTP. All are borrowed. max_body: bytes.
 *
 * NULL when out of memory, or the descriptor's number is beyond all limits.
 */
struct http_intake *http_intake_create(struct connections *connections, int fd, void *session, size_t max_body);

/* Before close(2) of the socket. NULL is allowed. */
void http_intake_destroy(struct http_intake *intake);

/* Its place in `connections`; NULL: memory was short. */
struct connection *http_intake_connection(const struct http_intake *intake);

/* Whether bytes of this many requests (or of their beginning) have been read. */
bool http_intake_has_read(const struct http_intake *intake, uint64_t number);

/* What is wrong with the request of this number, counted from 1; NULL: nothing, so far. */
const struct http_fault *http_intake_fault(const struct http_intake *intake, uint64_t number);

/* Whether the last request, which has no body, requests an upgrade, so that the bytes after it were not checked. */
bool http_intake_can_pass(const struct http_intake *intake);

/* It is another protocol's: the library reads nothing any more, and another thread the socket or the session. */
void http_intake_pass(struct http_intake *intake);

/* Take up to `max` bytes that have been read and not given to the library. Returns how many. */
size_t http_intake_take(struct http_intake *intake, char *to, size_t max);

/* Whether a request is partially received. */
bool http_intake_is_within_request(const struct http_intake *intake);

#endif
