/*
 * HTTPS: our certificate, read again when its files change, and who the clients are. The only user of GnuTLS, which is
 * what libmicrohttpd speaks TLS with.
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

/* Paths of PEM files; borrowed as long as the tls lives. */
struct tls_files {
	const char *certificate; /* ours, and what leads to its authority */
	const char *key;
	const char *client_ca; /* authorities of clients; "": clients need no certificate */
};

struct tls;

/* Append a line for each file that is missing, of no use, or lacks its counterpart; names the variables. */
void tls_check(const struct tls_files *files, struct buf *faults);

/*
 * Read the files. There can be one tls in a process: GnuTLS' callback knows nothing else.
 *
 * handshake_ms  the longest that a handshake may last; a certificate that has been replaced is kept for so long.
 * ret_tls       owned by the caller (tls_destroy), after the last connection has ended.
 *
 * Errors: RC_NOT_FOUND, RC_INVALID_ARGUMENT, RC_TOO_LARGE, RC_NO_MEMORY, each naming the file.
 */
enum rc tls_create(const struct tls_files *files, int64_t handshake_ms, struct tls **ret_tls, struct error *err)
	must_check;

/* NULL is allowed. */
void tls_destroy(struct tls *tls);

/*
 * For MHD_OPTION_HTTPS_CERT_CALLBACK2: a pointer to a gnutls_certificate_retrieve_function3. Gives each handshake
 * the certificate; looks at the files once a second at most. An invalid pair is logged, the current one stays.
 */
void *tls_retrieve(void);

/* PEM text of the clients' authorities, for MHD_OPTION_HTTPS_MEM_TRUST; NULL: none. Belongs to the tls. */
const char *tls_client_authorities(const struct tls *tls);

/* Whether the client has a valid certificate, signed by one of the CAs. `session`: a gnutls_session_t. */
bool tls_client_is_known(void *session);

/*
 * The same as gnutls_record_recv(): up to `len` bytes; 0 at the end, TLS_NOTHING_YET, or another number below 0.
 * `session`: a gnutls_session_t.
 */
#define TLS_NOTHING_YET (-28)
ssize_t tls_read(void *session, void *to, size_t len);

/*
 * The same as gnutls_record_send(): how many bytes were taken, or a number below 0; after TLS_NOTHING_YET the next call
 * has the same bytes. `session`: a gnutls_session_t.
 */
ssize_t tls_write(void *session, const void *data, size_t len);

/* The descriptor that the session reads from. `session`: a gnutls_session_t. */
int tls_socket_of(void *session);

#endif
