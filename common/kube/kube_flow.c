#include "common/kube/kube_flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/http/http_duplex.h"
#include "common/kube/kube_answer.h"
#include "common/kube/kube_flow_private.h"
#include "common/kube/kube_headers.h"
#include "common/kube/kube_metrics.h"
#include "common/kube/kube_presence.h"

#define URL_MAX 70000

struct kube_call {
	struct kube_flow *flow;
	struct kube_call_taker taker;
	const struct kube_credentials *credentials; /* which the request refers to */
	struct http_transfer *transfer;             /* one of both */
	struct http_duplex *duplex;
	struct kube_metrics_call counted;
};

enum rc kube_flow_create(struct kube_auth *auth, struct kube_flow **ret_flow, struct error *err)
{
	struct kube_flow *flow = calloc(1, sizeof(*flow));
	enum rc rc;

	if (!flow)
		return error_no_memory(err);
	flow->auth = auth;
	rc = http_multi_create(&flow->http, err);
	if (rc) {
		free(flow);
		return rc;
	}
	*ret_flow = flow;
	return RC_OK;
}

void kube_flow_destroy(struct kube_flow *flow)
{
	if (!flow)
		return;
	http_multi_destroy(flow->http);
	free(flow);
}

int kube_flow_fd(const struct kube_flow *flow)
{
	return http_multi_fd(flow->http);
}

void kube_flow_turn(struct kube_flow *flow)
{
	http_multi_turn(flow->http);
}

int64_t kube_flow_due_ms(const struct kube_flow *flow)
{
	return http_multi_due_ms(flow->http);
}

static void free_call(struct kube_call *call)
{
	kube_credentials_release(call->credentials);
	free(call);
}

static void begun(void *ctx)
{
	struct kube_call *call = ctx;

	if (call->taker.begun)
		call->taker.begun(call->taker.ctx);
}

static bool take(void *ctx, const char *bytes, size_t len)
{
	struct kube_call *call = ctx;

	kube_presence_note_answer();
	return call->taker.take(call->taker.ctx, bytes, len);
}

static void done(void *ctx, const struct http_response *response, const struct error *http_err)
{
	struct kube_call *call = ctx;
	const struct buf *body = &response->body;
	struct kube_reply reply = { .status = response->status };
	struct error err = *http_err;

	kube_metrics_end(&call->counted, response->status);
	if (!call->taker.take && response->status / 100 == 2)
		kube_presence_note_answer();
	if (err.rc == RC_UNAVAILABLE && response->status == 0)
		kube_presence_note_absence();
	if (!err.rc && response->status == 401)
		kube_auth_reject(call->flow->auth, call->credentials);
	if (!err.rc && buf_check(body, &err))
		err.rc = RC_UNAVAILABLE;
	if (!err.rc && !(call->taker.take && response->status / 100 == 2))
		err.rc = kube_answer_read(&reply, body, response->retry_after_s, &err);
	kube_presence_doubt_refusal(&err);
	call->taker.done(call->taker.ctx, &reply, &err);
	kube_reply_clear(&reply);
	free_call(call);
}

void kube_flow_request_clear(struct kube_flow_request *request)
{
	kube_credentials_release(request->credentials);
	buf_clear(&request->url);
}

static void add_header(struct kube_flow_request *request, const char *header)
{
	if (request->http.header_count < KUBE_FLOW_HEADERS_MAX)
		request->headers[request->http.header_count++] = header;
}

enum rc kube_flow_request_make(struct kube_flow *flow, const char *path, const char *const *own, size_t own_count,
			       struct kube_flow_request *r, struct error *err)
{
	const struct kube_auth_wait no_time = { .deadline_ms = clock_mono_ms() };
	enum rc rc;

	*r = (struct kube_flow_request){ .url = buf_make(URL_MAX), .http.method = "GET" };
	rc = kube_auth_get(flow->auth, &no_time, &r->credentials, err);
	if (rc)
		return rc;
	buf_add_str(&r->url, r->credentials->server);
	buf_add_str(&r->url, path);
	add_header(r, "Accept: application/json, */*");
	add_header(r, kube_user_agent());
	for (size_t i = 0; i < own_count; i++)
		add_header(r, own[i]);
	for (size_t i = 0; i < r->credentials->header_count; i++)
		add_header(r, r->credentials->headers[i]);
	r->http.url = r->url.data;
	r->http.headers = r->headers;
	r->http.identity = &r->credentials->identity;
	return buf_check(&r->url, err);
}

static enum rc start(struct kube_call *call, struct http_request *request, struct error *err)
{
	const struct http_transfer_taker collected = { done, call };
	const struct http_duplex_taker flowing = { .begun = begun, .take = take, .done = done, .ctx = call };

	if (call->taker.take)
		return http_duplex_open(call->flow->http, request, &flowing, &call->duplex, err);
	request->response_max = KUBE_OBJECT_MAX;
	return http_multi_start(call->flow->http, request, &collected, &call->transfer, err);
}

enum rc kube_flow_get(struct kube_flow *flow, const char *path, int64_t timeout_ms, const struct kube_call_taker *taker,
		      struct kube_call **ret_call, struct error *err)
{
	static const char *const alone[] = { "Connection: close" };
	struct kube_flow_request request cleanup_kube_flow_request = { .credentials = NULL };
	struct kube_call *call = calloc(1, sizeof(*call));
	enum rc rc;

	if (!call)
		return error_no_memory(err);
	call->flow = flow;
	call->taker = *taker;
	rc = kube_flow_request_make(flow, path, alone, taker->take ? ARRAY_LEN(alone) : 0, &request, err);
	request.http.timeout_ms = timeout_ms;
	call->counted = kube_metrics_begin("GET", path);
	if (!rc)
		rc = start(call, &request.http, err);
	if (rc) {
		free_call(call);
		return rc;
	}
	call->credentials = TAKE(request.credentials);
	*ret_call = call;
	return RC_OK;
}

void kube_call_resume(struct kube_call *call)
{
	if (call->duplex)
		http_duplex_resume(call->duplex);
}

static int status_so_far(const struct kube_call *call)
{
	return call->duplex ? http_duplex_status(call->duplex) : 0;
}

static void drop(struct kube_call *call)
{
	if (call->transfer)
		http_transfer_cancel(call->transfer);
	http_duplex_close(call->duplex);
	free_call(call);
}

void kube_call_cancel(struct kube_call *call)
{
	kube_metrics_cancel(&call->counted, status_so_far(call));
	drop(call);
}

void kube_call_expire(struct kube_call *call)
{
	kube_metrics_end(&call->counted, status_so_far(call));
	drop(call);
}
