#include "common/kube/kube_client.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/retry_after.h"
#include "common/base/strutil.h"
#include "common/kube/kube_answer.h"
#include "common/kube/kube_headers.h"
#include "common/kube/kube_metrics.h"
#include "common/kube/kube_presence.h"

#define HEADERS_MAX 16
#define CONTENT_TYPE_MAX 128
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 2000
/*
 * Retry limit for an unavailable server, or a 500 because of an unavailable dependency such as a webhook: long enough
 * for a restart, short enough for the caller.
 */
#define NO_ANSWER_MAX_MS 8000
#define READY_TIMEOUT_MS 2000
/*
 * Retry limit for a server that forbids even /readyz: usually permanent, unless the server was unavailable a moment
 * ago.
 */
#define FORBIDDEN_MAX_MS 1500
#define FORBIDDEN_AFTER_ABSENCE_MS 10000
#define URL_MAX 70000

struct kube_client {
	struct kube_auth *auth;
	struct http_client *http;
	int64_t forbidden_since_ms; /* all requests are forbidden, including /readyz; 0: not forbidden */
};

enum rc kube_client_create(struct kube_auth *auth, struct kube_client **ret_client, struct error *err)
{
	struct kube_client *client = calloc(1, sizeof(*client));
	enum rc rc;

	if (!client)
		return error_no_memory(err);
	client->auth = auth;
	rc = http_client_create(&client->http, err);
	if (rc) {
		free(client);
		return rc;
	}
	*ret_client = client;
	return RC_OK;
}

void kube_client_destroy(struct kube_client *client)
{
	if (!client)
		return;
	http_client_destroy(client->http);
	free(client);
}

void kube_reply_clear(struct kube_reply *reply)
{
	cJSON_Delete(reply->object);
	*reply = (struct kube_reply){ 0 };
}

/* ---- one attempt ------------------------------------------------------------------------------------------------- */

static enum rc get_credentials(struct kube_client *client, const struct kube_request *request,
			       const struct kube_credentials **ret_credentials, struct error *err)
{
	const struct kube_auth_wait wait = {
		.deadline_ms = request->deadline_ms,
		.cancelled = request->cancelled,
		.ctx = request->ctx,
	};

	return kube_auth_get(client->auth, &wait, ret_credentials, err);
}

static enum rc send_once(struct kube_client *client, const struct kube_request *request,
			 const struct kube_credentials *credentials, struct http_response *response, struct error *err)
{
	struct buf url cleanup_buf = buf_make(URL_MAX);
	char content_type[CONTENT_TYPE_MAX];
	const char *headers[HEADERS_MAX] = { "Accept: application/json", kube_user_agent() };
	struct http_request http = {
		.method = request->method,
		.identity = &credentials->identity,
		.headers = headers,
		.header_count = 2,
		.body = request->body,
		.body_len = request->body_len,
		.timeout_ms = request->deadline_ms - clock_mono_ms(),
		.response_max = KUBE_OBJECT_MAX,
		.on_bytes = request->on_bytes,
		.cancelled = request->cancelled,
		.ctx = request->ctx,
	};
	enum rc rc;

	buf_add_str(&url, credentials->server);
	buf_add_str(&url, request->path);
	rc = buf_check(&url, err);
	if (rc)
		return rc;
	http.url = url.data;
	if (http.timeout_ms <= 0)
		return error_set(err, RC_TIMEOUT, "no time left");
	for (size_t i = 0; i < credentials->header_count && http.header_count < HEADERS_MAX - 1; i++)
		headers[http.header_count++] = credentials->headers[i];
	if (request->body) {
		snprintf(content_type, sizeof(content_type), "Content-Type: %s",
			 request->content_type ? request->content_type : "application/json");
		headers[http.header_count++] = content_type;
	}
	return http_client_do(client->http, &http, response, err);
}

static bool is_success(int status)
{
	return status >= 200 && status < 300;
}

/* The request was valid: transport failures are never client errors. */
static enum rc rc_of_failure(enum rc rc)
{
	return rc == RC_INVALID_ARGUMENT || rc == RC_TOO_LARGE || rc == RC_NO_MEMORY ? RC_UNAVAILABLE : rc;
}

/* Send, and convert the response to a reply and a code. */
static enum rc try_once(struct kube_client *client, const struct kube_request *request, struct kube_reply *reply,
			struct error *err)
{
	struct http_response response = { 0 };
	const struct kube_credentials *credentials = NULL;
	struct kube_metrics_call call;
	enum rc rc;

	rc = get_credentials(client, request, &credentials, err);
	if (rc)
		return rc;
	call = kube_metrics_begin(request->method, request->path);
	rc = rc_of_failure(send_once(client, request, credentials, &response, err));
	if (rc && err)
		err->rc = rc;
	kube_metrics_end(&call, response.status);
	reply->status = response.status;
	if (!rc && response.status < 500)
		kube_presence_note_answer();
	if (rc == RC_UNAVAILABLE && response.status == 0)
		kube_presence_note_absence();
	if (!rc && response.status == 401)
		kube_auth_reject(client->auth, credentials);
	kube_credentials_release(credentials);
	if (!rc && !(request->on_bytes && is_success(response.status)))
		rc = kube_answer_read(reply, &response.body, response.retry_after_s, err);
	reply->unsure = rc && response.sent && (response.status < 300 || response.status >= 500);
	buf_clear(&response.body);
	return rc;
}

/* ---- retries ----------------------------------------------------------------------------------------------------- */

/* Whether /readyz is likely to be forbidden only temporarily. */
static bool is_forbidden_briefly(struct kube_client *client)
{
	int64_t now = clock_mono_ms();

	if (!client->forbidden_since_ms)
		client->forbidden_since_ms = now;
	return now - client->forbidden_since_ms <
	       (kube_presence_was_away() ? FORBIDDEN_AFTER_ABSENCE_MS : FORBIDDEN_MAX_MS);
}

/*
 * A server that was just started forbids everything, including /readyz, until it has loaded its roles; then /readyz
 * fails or times out. If /readyz stays forbidden, the rejection is final.
 */
static bool is_starting(struct kube_client *client, const struct kube_request *refused)
{
	const struct kube_credentials *credentials = NULL;
	struct http_response response = { 0 };
	struct kube_request request = {
		.method = "GET",
		.path = "/readyz",
		.deadline_ms = clock_mono_ms() + READY_TIMEOUT_MS,
		.cancelled = refused->cancelled,
		.ctx = refused->ctx,
	};
	struct error err;
	enum rc rc = get_credentials(client, &request, &credentials, &err);

	if (rc)
		return false;
	rc = send_once(client, &request, credentials, &response, &err);
	kube_credentials_release(credentials);
	buf_clear(&response.body);
	if (!rc && response.status == 403)
		return is_forbidden_briefly(client);
	return rc || response.status >= 500;
}

/* The attempts of one request. */
struct tries {
	int64_t started_ms;
	int refusals;      /* 401 and 403, except those of a starting server */
	bool was_starting; /* the server, on an earlier attempt */
	bool unsure;
};

/*
 * Attempts for a rejected request: a second one immediately, for new credentials; a third if the server may have just
 * started, since the second rejection may precede the reply that it is ready.
 */
static int refusals_max(const struct tries *tries)
{
	return tries->was_starting || kube_presence_was_away() ? 3 : 2;
}

/*
 * Time until which the request may be retried because the failure may be temporary; 0: no retry. A 422 mapped to
 * RC_UNAVAILABLE is temporary: no Service address is available yet. An exhausted quota or a terminating namespace (403)
 * is reported to the caller.
 */
static int64_t retry_until_ms(const struct tries *tries, int64_t deadline_ms, enum rc rc, int status, bool starting)
{
	int64_t no_answer_ms = tries->started_ms + NO_ANSWER_MAX_MS;

	if (rc == RC_UNAVAILABLE && (status == 0 || status == 422 || status == 500 || starting))
		return no_answer_ms < deadline_ms ? no_answer_ms : deadline_ms;
	if ((rc == RC_UNAVAILABLE && (status == 429 || status > 500 || is_success(status))) ||
	    (rc == RC_TIMEOUT && status == 504))
		return deadline_ms;
	return 0;
}

/* The delay before the next attempt; -1: after the deadline. */
static int64_t retry_delay_ms(struct backoff *backoff, const struct error *err, int64_t until_ms)
{
	int64_t delay = backoff_next_ms(backoff);

	if (err->retry_after_s * 1000 > delay)
		delay = err->retry_after_s * 1000;
	return clock_mono_ms() + delay < until_ms ? delay : -1;
}

enum rc kube_client_do(struct kube_client *client, const struct kube_request *request, struct kube_reply *reply,
		       struct error *err)
{
	struct backoff backoff = { .first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS };
	struct tries tries = { .started_ms = clock_mono_ms() };
	struct error own_error;

	if (!err)
		err = &own_error; /* needed for the delay */
	for (;;) {
		int64_t delay = 0;
		int64_t until_ms;
		bool refused;
		bool starting;
		enum rc rc;

		kube_reply_clear(reply);
		rc = try_once(client, request, reply, err);
		tries.unsure |= reply->unsure;
		reply->unsure = tries.unsure;
		refused = rc == RC_PERMISSION_DENIED || reply->status == 401;
		if (!refused)
			client->forbidden_since_ms = 0;
		starting = refused && (tries.refusals > 0 || request->once) && is_starting(client, request);
		if (starting)
			rc = error_set(err, RC_UNAVAILABLE, "the API server is not ready");
		tries.was_starting |= starting;
		tries.refusals += refused && !starting;
		if (!rc || request->once || (request->cancelled && request->cancelled(request->ctx)))
			return rc;
		until_ms = retry_until_ms(&tries, request->deadline_ms, rc, reply->status, starting);
		if (until_ms) {
			delay = retry_delay_ms(&backoff, err, until_ms);
			if (delay < 0)
				return rc;
		} else if (!refused || tries.refusals >= refusals_max(&tries)) {
			return rc;
		}
		clock_sleep_ms(delay);
		if (request->may_repeat && !request->may_repeat(request->repeat_ctx))
			return rc;
		if (request->on_restart)
			request->on_restart(request->ctx);
	}
}
