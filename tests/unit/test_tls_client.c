/* First: OpenSSL uses the word `unused`, which common/base/compiler.h makes an attribute. */
#include <openssl/ssl.h>

#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/adapters/tls_client.h"
#include "common/base/compiler.h"

#define ROUNDS 20
#define TEXT_MAX 4096

struct pair {
	X509 *certificate;
	EVP_PKEY *key;
	char pem[TEXT_MAX];
	char key_pem[TEXT_MAX];
};

static void to_text(BIO *bio, char out[TEXT_MAX])
{
	int len = BIO_read(bio, out, TEXT_MAX - 1);

	cr_assert_gt(len, 0);
	out[len] = '\0';
	BIO_free(bio);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	cr_assert_not_null(extension, "%s", value);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

/* `by` NULL: an authority. `days` negative: expired. */
static void make_pair(struct pair *pair, const char *name, const struct pair *by, const char *names, int days)
{
	X509_NAME *subject;
	BIO *bio;

	pair->key = EVP_EC_gen("P-256");
	pair->certificate = X509_new();
	X509_set_version(pair->certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(pair->certificate), (long)(name[0] + days));
	X509_time_adj_ex(X509_getm_notBefore(pair->certificate), -10, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(pair->certificate), days, 0, NULL);
	X509_set_pubkey(pair->certificate, pair->key);
	subject = X509_get_subject_name(pair->certificate);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(pair->certificate, by ? X509_get_subject_name(by->certificate) : subject);
	add_extension(pair->certificate, by ? by->certificate : pair->certificate, NID_basic_constraints,
		      by ? "CA:FALSE" : "critical,CA:TRUE");
	if (names)
		add_extension(pair->certificate, by->certificate, NID_subject_alt_name, names);
	cr_assert_gt(X509_sign(pair->certificate, by ? by->key : pair->key, EVP_sha256()), 0);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, pair->certificate);
	to_text(bio, pair->pem);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, pair->key, NULL, NULL, 0, NULL, NULL);
	to_text(bio, pair->key_pem);
}

static void clear_pair(struct pair *pair)
{
	X509_free(pair->certificate);
	EVP_PKEY_free(pair->key);
}

/* ---- client and server ------------------------------------------------------------------------------------------- */

static ssize_t carry_in(void *ctx, void *to, size_t max)
{
	ssize_t got = recv(*(int *)ctx, to, max, MSG_DONTWAIT);

	return got >= 0 ? got : TLS_CLIENT_BUSY;
}

static ssize_t carry_out(void *ctx, const void *data, size_t len)
{
	ssize_t sent = send(*(int *)ctx, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent >= 0 ? sent : TLS_CLIENT_BUSY;
}

struct ends {
	int fds[2];
	SSL_CTX *context;
	SSL *server;
	struct tls_identity *identity;
	struct tls_client *client;
};

static struct ends open_ends(const struct pair *server, const struct tls_texts *texts)
{
	struct ends e = { .context = SSL_CTX_new(TLS_server_method()) };

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, e.fds), 0);
	SSL_CTX_use_certificate(e.context, server->certificate);
	SSL_CTX_use_PrivateKey(e.context, server->key);
	SSL_CTX_set_verify(e.context, SSL_VERIFY_PEER, NULL); /* a client certificate is requested, but optional */
	X509_STORE_add_cert(SSL_CTX_get_cert_store(e.context), server->certificate);
	X509_STORE_set_flags(SSL_CTX_get_cert_store(e.context), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_session_id_context(e.context, (const unsigned char *)"t", 1);
	e.server = SSL_new(e.context);
	SSL_set_fd(e.server, e.fds[1]);
	SSL_set_accept_state(e.server);
	cr_assert_eq(tls_identity_create(texts, &e.identity, NULL), RC_OK);
	return e;
}

static void connect_client(struct ends *e, const char *host)
{
	const struct tls_carrier carrier = { carry_in, carry_out, &e->fds[0] };

	cr_assert_eq(tls_client_open(e->identity, host, &carrier, &e->client, NULL), RC_OK);
}

static enum rc shake(struct ends *e, struct error *err)
{
	enum rc rc = RC_BUSY;

	for (int i = 0; i < ROUNDS && rc == RC_BUSY; i++) {
		rc = tls_client_shake(e->client, err);
		(void)SSL_do_handshake(e->server);
	}
	return rc;
}

static void close_ends(struct ends *e)
{
	tls_client_close(e->client);
	tls_identity_release(e->identity);
	SSL_free(e->server);
	SSL_CTX_free(e->context);
	close(e->fds[0]);
	close(e->fds[1]);
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

Test(tls_client, the_certificate_must_match_the_requested_host)
{
	static const struct {
		const char *names; /* of the certificate */
		const char *host;
		const char *fault; /* NULL: none */
		bool insecure;
		bool untrusted; /* another authority is trusted */
		bool expired;
	} cases[] = {
		{ .names = "DNS:api.example", .host = "api.example" },
		{ .names = "DNS:*.api.example", .host = "a.api.example" },
		{ .names = "DNS:api.example", .host = "api.example." },
		{ .names = "IP:127.0.0.1", .host = "127.0.0.1" },
		{ .names = "IP:::1", .host = "::1" },
		{ .names = "DNS:api.example", .host = "other.example", .fault = "hostname mismatch" },
		{ .names = "DNS:a*.api.example", .host = "ab.api.example", .fault = "hostname mismatch" },
		{ .names = "DNS:*.api.example", .host = "b.a.api.example", .fault = "hostname mismatch" },
		{ .names = "DNS:127.0.0.1", .host = "127.0.0.1", .fault = "IP address mismatch" },
		{ .names = "IP:127.0.0.2", .host = "127.0.0.1", .fault = "IP address mismatch" },
		{ .names = "DNS:api.example", .host = "api.example", .fault = "local issuer", .untrusted = true },
		{ .names = "DNS:api.example", .host = "api.example", .fault = "expired", .expired = true },
		{ .names = "DNS:x", .host = "api.example", .insecure = true, .untrusted = true, .expired = true },
	};
	struct pair authority, stranger;

	make_pair(&authority, "authority", NULL, NULL, 2);
	make_pair(&stranger, "stranger", NULL, NULL, 2);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tls_texts texts = { .ca = cases[i].untrusted ? stranger.pem : authority.pem,
						 .insecure = cases[i].insecure };
		struct pair server;
		struct ends e;
		struct error err = { .rc = RC_OK };
		enum rc rc;

		make_pair(&server, "server", &authority, cases[i].names, cases[i].expired ? -1 : 2);
		e = open_ends(&server, &texts);
		connect_client(&e, cases[i].host);
		rc = shake(&e, &err);
		cr_expect_eq(rc, cases[i].fault ? RC_UNAVAILABLE : RC_OK, "%zu: %s", i, err.text);
		if (cases[i].fault)
			cr_expect(strstr(err.text, cases[i].fault), "%zu: %s", i, err.text);
		close_ends(&e);
		clear_pair(&server);
	}
	clear_pair(&authority);
	clear_pair(&stranger);
}

Test(tls_client, sends_its_certificate_and_bytes_in_both_directions)
{
	struct pair authority, server, mine;
	struct tls_texts texts = { .ca = authority.pem };
	struct ends e;
	X509 *seen;
	char got[64];

	make_pair(&authority, "authority", NULL, NULL, 2);
	make_pair(&server, "server", &authority, "DNS:api.example", 2);
	make_pair(&mine, "mine", NULL, NULL, 2);
	texts.certificate = mine.pem;
	texts.key = mine.key_pem;
	e = open_ends(&server, &texts);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(e.context), mine.certificate);
	connect_client(&e, "api.example");
	cr_assert_eq(shake(&e, NULL), RC_OK);
	seen = SSL_get1_peer_certificate(e.server);
	cr_expect(seen && X509_cmp(seen, mine.certificate) == 0);
	X509_free(seen);
	cr_expect_str_eq(SSL_get_servername(e.server, TLSEXT_NAMETYPE_host_name), "api.example");
	cr_expect_eq(tls_client_receive(e.client, got, sizeof(got)), TLS_CLIENT_BUSY);
	cr_expect_eq(tls_client_send(e.client, "there", 5), 5);
	cr_expect_eq(SSL_read(e.server, got, sizeof(got)), 5);
	cr_expect_eq(SSL_write(e.server, "and back", 8), 8);
	cr_expect_eq(tls_client_receive(e.client, got, 3), 3);
	cr_expect_eq(tls_client_receive(e.client, got + 3, sizeof(got) - 3), 5);
	cr_expect(memcmp(got, "and back", 8) == 0);
	cr_expect_eq(tls_client_receive(e.client, got, sizeof(got)), TLS_CLIENT_BUSY);
	(void)SSL_shutdown(e.server);
	cr_expect_eq(tls_client_receive(e.client, got, sizeof(got)), 0);
	close_ends(&e);
	clear_pair(&authority);
	clear_pair(&server);
	clear_pair(&mine);
}

Test(tls_client, min_protocol_of_the_system_is_respected)
{
	static const char settings[] = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
				       "[c]\nMinProtocol = TLSv1.3\n";
	struct pair authority, server;
	const struct tls_texts texts = { .ca = authority.pem };
	struct ends e;
	char path[64];
	int fd = memfd_create("openssl.cnf", MFD_CLOEXEC);

	cr_assert_eq(write(fd, settings, strlen(settings)), (ssize_t)strlen(settings));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(CONF_modules_load_file(path, NULL, 0), 1);
	make_pair(&authority, "authority", NULL, NULL, 2);
	make_pair(&server, "server", &authority, "DNS:api.example", 2);
	e = open_ends(&server, &texts);
	SSL_set_max_proto_version(e.server, TLS1_2_VERSION);
	SSL_set_min_proto_version(e.server, TLS1_2_VERSION);
	connect_client(&e, "api.example");
	cr_expect_eq(shake(&e, NULL), RC_UNAVAILABLE);
	close_ends(&e);
	close(fd);
	clear_pair(&authority);
	clear_pair(&server);
}

Test(tls_client, invalid_host_names_are_rejected)
{
	/* OpenSSL would match ".example" with any name below it. */
	static const char *const hosts[] = { "", ".", ".example", ".api.example." };
	const struct tls_carrier carrier = { carry_in, carry_out, NULL };
	const struct tls_texts texts = { .insecure = true };
	struct tls_identity *identity;
	struct tls_client *client;

	cr_assert_eq(tls_identity_create(&texts, &identity, NULL), RC_OK);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		cr_expect_eq(tls_client_open(identity, hosts[i], &carrier, &client, NULL), RC_INVALID_ARGUMENT, "'%s'",
			     hosts[i]);
	tls_identity_release(identity);
}

Test(tls_client, the_rejection_of_a_client_certificate_is_reported_after_the_handshake)
{
	struct pair authority, server, mine;
	struct tls_texts texts = { .ca = authority.pem };
	struct ends e;
	char got[8];

	make_pair(&authority, "authority", NULL, NULL, 2);
	make_pair(&server, "server", &authority, "DNS:api.example", 2);
	make_pair(&mine, "mine", NULL, NULL, 2);
	texts.certificate = mine.pem;
	texts.key = mine.key_pem;
	e = open_ends(&server, &texts);
	connect_client(&e, "api.example");
	cr_assert_eq(shake(&e, NULL), RC_OK);
	cr_expect_null(tls_client_fault(e.client));
	cr_expect_eq(tls_client_receive(e.client, got, sizeof(got)), TLS_CLIENT_GONE);
	cr_assert_not_null(tls_client_fault(e.client));
	cr_expect(strstr(tls_client_fault(e.client), "unknown ca"), "%s", tls_client_fault(e.client));
	close_ends(&e);
	clear_pair(&authority);
	clear_pair(&server);
	clear_pair(&mine);
}

/* A truncated response must not look complete (truncation attack). */
Test(tls_client, a_connection_closed_without_close_notify_is_an_error)
{
	struct pair authority, server;
	const struct tls_texts texts = { .ca = authority.pem };
	struct ends e;
	char got[8];

	make_pair(&authority, "authority", NULL, NULL, 2);
	make_pair(&server, "server", &authority, "DNS:api.example", 2);
	e = open_ends(&server, &texts);
	connect_client(&e, "api.example");
	cr_assert_eq(shake(&e, NULL), RC_OK);
	(void)shutdown(e.fds[1], SHUT_RDWR);
	cr_expect_eq(tls_client_receive(e.client, got, sizeof(got)), TLS_CLIENT_GONE);
	close_ends(&e);
	clear_pair(&authority);
	clear_pair(&server);
}

Test(tls_client, invalid_certificates_and_keys_are_named_in_the_error)
{
	struct pair one, other;
	struct error err;
	struct tls_identity *identity;

	make_pair(&one, "one", NULL, NULL, 2);
	make_pair(&other, "other", NULL, NULL, 2);
	const struct {
		struct tls_texts texts;
		const char *named;
	} cases[] = {
		{ { .ca = "no certificate" }, "authorities" },
		{ { .ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }, "authorities" },
		{ { .ca = one.pem, .certificate = one.key_pem, .key = one.key_pem }, "client certificate" },
		{ { .ca = one.pem, .certificate = one.pem, .key = other.key_pem }, "private key" },
		{ { .ca = one.pem, .certificate = one.pem, .key = one.pem }, "private key" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_expect_eq(tls_identity_create(&cases[i].texts, &identity, &err), RC_INVALID_ARGUMENT, "%zu", i);
		cr_expect(strstr(err.text, cases[i].named), "%zu: %s", i, err.text);
	}
	clear_pair(&one);
	clear_pair(&other);
}
