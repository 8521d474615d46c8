#include "api-svc/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/problem.h"
#include "common/base/clock.h"
#include "common/services/log.h"

struct request *request_create(struct http_exchange *exchange)
{
	struct request *r = calloc(1, sizeof(*r));
	const char *id = http_exchange_header(exchange, "X-Request-Id");
	const char *traceparent = http_exchange_header(exchange, "traceparent");
	char uuid[CRYPTO_UUID_MAX];

	if (!r)
		return NULL;
	r->begun_ns = clock_mono_ns();
	if (!api_ids_is_request_id(id))
		id = crypto_random_uuid(uuid) ? uuid : "unknown";
	snprintf(r->id, sizeof(r->id), "%s", id);
	if (api_ids_is_traceparent(traceparent))
		snprintf(r->traceparent, sizeof(r->traceparent), "%s", traceparent);
	http_exchange_set_user(exchange, r);
	http_exchange_set_request_id(exchange, r->id);
	return r;
}

void request_destroy(struct request *r)
{
	if (!r)
		return;
	target_clear(&r->target);
	worker_debt_unref(r->debt);
	free(r);
}

const char *request_header(const void *ctx, const char *name)
{
	return http_exchange_header(ctx, name);
}

const char *request_path(const struct request *r)
{
	return r->target.path ? r->target.path : "";
}

static enum http_handled answer_problem(struct request *r, struct http_exchange *exchange,
					const struct problem *problem)
{
	struct http_answer answer = problem_answer(problem);

	memcpy(answer.allow, r->match.allow, sizeof(answer.allow));
	r->status = answer.status;
	http_exchange_answer(exchange, &answer);
	return HTTP_ANSWERED;
}

enum http_handled request_answer_status(struct request *r, struct http_exchange *exchange, const struct error *err,
					unsigned status)
{
	return answer_problem(
		r, exchange,
		&(struct problem){ .error = err, .status = status, .instance = request_path(r), .request_id = r->id });
}

enum http_handled request_answer_error(struct request *r, struct http_exchange *exchange, const struct error *err)
{
	struct problem problem = { .error = err, .instance = request_path(r), .request_id = r->id };

	if (problem_status(err->rc) >= 500 && problem_status(err->rc) != 503)
		log_error("request failed", log_err(err), log_str("request_id", r->id));
	if (err == http_exchange_fault(exchange))
		problem.status = http_exchange_fault_status(exchange);
	else if (r->match.allow[0])
		problem.status = PROBLEM_METHOD_NOT_ALLOWED;
	return answer_problem(r, exchange, &problem);
}

enum http_handled request_answer_faults(struct request *r, struct http_exchange *exchange, const struct faults *faults)
{
	struct buf summary cleanup_buf = buf_make(FAULT_POINTER_MAX + ERROR_TEXT_MAX);
	struct error err;
	struct problem problem = {
		.error = &err,
		.instance = request_path(r),
		.request_id = r->id,
		.faults = faults,
	};

	if (faults->no_memory && faults->count == 0) {
		error_no_memory(&err);
		return request_answer_error(r, exchange, &err);
	}
	faults_summary(faults, &summary);
	error_set(&err, RC_INVALID_ARGUMENT, "%s", summary.data);
	return answer_problem(r, exchange, &problem);
}

enum http_handled request_answer_static(struct request *r, struct http_exchange *exchange, const char *content_type,
					const char *const *headers, const char *text, size_t len)
{
	struct http_answer answer = {
		.status = 200,
		.content_type = content_type,
		.headers = headers,
		.body = (char *)(uintptr_t)text, /* never written: body_is_static */
		.body_len = len,
		.body_is_static = true,
	};

	r->status = answer.status;
	http_exchange_answer(exchange, &answer);
	return HTTP_ANSWERED;
}

void request_log(const struct request *r, const struct http_exchange *exchange, bool delivered)
{
	bool is_polled = r->match.found && route_is_polled(&r->match.route);
	int64_t ms = (clock_mono_ns() - r->begun_ns) / 1000000;

	log_write(is_polled ? LOG_DEBUG : LOG_INFO, delivered ? "request" : "request of a disconnected client",
		  log_str("method", http_exchange_method(exchange)), log_str("path", request_path(r)),
		  log_num("status", r->status), log_num("ms", ms), log_str("request_id", r->id),
		  log_str("id", r->container_id[0] ? r->container_id : NULL),
		  log_str("client", r->client[0] ? r->client : NULL), (struct log_field){ 0 });
}
