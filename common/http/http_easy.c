/*
 * Common part of all transfers: passing a request to curl.
 */
#include "common/http/http_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/base/retry_after.h"
#include "common/base/strutil.h"
#include "common/http/http_proxy.h"

#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 5
#define UNACKED_MAX_MS 30000     /* TCP_USER_TIMEOUT: detects a dead peer within 30 s */
#define CONNECTION_IDLE_MAX_S 50 /* below the idle limits of the usual load balancers */
#define CONNECTION_LIFE_MAX_S 600

static void init_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_easy_init_library(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_library);
}

static int set_socket_options(void *ctx unused, curl_socket_t fd, curlsocktype purpose unused)
{
	unsigned unacked_ms = UNACKED_MAX_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms)); /* optional */
	return CURL_SOCKOPT_OK;
}

static CURLcode set_blob(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = { .data = (void *)(uintptr_t)pem,
				  .len = pem ? strlen(pem) : 0,
				  .flags = CURL_BLOB_NOCOPY };

	return pem ? curl_easy_setopt(easy, option, &blob) : CURLE_OK;
}

bool http_easy_authority(const char *url, char host[HTTP_HOST_MAX])
{
	const char *start = strstr(url, "://");
	size_t len;

	start = start ? start + 3 : url;
	len = strcspn(start, "/?#");
	if (len >= HTTP_HOST_MAX)
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	return true;
}

/*
 * curl uses the URL's host for SNI and verification. So the URL has the wanted name, and CONNECT_TO redirects to the
 * real address. (curl: CURLOPT_CONNECT_TO; there is no option for the name alone.)
 */
static CURLcode set_server_name(CURL *easy, const struct http_request *request, struct curl_slist **connect_to,
				struct curl_slist **headers)
{
	struct buf url cleanup_buf = buf_make(65536);
	struct buf line cleanup_buf = buf_make(65536);
	char authority[HTTP_HOST_MAX];
	const char *path = strstr(request->url, "://");
	const char *port;
	CURLcode code;

	if (!path || !http_easy_authority(request->url, authority))
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
	HTTP_CHAIN(code, curl_easy_setopt(easy, CURLOPT_CONNECT_TO, *connect_to));
	return code;
}

static CURLcode set_identity(CURL *easy, const struct http_identity *identity)
{
	CURLcode c = CURLE_OK;

	HTTP_CHAIN(c, set_blob(easy, CURLOPT_CAINFO_BLOB, identity->ca_pem));
	if (identity->ca_pem)
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
	HTTP_CHAIN(c, set_blob(easy, CURLOPT_SSLCERT_BLOB, identity->cert_pem));
	HTTP_CHAIN(c, set_blob(easy, CURLOPT_SSLKEY_BLOB, identity->key_pem));
	if (identity->cert_pem)
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM"));
	if (identity->insecure) {
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L));
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L));
	}
	return c;
}

/* curl handles the environment differently from kubectl, so the proxy is always set explicitly. */
static CURLcode set_proxy(CURL *easy, const struct http_request *request)
{
	const char *given = request->identity ? request->identity->proxy : NULL;
	struct http_proxy_settings settings = http_proxy_read_environment();
	struct buf proxy cleanup_buf = buf_make(HTTP_PROXY_MAX + HTTP_HOST_MAX);
	CURLcode c = CURLE_OK;

	if (!given)
		http_proxy_choose(&settings, request->url, &proxy);
	if (proxy.failed)
		return CURLE_OUT_OF_MEMORY;
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_PROXY, given ? given : proxy.data));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_NOPROXY, ""));
	return c;
}

static CURLcode set_connection(CURL *easy)
{
	CURLcode c = CURLE_OK;

	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT_MS));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_MAX_S));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_MAX_S));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket_options));
	return c;
}

static CURLcode set_request(CURL *easy, const struct http_request *request)
{
	CURLcode c = CURLE_OK;

	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_URL, request->url));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms));
	if (request->body) {
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_POST, 1L));
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body));
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len));
	}
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method));
	return c;
}

/* The request's headers, without unwanted headers that curl adds. */
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

enum rc http_easy_rc(CURLcode code)
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

int http_easy_retry_after_s(const char *line, size_t len)
{
	static const char name[] = "retry-after:";
	char value[HTTP_RETRY_AFTER_TEXT_MAX];

	if (len <= strlen(name) || len - strlen(name) >= sizeof(value) || strncasecmp(line, name, strlen(name)) != 0)
		return 0;
	len -= strlen(name);
	memcpy(value, line + strlen(name), len);
	value[len] = '\0';
	return retry_after_parse(value);
}

int http_easy_status(CURL *easy)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

CURLcode http_easy_set(CURL *easy, const struct http_request *request, struct http_easy_lists *lists)
{
	CURLcode code = CURLE_OK;

	*lists = (struct http_easy_lists){ .headers = header_list(request) };
	if (!lists->headers)
		return CURLE_OUT_OF_MEMORY;
	HTTP_CHAIN(code, set_connection(easy));
	HTTP_CHAIN(code, set_request(easy, request));
	HTTP_CHAIN(code, set_proxy(easy, request));
	if (request->identity) {
		HTTP_CHAIN(code, set_identity(easy, request->identity));
		if (request->identity->server_name)
			HTTP_CHAIN(code, set_server_name(easy, request, &lists->connect_to, &lists->headers));
	}
	HTTP_CHAIN(code, curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lists->headers));
	return code;
}

void http_easy_free_lists(struct http_easy_lists *lists)
{
	curl_slist_free_all(lists->headers);
	curl_slist_free_all(lists->connect_to);
	*lists = (struct http_easy_lists){ NULL, NULL };
}
