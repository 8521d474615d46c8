/* Included first: OpenSSL uses the identifier `unused`, which common/base/compiler.h defines as a macro. */
#include <openssl/ssl.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/adapters/tls_client.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct tls_identity {
	SSL_CTX *context;
	bool insecure;
};

struct tls_client {
	SSL *ssl;
	struct tls_carrier carrier;
	const char *fault; /* of TLS_CLIENT_GONE; NULL: none */
	bool at_end;       /* end of file of the carrier */
};

/* ---- the carrier as a BIO ---------------------------------------------------------------------------------------- */

static int carry_out(BIO *bio, const char *data, int len)
{
	struct tls_client *client = BIO_get_data(bio);
	ssize_t sent = client->carrier.send(client->carrier.ctx, data, (size_t)len);

	BIO_clear_retry_flags(bio);
	if (sent == TLS_CLIENT_BUSY)
		BIO_set_retry_write(bio);
	return sent > 0 ? (int)sent : -1;
}

static int carry_in(BIO *bio, char *to, int max)
{
	struct tls_client *client = BIO_get_data(bio);
	ssize_t got = client->carrier.receive(client->carrier.ctx, to, (size_t)max);

	BIO_clear_retry_flags(bio);
	if (got == TLS_CLIENT_BUSY)
		BIO_set_retry_read(bio);
	client->at_end = got == 0;
	return got >= 0 ? (int)got : -1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	const struct tls_client *client = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return client->at_end;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *carrier_method;

static void make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "carrier");

	if (method && BIO_meth_set_write(method, carry_out) && BIO_meth_set_read(method, carry_in) &&
	    BIO_meth_set_ctrl(method, control))
		carrier_method = method;
	else
		BIO_meth_free(method);
}

/* ---- an identity ------------------------------------------------------------------------------------------------- */

/* Without it OpenSSL would prompt on the terminal. */
static int no_passphrase(char *out, int size, int for_writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)for_writing;
	(void)ctx;
	return -1;
}

static BIO *open_text(const char *text)
{
	size_t len = strlen(text);

	return len <= INT_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
}

/* As curl: every certificate is a trust anchor, including intermediate ones. */
static bool trust(SSL_CTX *context, const char *ca)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	BIO *bio = open_text(ca);
	X509 *certificate;
	bool good = bio != NULL;
	bool some = false;

	while (good && (certificate = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL)) != NULL) {
		good = X509_STORE_add_cert(store, certificate) == 1;
		some = true;
		X509_free(certificate);
	}
	good = good && some && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE &&
	       X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
	BIO_free(bio);
	return good;
}

/* The first is our own, the others are its chain. */
static bool use_certificate(SSL_CTX *context, const char *chain)
{
	BIO *bio = open_text(chain);
	X509 *certificate = bio ? PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL) : NULL;
	bool good = certificate && SSL_CTX_use_certificate(context, certificate) == 1;

	X509_free(certificate);
	while (good && (certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		good = SSL_CTX_add0_chain_cert(context, certificate) == 1;
		if (!good)
			X509_free(certificate);
	}
	good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(bio);
	return good;
}

static bool use_key(SSL_CTX *context, const char *text)
{
	BIO *bio = open_text(text);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	bool good = key && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return good;
}

/* Offer HTTP/1.1 only. Restrictions of the system's openssl.cnf remain. */
static bool set_options(SSL_CTX *context, bool insecure)
{
	static const unsigned char protocols[] = "\x08http/1.1";

	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1); /* one call of the carrier per record instead of two */
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	return (SSL_CTX_get_min_proto_version(context) > TLS1_2_VERSION ||
		SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1) &&
	       SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1) == 0;
}

static enum rc fill(SSL_CTX *context, const struct tls_texts *texts, struct error *err)
{
	if (!set_options(context, texts->insecure))
		return error_no_memory(err);
	if (texts->ca ? !trust(context, texts->ca) : !texts->insecure && SSL_CTX_set_default_verify_paths(context) != 1)
		return error_set(err, RC_INVALID_ARGUMENT, "the certificates of the authorities cannot be used");
	if (texts->certificate && !use_certificate(context, texts->certificate))
		return error_set(err, RC_INVALID_ARGUMENT, "the client certificate cannot be used");
	if (texts->key && !use_key(context, texts->key))
		return error_set(err, RC_INVALID_ARGUMENT, "the private key cannot be used");
	return RC_OK;
}

enum rc tls_identity_create(const struct tls_texts *texts, struct tls_identity **ret_identity, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct tls_identity *identity = calloc(1, sizeof(*identity));
	enum rc rc;

	if (!identity)
		return error_no_memory(err);
	pthread_once(&once, make_method);
	ERR_clear_error();
	identity->insecure = texts->insecure;
	identity->context = SSL_CTX_new(TLS_client_method());
	rc = identity->context && carrier_method ? fill(identity->context, texts, err) : error_no_memory(err);
	ERR_clear_error(); /* curl reads the same queue */
	if (rc)
		tls_identity_release(identity);
	else
		*ret_identity = identity;
	return rc;
}

void tls_identity_release(struct tls_identity *identity)
{
	if (!identity)
		return;
	SSL_CTX_free(identity->context); /* connections have references of their own */
	free(identity);
}

/* ---- a connection ------------------------------------------------------------------------------------------------ */

/*
 * A dot at the end is ignored. One at the beginning would make OpenSSL accept any subdomain. An address is not sent as
 * server name (RFC 6066 section 3).
 */
static bool set_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	size_t len = strlen(host);
	char name[TLSEXT_MAXLEN_host_name + 1];

	len -= len && host[len - 1] == '.';
	if (!len || len >= sizeof(name) || host[0] == '.')
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

static bool set_carrier(struct tls_client *client)
{
	BIO *bio = BIO_new(carrier_method);

	if (!bio)
		return false;
	BIO_set_data(bio, client);
	BIO_set_init(bio, 1);
	SSL_set_bio(client->ssl, bio, bio);
	SSL_set_connect_state(client->ssl);
	return true;
}

enum rc tls_client_open(const struct tls_identity *identity, const char *host, const struct tls_carrier *carrier,
			struct tls_client **ret_client, struct error *err)
{
	struct tls_client *client = calloc(1, sizeof(*client));
	enum rc rc = RC_OK;

	if (!client)
		return error_no_memory(err);
	client->carrier = *carrier;
	client->ssl = SSL_new(identity->context);
	if (!client->ssl || !set_carrier(client))
		rc = error_no_memory(err);
	else if (!set_host(client->ssl, host))
		rc = error_set(err, RC_INVALID_ARGUMENT, "'%s' is not a server name", host);
	ERR_clear_error();
	if (rc) {
		SSL_free(client->ssl);
		free(client);
		return rc;
	}
	*ret_client = client;
	return RC_OK;
}

void tls_client_close(struct tls_client *client)
{
	if (!client)
		return;
	ERR_clear_error();
	if (SSL_is_init_finished(client->ssl))
		(void)SSL_shutdown(client->ssl); /* without waiting for the peer */
	SSL_free(client->ssl);
	ERR_clear_error();
	free(client);
}

static bool is_busy(const struct tls_client *client, int result)
{
	int why = SSL_get_error(client->ssl, result);

	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

/* Why the handshake failed. */
static enum rc explain(const struct tls_client *client, struct error *err)
{
	long verified = SSL_get_verify_result(client->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (verified != X509_V_OK && SSL_get_verify_mode(client->ssl) != SSL_VERIFY_NONE)
		return error_set(err, RC_UNAVAILABLE, "SSL certificate problem: %s",
				 X509_verify_cert_error_string(verified));
	return error_set(err, RC_UNAVAILABLE, "TLS: %s",
			 reason ? reason : "the connection was closed during the TLS handshake");
}

enum rc tls_client_shake(struct tls_client *client, struct error *err)
{
	enum rc rc = RC_OK;
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(client->ssl);
	if (result != 1)
		rc = is_busy(client, result) ? RC_BUSY : explain(client, err);
	ERR_clear_error();
	return rc;
}

ssize_t tls_client_receive(struct tls_client *client, void *to, size_t max)
{
	size_t got = 0;
	ssize_t result = TLS_CLIENT_GONE;
	int code;

	ERR_clear_error();
	code = SSL_read_ex(client->ssl, to, max, &got);
	if (code == 1) {
		result = (ssize_t)got;
	} else if (is_busy(client, code)) {
		result = TLS_CLIENT_BUSY;
		/* OpenSSL would keep the buffer of a session ticket until the next write. */
		(void)SSL_free_buffers(client->ssl); /* fails if they are in use */
	} else if (SSL_get_error(client->ssl, code) == SSL_ERROR_ZERO_RETURN) {
		result = 0;
	} else {
		client->fault = ERR_reason_error_string(ERR_peek_error());
	}
	ERR_clear_error();
	return result;
}

ssize_t tls_client_send(struct tls_client *client, const void *data, size_t len)
{
	size_t sent = 0;
	ssize_t result = TLS_CLIENT_GONE;
	int code;

	ERR_clear_error();
	code = SSL_write_ex(client->ssl, data, len, &sent);
	if (code == 1)
		result = (ssize_t)sent;
	else if (is_busy(client, code))
		result = TLS_CLIENT_BUSY;
	else
		client->fault = ERR_reason_error_string(ERR_peek_error());
	ERR_clear_error();
	return result;
}

const char *tls_client_fault(const struct tls_client *client)
{
	return client->fault;
}

bool tls_client_wants_to_send(const struct tls_client *client)
{
	return SSL_want_write(client->ssl);
}
