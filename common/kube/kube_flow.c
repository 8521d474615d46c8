#include "common/kube/kube_flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/kube/kube_answer.h"
#include "common/kube/kube_headers.h"

#define HEADERS_MAX 16
#define URL_MAX 70000

struct kube_flow {
	struct kube_auth *auth;
	struct http_multi *http;
};

struct kube_call {
	struct kube_flow *flow;
	struct kube_call_taker taker;
	const struct kube_credentials *credentials; /* which curl refers to */
	struct http_transfer *transfer;
	struct buf collected;
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
	buf_clear(&call->collected);
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

	if (call->taker.take)
		return call->taker.take(call->taker.ctx, bytes, len);
	buf_add(&call->collected, bytes, len);
	return true;
}

static void done(void *ctx, const struct http_response *response, const struct error *http_err)
{
	struct kube_call *call = ctx;
	const struct buf *body = response->status / 100 == 2 ? &call->collected : &response->body;
	struct kube_reply reply = { .status = response->status };
	struct error err = *http_err;

	if (!err.rc && response->status == 401)
		kube_auth_reject(call->flow->auth, call->credentials);
	if (!err.rc && buf_check(body, &err))
		err.rc = RC_UNAVAILABLE;
	if (!err.rc && !(call->taker.take && response->status / 100 == 2))
		err.rc = kube_answer_read(&reply, body, response->retry_after_s, &err);
	call->taker.done(call->taker.ctx, &reply, &err);
	kube_reply_clear(&reply);
	free_call(call);
}

static enum rc start(struct kube_call *call, const char *path, int64_t timeout_ms, struct error *err)
{
	struct buf url cleanup_buf = buf_make(URL_MAX);
	const struct kube_credentials *credentials = call->credentials;
	const struct http_transfer_taker taker = { .begun = begun, .take = take, .done = done, .ctx = call };
	const char *headers[HEADERS_MAX] = { "Accept: application/json, */*", kube_user_agent() };
	struct http_request request = {
		.method = "GET",
		.identity = &credentials->identity,
		.headers = headers,
		.header_count = 2,
		.timeout_ms = timeout_ms,
	};
	enum rc rc;

	buf_add_str(&url, credentials->server);
	buf_add_str(&url, path);
	rc = buf_check(&url, err);
	if (rc)
		return rc;
	request.url = url.data;
	for (size_t i = 0; i < credentials->header_count && request.header_count < HEADERS_MAX; i++)
		headers[request.header_count++] = credentials->headers[i];
	return http_multi_start(call->flow->http, &request, &taker, &call->transfer, err);
}

enum rc kube_flow_get(struct kube_flow *flow, const char *path, int64_t timeout_ms, const struct kube_call_taker *taker,
		      struct kube_call **ret_call, struct error *err)
{
	const struct kube_auth_wait no_time = { .deadline_ms = clock_mono_ms() };
	struct kube_call *call = calloc(1, sizeof(*call));
	enum rc rc;

	if (!call)
		return error_no_memory(err);
	call->flow = flow;
	call->taker = *taker;
	call->collected = buf_make(KUBE_OBJECT_MAX);
	rc = kube_auth_get(flow->auth, &no_time, &call->credentials, err);
	if (!rc)
		rc = start(call, path, timeout_ms, err);
	if (rc) {
		free_call(call);
		return rc;
	}
	*ret_call = call;
	return RC_OK;
}

void kube_call_resume(struct kube_call *call)
{
	http_transfer_resume(call->transfer);
}

void kube_call_cancel(struct kube_call *call)
{
	http_transfer_cancel(call->transfer);
	free_call(call);
}
