#include "common/http/http_private.h"

#include <stdlib.h>
#include <string.h>

struct http_client {
	CURL *easy;
	char text[CURL_ERROR_SIZE];
};

/* The context of the callbacks of a transfer. */
struct transfer {
	const struct http_request *request;
	struct http_response *response;
	CURL *easy;
	bool refused; /* on_bytes returned false */
	bool cancelled;
};

enum rc http_client_create(struct http_client **ret_client, struct error *err)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client)
		return error_no_memory(err);
	http_easy_init_library();
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

static size_t take_header(char *line, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	int seconds = http_easy_retry_after_s(line, size * count);

	if (seconds)
		t->response->retry_after_s = seconds;
	return size * count;
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
	int status = http_easy_status(t->easy);

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

static CURLcode set_callbacks(struct http_client *client, struct transfer *t)
{
	CURL *easy = client->easy;
	CURLcode c = CURLE_OK;

	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->text));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_HEADERDATA, t));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body));
	HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_WRITEDATA, t));
	if (t->request->cancelled) {
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L));
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, ask_cancelled));
		HTTP_CHAIN(c, curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t));
	}
	return c;
}

static enum rc explain(const struct http_client *client, const struct transfer *t, CURLcode code, struct error *err)
{
	char authority[HTTP_HOST_MAX] = "?";
	const char *host;

	(void)http_easy_authority(t->request->url, authority);
	host = strrchr(authority, '@') ? strrchr(authority, '@') + 1 : authority; /* without a password */
	if (t->cancelled)
		return error_set(err, RC_UNAVAILABLE, "the request to %s was cancelled", host);
	if (t->refused)
		return error_set(err, RC_INTERNAL, "the response of %s was aborted", host);
	if (code == CURLE_WRITE_ERROR && t->response->body.failed)
		return error_set(err, t->response->body.failed, "the response of %s is larger than %zu bytes", host,
				 t->response->body.max);
	return error_set(err, http_easy_rc(code), "%s %s: %s", t->request->method, host,
			 client->text[0] ? client->text : curl_easy_strerror(code));
}

enum rc http_client_do(struct http_client *client, const struct http_request *request, struct http_response *response,
		       struct error *err)
{
	struct transfer t = { .request = request, .response = response, .easy = client->easy };
	struct http_easy_lists lists;
	CURLcode code;

	buf_clear(&response->body);
	*response = (struct http_response){ .body = buf_make(request->response_max ? request->response_max
										   : HTTP_ERROR_BODY_MAX) };
	client->text[0] = '\0';
	curl_easy_reset(client->easy); /* keeps the connections */
	code = http_easy_set(client->easy, request, &lists);
	HTTP_CHAIN(code, set_callbacks(client, &t));
	HTTP_CHAIN(code, curl_easy_perform(client->easy));
	response->status = http_easy_status(client->easy);
	response->sent = was_sent(client->easy);
	http_easy_free_lists(&lists);
	return code == CURLE_OK ? RC_OK : explain(client, &t, code, err);
}
