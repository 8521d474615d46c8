/* First: OpenSSL uses the word `unused`, which common/base/compiler.h makes an attribute. */
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/compiler.h"
#include "common/http/http_duplex.h"
#include "common/http/http_link.h"
#include "common/http/http_multi_private.h"
#include "tests/unit/fake_clock.h"

#define LINKS 12 /* more than HTTP_EVENTS_AT_ONCE */
#define AUTHORITIES_MS 600000
#define TURNS 200
#define TURN_MS 5
#define PROXY_MS 10000
#define BODY_LEN 100000
#define TUNNELLED "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"

static uint16_t listen_anywhere(int *ret_fd, int flags)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	cr_assert_eq(bind(*ret_fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(*ret_fd, LINKS), 0);
	cr_assert_eq(getsockname(*ret_fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

struct reader {
	size_t got;
	bool done;
	struct error err;
};

static bool on_piece(void *ctx, const char *bytes unused, size_t len)
{
	((struct reader *)ctx)->got += len;
	return true;
}

static void on_done(void *ctx, const struct http_response *response unused, const struct error *err)
{
	struct reader *r = ctx;

	r->done = true;
	r->err = *err;
}

static void turn(struct http_multi *multi)
{
	struct pollfd p = { .fd = http_multi_fd(multi), .events = POLLIN };

	(void)poll(&p, 1, http_multi_due_ms(multi) <= clock_mono_ms() ? 0 : TURN_MS);
	http_multi_turn(multi);
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

/* Fill the socket buffer. */
static void fill(int fd)
{
	static const char block[65536] = "";

	while (send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
}

/* Responses without an end: a turn handles eight connections, and the next turn the others. */
Test(http_link, a_turn_starts_with_the_connections_that_waited_longest)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	const struct http_identity direct = { .proxy = "" };
	char url[64];
	const struct http_request request = { .method = "GET", .url = url, .identity = &direct };
	struct reader readers[LINKS] = { { .got = 0 } };
	struct http_duplex *duplexes[LINKS];
	struct http_multi *multi;
	int clients[LINKS];
	int count = 0;
	int fd;

	snprintf(url, sizeof(url), "http://127.0.0.1:%" PRIu16 "/", listen_anywhere(&fd, SOCK_NONBLOCK));
	cr_assert_eq(http_multi_create(&multi, NULL), RC_OK);
	for (int i = 0; i < LINKS; i++) {
		const struct http_duplex_taker taker = { .take = on_piece, .done = on_done, .ctx = &readers[i] };

		cr_assert_eq(http_duplex_open(multi, &request, &taker, &duplexes[i], NULL), RC_OK);
	}
	for (int i = 0; i < TURNS && count < LINKS; i++) {
		turn(multi);
		while (count < LINKS && (clients[count] = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
			count++;
	}
	cr_assert_eq(count, LINKS);
	for (int i = 0; i < LINKS; i++)
		cr_assert_gt(send(clients[i], head, strlen(head), MSG_NOSIGNAL), 0);
	for (int i = 0; i < TURNS; i++) {
		for (int k = 0; k < LINKS; k++)
			fill(clients[k]);
		turn(multi);
	}
	for (int i = 0; i < LINKS; i++) {
		cr_expect_not(readers[i].done, "%d: %s", i, readers[i].err.text);
		cr_expect_geq(readers[i].got, readers[0].got / 2, "%d: %zu, the first: %zu", i, readers[i].got,
			      readers[0].got);
		http_duplex_close(duplexes[i]);
		close(clients[i]);
	}
	http_multi_destroy(multi);
	close(fd);
}

/* ---- the shared TLS identity ------------------------------------------------------------------------------------ */

/* The TLS identity of a connection that is only started. */
static const struct tls_identity *identity_of(struct http_multi *multi, const struct http_identity *identity)
{
	const struct http_request request = { .method = "GET", .url = "https://127.0.0.1:1/", .identity = identity };
	const struct http_link_taker taker = { .ctx = NULL };
	struct http_link *link;

	cr_assert_eq(http_link_open(multi, &request, &taker, &link, NULL), RC_OK);
	http_link_close(link);
	return multi->identity;
}

/* Also with the authorities of the system, or without any: they are the largest part of it. */
Test(http_link, connections_share_an_identity_until_it_changes)
{
	const struct http_identity insecure = { .proxy = "", .insecure = true };
	const struct http_identity by_system = { .proxy = "" };
	const struct tls_identity *first;
	struct http_multi *multi;

	cr_assert_eq(http_multi_create(&multi, NULL), RC_OK);
	first = identity_of(multi, &insecure);
	fake_clock_advance(AUTHORITIES_MS);
	cr_expect_eq(identity_of(multi, &insecure), first);
	first = identity_of(multi, &by_system);
	cr_expect_eq(identity_of(multi, &by_system), first);
	fake_clock_advance(AUTHORITIES_MS);
	cr_expect_neq(identity_of(multi, &by_system), first, "the authorities of the system may have changed");
	first = identity_of(multi, &by_system);
	cr_expect_neq(identity_of(multi, &insecure), first);
	http_multi_destroy(multi);
}

/* ---- an https proxy ---------------------------------------------------------------------------------------------- */

/* Any certificate is accepted from the proxy: its verification is part of curl. */
static bool trusts_proxies;

CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);

CURL *__wrap_curl_easy_init(void)
{
	CURL *easy = __real_curl_easy_init();

	if (easy && trusts_proxies) {
		curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
	}
	return easy;
}

static SSL_CTX *make_proxy_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	cr_assert_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	cr_assert_eq(SSL_CTX_use_certificate(context, certificate), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return context;
}

struct proxy {
	SSL_CTX *context;
	int fd;
	char requests[2][4096]; /* by the proxy, and by the server */
};

static void read_head(SSL *ssl, char head[4096])
{
	int len = 0;
	int got = 1;

	while (got > 0 && len < 4095 && !strstr(head, "\r\n\r\n")) {
		got = SSL_read(ssl, head + len, 1);
		len += got > 0 ? got : 0;
	}
}

/* Proxy and server in one; all records of the response are sent at once. */
static void *run_proxy(void *ctx)
{
	static const char body[BODY_LEN] = "";
	struct proxy *proxy = ctx;
	SSL *ssl = SSL_new(proxy->context);
	int client = accept4(proxy->fd, NULL, NULL, SOCK_CLOEXEC);

	SSL_set_fd(ssl, client);
	if (SSL_accept(ssl) == 1) {
		read_head(ssl, proxy->requests[0]);
		SSL_write(ssl, "HTTP/1.1 200 OK\r\n\r\n", 19);
		read_head(ssl, proxy->requests[1]);
		SSL_write(ssl, TUNNELLED, strlen(TUNNELLED));
		SSL_write(ssl, body, sizeof(body));
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(client);
	return NULL;
}

Test(http_link, connects_through_an_https_proxy)
{
	struct proxy proxy = { .context = make_proxy_context() };
	char url[64];
	const struct http_identity through = { .proxy = url };
	const struct http_request request = { .method = "GET",
					      .url = "http://api.example:81/log",
					      .identity = &through };
	struct reader reader = { .got = 0 };
	const struct http_duplex_taker taker = { .take = on_piece, .done = on_done, .ctx = &reader };
	struct http_duplex *duplex;
	struct http_multi *multi;
	pthread_t thread;

	trusts_proxies = true;
	snprintf(url, sizeof(url), "https://127.0.0.1:%" PRIu16, listen_anywhere(&proxy.fd, 0));
	cr_assert_eq(pthread_create(&thread, NULL, run_proxy, &proxy), 0);
	cr_assert_eq(http_multi_create(&multi, NULL), RC_OK);
	cr_assert_eq(http_duplex_open(multi, &request, &taker, &duplex, NULL), RC_OK);
	for (int i = 0; i < PROXY_MS / TURN_MS && !reader.done; i++)
		turn(multi);
	cr_assert(reader.done);
	cr_expect_eq(reader.err.rc, RC_OK, "%s", reader.err.text);
	cr_expect_eq(reader.got, BODY_LEN);
	pthread_join(thread, NULL);
	cr_expect_eq(strncmp(proxy.requests[0], "CONNECT api.example:81 HTTP/1.1\r\n", 33), 0, "%s", proxy.requests[0]);
	cr_expect_eq(strncmp(proxy.requests[1], "GET /log HTTP/1.1\r\n", 19), 0, "%s", proxy.requests[1]);
	http_multi_destroy(multi);
	close(proxy.fd);
	SSL_CTX_free(proxy.context);
}
