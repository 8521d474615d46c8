#include "common/http/http_client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/base/retry_after.h"
#include "common/base/strutil.h"
#include "common/http/http_proxy.h"

#define CONNECT_TIMEOUT_MS 4000
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 5
#define UNACKED_MAX_MS 30000     /* TCP_USER_TIMEOUT: a dead peer is noticed within 30 s */
#define CONNECTION_IDLE_MAX_S 50 /* below the idle limits of the usual load balancers */
#define CONNECTION_LIFE_MAX_S 600
#define HOST_MAX 300
#define RETRY_AFTER_TEXT_MAX 64      /* bytes of the header's value, white space included */
#define ERROR_BODY_MAX (256u * 1024) /* bytes of an error answer that are kept although on_bytes is set */

struct http_client {
	CURL *easy;
	char text[CURL_ERROR_SIZE];
};

/* What the callbacks of one transfer share. */
struct transfer {
	const struct http_request *request;
	struct http_response *response;
	CURL *easy;
	bool refused; /* on_bytes said no */
	bool cancelled;
};

static void init_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum rc http_client_create(struct http_client **ret_client, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client)
		return error_no_memory(err);
	pthread_once(&once, init_library);
	client->easy = curl_easy_init();
	if (!client->easy) {
		free(client);
		return error_set(err, RC_INTERNAL, "curl cannot be initialised");
	}
	*ret_client = client;
	return RC_OK;
}

void http_client_destroy(struct http_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->easy);
	free(client);
}

static int set_socket_options(void *ctx unused, curl_socket_t fd, curlsocktype purpose unused)
{
	unsigned unacked_ms = UNACKED_MAX_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms)); /* a refinement only */
	return CURL_SOCKOPT_OK;
}

static size_t take_header(char *line, size_t size, size_t count, void *ctx)
{
	static const char name[] = "retry-after:";
	struct transfer *t = ctx;
	size_t len = size * count;
	char value[RETRY_AFTER_TEXT_MAX];
	size_t n;

	if (len > strlen(name) && len - strlen(name) < sizeof(value) && strncasecmp(line, name, strlen(name)) == 0) {
		n = len - strlen(name);
		memcpy(value, line + strlen(name), n);
		value[n] = '\0';
		t->response->retry_after_s = retry_after_parse(value);
	}
	return len;
}

static int answer_status(CURL *easy)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static bool was_sent(CURL *easy)
{
	long request_bytes = 0;

	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	return request_bytes > 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;
	int status = answer_status(t->easy);

	if (t->request->on_bytes && status >= 200 && status < 300) {
		t->refused = !t->request->on_bytes(t->request->ctx, bytes, len);
		return t->refused ? 0 : len;
	}
	buf_add(&t->response->body, bytes, len);
	return t->response->body.failed ? 0 : len;
}

static int ask_cancelled(void *ctx, curl_off_t a unused, curl_off_t b unused, curl_off_t c unused, curl_off_t d unused)
{
	struct transfer *t = ctx;

	t->cancelled = t->request->cancelled && t->request->cancelled(t->request->ctx);
	return t->cancelled;
}

#define CHAIN(code, call)                \
	do {                             \
		if ((code) == CURLE_OK)  \
			(code) = (call); \
	} while (0)

static CURLcode set_blob(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = { .data = (void *)(uintptr_t)pem,
				  .len = pem ? strlen(pem) : 0,
				  .flags = CURL_BLOB_NOCOPY };

	return pem ? curl_easy_setopt(easy, option, &blob) : CURLE_OK;
}

/* The authority of a URL: host and port, and user and password where there are any; false when it does not fit. */
static bool url_authority(const char *url, char host[HOST_MAX])
{
	const char *start = strstr(url, "://");
	size_t len;

	start = start ? start + 3 : url;
	len = strcspn(start, "/?#");
	if (len >= HOST_MAX)
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	return true;
}

/*
 * curl takes both SNI and the name to verify from the URL's host. So the URL gets the name that is wanted, and
 * CONNECT_TO leads it to the real address. (curl: CURLOPT_CONNECT_TO; there is no option for the name alone.)
 */
static CURLcode set_server_name(CURL *easy, const struct http_request *request, struct curl_slist **connect_to,
				struct curl_slist **headers)
{
	struct buf url cleanup_buf = buf_make(65536);
	struct buf line cleanup_buf = buf_make(65536);
	char authority[HOST_MAX];
	const char *path = strstr(request->url, "://");
	const char *port;
	CURLcode code;

	if (!path || !url_authority(request->url, authority))
		return CURLE_URL_MALFORMAT;
	path += 3 + strlen(authority);
	port = strrchr(authority, ':');
	if (port && strchr(port, ']'))
		port = NULL;
	buf_addf(&url, "https://%s%s%s", request->identity->server_name, port ? port : "", path);
	buf_addf(&line, "::%s%s", authority, port ? "" : ":443");
	*connect_to = curl_slist_append(NULL, line.data);
	buf_reset(&line);
	buf_addf(&line, "Host: %s", authority);
	*headers = curl_slist_append(*headers, line.data);
	if (!*connect_to || !*headers || url.failed || line.failed)
		return CURLE_OUT_OF_MEMORY;
	code = curl_easy_setopt(easy, CURLOPT_URL, url.data);
	CHAIN(code, curl_easy_setopt(easy, CURLOPT_CONNECT_TO, *connect_to));
	return code;
}

static CURLcode set_identity(CURL *easy, const struct http_identity *identity)
{
	CURLcode c = CURLE_OK;

	CHAIN(c, set_blob(easy, CURLOPT_CAINFO_BLOB, identity->ca_pem));
	if (identity->ca_pem)
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
	CHAIN(c, set_blob(easy, CURLOPT_SSLCERT_BLOB, identity->cert_pem));
	CHAIN(c, set_blob(easy, CURLOPT_SSLKEY_BLOB, identity->key_pem));
	if (identity->cert_pem)
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM"));
	if (identity->insecure) {
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L));
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L));
	}
	return c;
}

/* Curl's own rules for the environment are others than those of kubectl, so it is never left to them. */
static CURLcode set_proxy(CURL *easy, const struct http_request *request)
{
	const char *given = request->identity ? request->identity->proxy : NULL;
	struct http_proxy_settings settings = http_proxy_read_environment();
	struct buf proxy cleanup_buf = buf_make(HTTP_PROXY_MAX + HOST_MAX);
	CURLcode c = CURLE_OK;

	if (!given)
		http_proxy_choose(&settings, request->url, &proxy);
	if (proxy.failed)
		return CURLE_OUT_OF_MEMORY;
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_PROXY, given ? given : proxy.data));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_NOPROXY, ""));
	return c;
}

static CURLcode set_connection(CURL *easy)
{
	CURLcode c = CURLE_OK;

	CHAIN(c, curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_MAX_S));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_MAX_S));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket_options));
	return c;
}

static CURLcode set_request(CURL *easy, const struct http_request *request)
{
	CURLcode c = CURLE_OK;

	CHAIN(c, curl_easy_setopt(easy, CURLOPT_URL, request->url));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms));
	if (request->body) {
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_POST, 1L));
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body));
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len));
	}
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method));
	return c;
}

static CURLcode set_callbacks(struct http_client *client, struct transfer *t)
{
	CURL *easy = client->easy;
	CURLcode c = CURLE_OK;

	CHAIN(c, curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->text));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_HEADERDATA, t));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body));
	CHAIN(c, curl_easy_setopt(easy, CURLOPT_WRITEDATA, t));
	if (t->request->cancelled) {
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L));
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, ask_cancelled));
		CHAIN(c, curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t));
	}
	return c;
}

/* The request's headers, and none of those that curl adds on its own and servers dislike. */
static struct curl_slist *header_list(const struct http_request *request)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; list && i < request->header_count; i++) {
		struct curl_slist *longer = curl_slist_append(list, request->headers[i]);

		if (!longer) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = longer;
	}
	return list;
}

static enum rc rc_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return RC_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return RC_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return RC_NO_MEMORY;
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_BAD_FUNCTION_ARGUMENT:
		return RC_INVALID_ARGUMENT;
	default:
		return RC_UNAVAILABLE;
	}
}

static enum rc explain(const struct http_client *client, const struct transfer *t, CURLcode code, struct error *err)
{
	char authority[HOST_MAX] = "?";
	const char *host;

	(void)url_authority(t->request->url, authority);
	host = strrchr(authority, '@') ? strrchr(authority, '@') + 1 : authority; /* no password in a text */
	if (t->cancelled)
		return error_set(err, RC_UNAVAILABLE, "the request to %s was cancelled", host);
	if (t->refused)
		return error_set(err, RC_INTERNAL, "the answer of %s was not wanted further", host);
	if (code == CURLE_WRITE_ERROR && t->response->body.failed)
		return error_set(err, t->response->body.failed, "the answer of %s is larger than %zu bytes", host,
				 t->response->body.max);
	return error_set(err, rc_of(code), "%s %s: %s", t->request->method, host,
			 client->text[0] ? client->text : curl_easy_strerror(code));
}

enum rc http_client_do(struct http_client *client, const struct http_request *request, struct http_response *response,
		       struct error *err)
{
	struct transfer t = { .request = request, .response = response, .easy = client->easy };
	struct curl_slist *headers = header_list(request);
	struct curl_slist *connect_to = NULL;
	CURLcode code = headers ? CURLE_OK : CURLE_OUT_OF_MEMORY;

	buf_clear(&response->body);
	*response = (struct http_response){ .body = buf_make(request->response_max ? request->response_max
										   : ERROR_BODY_MAX) };
	client->text[0] = '\0';
	curl_easy_reset(client->easy); /* keeps the connections */
	CHAIN(code, set_connection(client->easy));
	CHAIN(code, set_request(client->easy, request));
	CHAIN(code, set_callbacks(client, &t));
	CHAIN(code, set_proxy(client->easy, request));
	if (request->identity) {
		CHAIN(code, set_identity(client->easy, request->identity));
		if (request->identity->server_name)
			CHAIN(code, set_server_name(client->easy, request, &connect_to, &headers));
	}
	CHAIN(code, curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers));
	CHAIN(code, curl_easy_perform(client->easy));
	response->status = answer_status(client->easy);
	response->sent = was_sent(client->easy);
	curl_slist_free_all(headers);
	curl_slist_free_all(connect_to);
	return code == CURLE_OK ? RC_OK : explain(client, &t, code, err);
}
