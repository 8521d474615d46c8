/*
 * HTTPS: the server certificate, reloaded when its files change, and client certificates. The only user of GnuTLS, the
 * TLS library of libmicrohttpd.
 */
#ifndef API_SVC_HTTP_TLS_H
#define API_SVC_HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/buf.h"

/* TLS 1.2 and later (RFC 8996). */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* Paths of PEM files; borrowed for the lifetime of the tls. */
struct tls_files {
	const char *certificate; /* the server certificate with its chain */
	const char *key;
	const char *client_ca; /* CA certificates for clients; "": no client certificates */
};

struct tls;

/* Append a line for each file that is missing, invalid, or lacks its counterpart, with the variable. */
void tls_check(const struct tls_files *files, struct buf *faults);

/*
 * Read the files. Only one tls per process, because the callback of GnuTLS has no context.
 *
 * handshake_ms  the maximum duration of a handshake; replaced certificates are kept that long.
 * ret_tls       owned by the caller (tls_destroy), after the last connection has ended.
 *
 * Errors: RC_NOT_FOUND, RC_INVALID_ARGUMENT, RC_TOO_LARGE, RC_NO_MEMORY, with the name of the file.
 */
enum rc tls_create(const struct tls_files *files, int64_t handshake_ms, struct tls **ret_tls, struct error *err)
	must_check;

/* NULL is allowed. */
void tls_destroy(struct tls *tls);

/*
 * For MHD_OPTION_HTTPS_CERT_CALLBACK2: a pointer to a gnutls_certificate_retrieve_function3. Returns the certificate
 * for each handshake; checks the files at most once per second. An invalid pair is logged, the current one stays.
 */
void *tls_retrieve(void);

/* PEM text of the client CA certificates, for MHD_OPTION_HTTPS_MEM_TRUST; NULL: none. Owned by the tls. */
const char *tls_authorities(const struct tls *tls);

/* Whether the client has a valid certificate, signed by one of the CAs. `session`: a gnutls_session_t. */
bool tls_knows_client(void *session);

/*
 * The same as gnutls_record_recv(): up to `len` bytes; 0 at end of file, TLS_NOTHING_YET, or another negative number.
 * `session`: a gnutls_session_t.
 */
#define TLS_NOTHING_YET (-28)
ssize_t tls_read(void *session, void *to, size_t len);

/*
 * The same as gnutls_record_send(): the number of bytes accepted, or a negative number; after TLS_NOTHING_YET repeat
 * with the same bytes. `session`: a gnutls_session_t.
 */
ssize_t tls_write(void *session, const void *data, size_t len);

/* The descriptor that the session reads from. `session`: a gnutls_session_t. */
int tls_socket_of(void *session);

#endif
