/*
 * TLS as a client, over bytes that somebody else carries. The only user of OpenSSL's libssl.
 *
 * Many connections share one tls_identity: certificates, keys and OpenSSL's tables (14 KiB and more) are in memory
 * once, where curl keeps them for each connection. Buffers are there only while there is something in them.
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
	const char *ca;          /* trust only these; NULL: the system's authorities */
	const char *certificate; /* our own, with its chain */
	const char *key;         /* its private key */
	bool insecure;           /* do not verify the server's certificate */
};

struct tls_identity;
struct tls_client;

/* In place of a number of bytes. */
#define TLS_CLIENT_BUSY (-1) /* try again when bytes can be carried */
#define TLS_CLIENT_GONE (-2) /* the connection is of no use any more */

/* Carries bytes without waiting. Returns how many, or one of these; receive: 0 at the end. */
struct tls_carrier {
	ssize_t (*receive)(void *ctx, void *to, size_t max);
	ssize_t (*send)(void *ctx, const void *data, size_t len);
	void *ctx;
};

/*
 * Make an identity.
 *
 * ret_identity  given to the caller (tls_identity_release()).
 * Errors: RC_INVALID_ARGUMENT a text that cannot be used, and which; RC_NO_MEMORY.
 */
enum rc tls_identity_create(const struct tls_texts *texts, struct tls_identity **ret_identity, struct error *err)
	must_check;

/* Its connections go on. Takes NULL. */
void tls_identity_release(struct tls_identity *identity);

/*
 * Make a connection, whose handshake is to follow. The server's certificate must be valid for the host, a name or an
 * IP address.
 *
 * carrier     its ctx outlives the connection.
 * ret_client  given to the caller (tls_client_close()).
 * Errors: RC_INVALID_ARGUMENT a host that cannot be one; RC_NO_MEMORY.
 */
enum rc tls_client_open(const struct tls_identity *identity, const char *host, const struct tls_carrier *carrier,
			struct tls_client **ret_client, struct error *err) must_check;

/* Tell the peer that nothing more comes, if that can be done at once, and free it. Takes NULL. */
void tls_client_close(struct tls_client *client);

/*
 * Go on with the handshake. RC_OK: it is done; RC_BUSY: call it again when bytes can be carried; RC_UNAVAILABLE: it
 * failed, with the reason.
 */
enum rc tls_client_shake(struct tls_client *client, struct error *err) must_check;

/*
 * After the handshake. receive: up to `max` bytes; 0: the peer has ended. send: how many were taken. TLS_CLIENT_BUSY,
 * after which send() is to be called with the same bytes, and perhaps more; TLS_CLIENT_GONE.
 */
ssize_t tls_client_receive(struct tls_client *client, void *to, size_t max);
ssize_t tls_client_send(struct tls_client *client, const void *data, size_t len);

/* Does the last call of tls_client_shake() or tls_client_receive() wait for bytes to be sent? */
bool tls_client_wants_to_send(const struct tls_client *client);

#endif
