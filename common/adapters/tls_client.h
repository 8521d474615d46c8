/*
 * A TLS client over a transport of the caller. The only user of OpenSSL's libssl.
 *
 * Connections share a tls_identity: certificates, keys and OpenSSL's tables (14 KiB and more) are in memory once; curl
 * has them once per connection. Buffers are allocated only while not empty.
 *
 * Threads: one at a time for an identity and all its connections.
 * Source: SSL_CTX_set_mode(3), SSL_set1_host(3), BIO_meth_new(3).
 */
#ifndef COMMON_ADAPTERS_TLS_CLIENT_H
#define COMMON_ADAPTERS_TLS_CLIENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/error.h"

/* PEM; borrowed for the call. NULL: not used. */
struct tls_texts {
	const char *ca;          /* trust only these; NULL: the system's CA certificates */
	const char *certificate; /* our own, with its chain */
	const char *key;         /* its private key */
	bool insecure;           /* do not verify the server's certificate */
};

struct tls_identity;
struct tls_client;

/* Instead of a number of bytes. */
#define TLS_CLIENT_BUSY (-1) /* retry when the transport is ready */
#define TLS_CLIENT_GONE (-2) /* the connection has failed */

/* The transport. Must not block. Returns the number of bytes, or one of these; receive: 0 at end of file. */
struct tls_carrier {
	ssize_t (*receive)(void *ctx, void *to, size_t max);
	ssize_t (*send)(void *ctx, const void *data, size_t len);
	void *ctx;
};

/*
 * Create an identity.
 *
 * ret_identity  owned by the caller (tls_identity_release).
 * Errors: RC_INVALID_ARGUMENT with the invalid text; RC_NO_MEMORY.
 */
enum rc tls_identity_create(const struct tls_texts *texts, struct tls_identity **ret_identity, struct error *err)
	must_check;

/* Release it; its connections stay usable. NULL is allowed. */
void tls_identity_release(struct tls_identity *identity);

/*
 * Create a connection; the handshake follows. The server's certificate must be valid for the host, a name or an IP
 * address.
 *
 * carrier     its ctx must outlive the connection.
 * ret_client  owned by the caller (tls_client_close).
 * Errors: RC_INVALID_ARGUMENT an invalid host; RC_NO_MEMORY.
 */
enum rc tls_client_open(const struct tls_identity *identity, const char *host, const struct tls_carrier *carrier,
			struct tls_client **ret_client, struct error *err) must_check;

/* Send close_notify, if possible without blocking, and free it. NULL is allowed. */
void tls_client_close(struct tls_client *client);

/*
 * Continue the handshake. RC_OK: complete; RC_BUSY: call it again when the transport is ready; RC_UNAVAILABLE: failed,
 * with the reason.
 */
enum rc tls_client_shake(struct tls_client *client, struct error *err) must_check;

/*
 * After the handshake. receive: up to `max` bytes; 0: closed by the peer. send: returns the number of accepted bytes.
 * Or TLS_CLIENT_BUSY, after which send() must be repeated with the same bytes, and optionally more; or TLS_CLIENT_GONE.
 */
ssize_t tls_client_receive(struct tls_client *client, void *to, size_t max);
ssize_t tls_client_send(struct tls_client *client, const void *data, size_t len);

/*
 * The reason of the last TLS_CLIENT_GONE, static; NULL: unknown, or none. With TLS 1.3 a rejected client certificate is
 * reported here, after the handshake.
 */
const char *tls_client_fault(const struct tls_client *client);

/* Whether the last call of tls_client_shake() or tls_client_receive() is waiting to send. */
bool tls_client_wants_to_send(const struct tls_client *client);

#endif
