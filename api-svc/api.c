#include "api-svc/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/accept.h"
#include "api-svc/api_metrics.h"
#include "api-svc/conditions.h"
#include "api-svc/console/console.h"
#include "api-svc/operation_request.h"
#include "api-svc/origin.h"
#include "api-svc/parameters.h"
#include "api-svc/patch.h"
#include "api-svc/pipeline/undo.h"
#include "api-svc/problem.h"
#include "api-svc/provider_health.h"
#include "api-svc/request.h"
#include "api-svc/request_body.h"
#include "common/base/clock.h"
#include "common/base/memory_budget.h"
#include "common/base/strutil.h"
#include "common/services/log.h"
#include "common/version.h"

#define JSON_MEDIA_TYPE "application/json"
#define YAML_MEDIA_TYPE "application/yaml" /* RFC 9512 */
#define HEALTH_BODY_MAX 512
#define HTTP_NOT_MODIFIED 304
#define HTTP_NOT_ACCEPTABLE 406
#define HTTP_UNSUPPORTED_MEDIA_TYPE 415

struct api {
	const struct api_config *config;
	const struct openapi *openapi;
	struct worker_client *client;
	struct stream_answers *streams;
	struct watches *watches;
	struct http_server *server;
	struct provider_health *health;
	struct access *access;
	struct access *metrics_access;
	const struct openapi_operation *operations[OPERATION_COUNT]; /* NULL: not in the API document */
	size_t request_max;                                          /* bytes of a worker request */
	int64_t started_ms;
};

/* ---- requests to workers ---- */

static enum operation_leaving leaving_of(const struct request *r)
{
	return operation_row(r->match.route.operation)->leaving;
}

/* Nothing is written, settled or run for a disconnected client. */
static bool is_present(void *ctx, uint64_t ticket)
{
	struct api *api = ctx;

	return http_server_is_present(api->server, ticket);
}

static void on_worker_reply(void *ctx, uint64_t ticket, struct worker_reply *reply);

static enum http_handled answer_rc(struct request *r, struct http_exchange *ex, enum rc rc, const char *text)
{
	struct error err;

	error_set(&err, rc, "%s", text);
	return request_answer_error(r, ex, &err);
}

/*
 * Suspend the exchange, then send the request. Once sent, the exchange may be answered and the request freed at any
 * time: neither may be used afterwards.
 */
static enum http_handled ask_worker(struct api *api, struct request *r, struct http_exchange *ex,
				    const struct buf *body, const char *version)
{
	struct worker_ask ask = {
		.operation = r->match.route.operation,
		.body = body->data,
		.len = body->len,
		.request_id = r->id,
		.traceparent = r->traceparent[0] ? r->traceparent : NULL,
		.version = version,
		.timeout_ms = api->config->request_timeout_ms,
		.done = on_worker_reply,
		.present = leaving_of(r) != OPERATION_GOES_ON ? is_present : NULL,
		.goes_on = r->has_key,
		.ctx = api,
	};
	struct worker_reply failed = { .body = NULL };

	if (buf_check(body, &failed.error))
		return request_answer_error(r, ex, &failed.error);
	ask.cookie = http_exchange_defer(ex);
	if (!ask.cookie)
		return answer_rc(r, ex, RC_NO_MEMORY, "defer a request");
	if (worker_client_ask(api->client, &ask, &failed.error))
		on_worker_reply(api, ask.cookie, &failed);
	return HTTP_DEFERRED;
}

/* ---- replies of workers ---- */

/* The response of a create was not delivered, or its outcome is unknown. */
static void undo(struct api *api, const struct request *r)
{
	undo_begin(api->client, &(struct undo_what){
					.id = r->container_id,
					.token = r->token,
					.sequence = r->debt ? r->debt->sequence : 0,
					.request_id = r->id,
				});
}

/* The end of a settled create: release its record, or undo it. */
static void end_debt(struct api *api, const struct request *r, bool delivered)
{
	if (!delivered && (!r->has_key || r->debt))
		undo(api, r);
	else if (delivered && r->debt && r->debt->by_only_attempt && !r->has_key)
		worker_client_release(api->client, r->debt);
}

static struct http_answer success_answer(struct request *r, const struct http_exchange *ex, struct worker_reply *reply)
{
	const struct operation_row *row = operation_row(r->match.route.operation);
	struct http_answer answer = {
		.status = row->status,
		.only_if_present = row->leaving == OPERATION_IS_UNDONE,
	};

	r->debt = TAKE(reply->debt);
	if (reply->etag[0])
		snprintf(answer.etag, sizeof(answer.etag), "\"%s\"", reply->etag);
	if (row->reply == OPERATION_REPLY_VALUE) {
		answer.content_type = JSON_MEDIA_TYPE;
		answer.body = TAKE(reply->body);
		answer.body_len = reply->len;
	}
	if (conditions_name(http_exchange_header(ex, CONDITIONS_IF_NONE_MATCH), reply->etag)) {
		answer.status = HTTP_NOT_MODIFIED; /* the body only determines Content-Length; it is not sent */
		answer.content_type = NULL;
	}
	return answer;
}

static struct http_answer error_answer(const struct request *r, const struct error *err, const cJSON *faults)
{
	struct problem problem = {
		.error = err,
		.instance = request_path(r),
		.request_id = r->id,
		.worker_faults = faults,
	};

	if (problem_status(err->rc) == 500)
		log_error("request failed", log_err(err), log_str("request_id", r->id));
	return problem_answer(&problem);
}

static struct http_answer failure_answer(struct api *api, const struct request *r, const struct worker_reply *reply)
{
	if (reply->outcome_unknown && leaving_of(r) == OPERATION_IS_UNDONE && !r->has_key)
		undo(api, r);
	return error_answer(r, &reply->error, reply->faults);
}

/* The streamed response begins now. If it cannot, and it is that of a command, no response may suggest a retry. */
static struct http_answer stream_answer(struct api *api, struct request *r, struct http_exchange *ex,
					struct worker_reply *reply)
{
	struct http_answer answer;
	enum rc rc = stream_answer_open(api->streams, reply, ex, r->id, &answer, &r->stream, &reply->error);

	if (rc == RC_BUSY && operation_row(r->match.route.operation)->effect == OPERATION_EXECUTES)
		error_wrap(&reply->error, RC_TIMEOUT, "it was started");
	if (rc)
		return failure_answer(api, r, reply);
	api_metrics_stream();
	return answer;
}

/* On a thread of NATS or of the worker client. */
static void on_worker_reply(void *ctx, uint64_t ticket, struct worker_reply *reply)
{
	struct api *api = ctx;
	struct http_exchange *ex = http_server_claim(api->server, ticket);
	struct request *r = ex ? http_exchange_user(ex) : NULL;
	struct http_answer answer;

	if (!ex)
		return;
	if (reply->error.rc)
		answer = failure_answer(api, r, reply);
	else
		answer = reply->stream ? stream_answer(api, r, ex, reply) : success_answer(r, ex, reply);
	r->status = answer.status;
	http_exchange_resume(ex, &answer);
}

/* ---- health ---- */

static struct http_answer health_answer(const struct api *api, bool healthy)
{
	struct http_answer answer = { .status = 200, .content_type = JSON_MEDIA_TYPE };
	struct buf body = buf_make(HEALTH_BODY_MAX);
	struct json_writer w = json_writer_make(&body);

	json_begin_object(&w, NULL);
	json_string(&w, "type", "k8s-container-service-provider.dcm.io/health");
	json_string(&w, "status", healthy ? "healthy" : "unhealthy");
	json_string(&w, "path", "health");
	json_string(&w, "version", version_text());
	json_int(&w, "uptime", (clock_mono_ms() - api->started_ms) / 1000);
	json_end_object(&w);
	answer.body = buf_take(&body, &answer.body_len);
	buf_clear(&body);
	return answer;
}

static void on_health(void *ctx, uint64_t ticket, bool healthy)
{
	struct api *api = ctx;
	struct http_exchange *ex = http_server_claim(api->server, ticket);
	struct http_answer answer;

	if (!ex)
		return;
	answer = health_answer(api, healthy);
	((struct request *)http_exchange_user(ex))->status = answer.status;
	http_exchange_resume(ex, &answer);
}

static enum http_handled handle_health(struct api *api, struct request *r, struct http_exchange *ex)
{
	http_ticket ticket = http_exchange_defer(ex);
	struct http_answer answer;

	if (ticket) {
		provider_health_ask(api->health, ticket, r->id);
		return HTTP_DEFERRED;
	}
	answer = health_answer(api, false);
	r->status = answer.status;
	http_exchange_answer(ex, &answer);
	return HTTP_ANSWERED;
}

/* ---- operations ---- */

static struct operation_request request_of(const struct api *api, struct request *r, struct http_exchange *ex)
{
	return (struct operation_request){ api->config, api->operations[r->match.route.operation], r, ex };
}

/* PATCH: patch.h. Takes ownership of the tree. */
static enum http_handled handle_patch(struct api *api, struct request *r, struct http_exchange *ex, cJSON *tree)
{
	const struct operation_request request = request_of(api, r, ex);
	struct patch_request patch = {
		.client = api->client,
		.schema = api->operations[OPERATION_CREATE]->body,
		.id = r->container_id,
		.token = r->token,
		.if_match = http_exchange_header(ex, CONDITIONS_IF_MATCH),
		.request_id = r->id,
		.traceparent = r->traceparent,
		.timeout_ms = api->config->request_timeout_ms,
		.request_max = api->request_max,
		.done = on_worker_reply,
		.ctx = api,
	};
	struct worker_reply failed = { .body = NULL };

	if (operation_request_choose_token(&request))
		patch.cookie = http_exchange_defer(ex);
	if (!patch.cookie) {
		cJSON_Delete(tree);
		return answer_rc(r, ex, RC_NO_MEMORY, "defer a request");
	}
	if (patch_begin(&patch, tree, &failed.error))
		on_worker_reply(api, patch.cookie, &failed);
	return HTTP_DEFERRED;
}

/* On any thread. */
static void on_watcher(void *ctx, uint64_t ticket, struct watcher *watcher, const struct error *err)
{
	struct api *api = ctx;
	struct http_exchange *ex = http_server_claim(api->server, ticket);
	struct request *r = ex ? http_exchange_user(ex) : NULL;
	struct http_answer answer;

	if (!ex) {
		if (watcher)
			watcher_close(watcher);
		return;
	}
	r->watcher = watcher;
	if (watcher)
		api_metrics_stream();
	answer = watcher ? watcher_answer(watcher, ex) : error_answer(r, err, NULL);
	r->status = answer.status;
	http_exchange_resume(ex, &answer);
}

/* All watchers share one feed: watches.h. */
static enum http_handled handle_watch(struct api *api, struct request *r, struct http_exchange *ex)
{
	const char *filter = parameters_query(&r->target, "filter");
	struct watch_ask ask = {
		.filter = filter && filter[0] ? filter : NULL,
		.last_event_id = http_exchange_header(ex, "Last-Event-ID"),
		.request_id = r->id,
		.traceparent = r->traceparent[0] ? r->traceparent : NULL,
		.done = on_watcher,
		.ctx = api,
	};
	char accept[ACCEPT_MAX];
	struct error err;

	http_exchange_list(ex, "Accept", accept, sizeof(accept));
	if (!accept_allows_events(accept)) {
		error_set(&err, RC_INVALID_ARGUMENT,
			  "the response is " ACCEPT_EVENT_STREAM ", which is not acceptable");
		return request_answer_status(r, ex, &err, HTTP_NOT_ACCEPTABLE);
	}
	ask.cookie = http_exchange_defer(ex);
	if (!ask.cookie)
		return answer_rc(r, ex, RC_NO_MEMORY, "defer a request");
	if (watches_ask(api->watches, &ask, &err))
		on_watcher(api, ask.cookie, NULL, &err);
	return HTTP_DEFERRED;
}

/* An update with a media type other than a merge patch. */
static enum http_handled refuse_media_type(struct request *r, struct http_exchange *ex)
{
	struct error err;

	error_set(&err, RC_INVALID_ARGUMENT, "the Content-Type must be " REQUEST_BODY_PATCH_TYPES);
	return request_answer_status(r, ex, &err, HTTP_UNSUPPORTED_MEDIA_TYPE);
}

/* Validate the request against the API document, and send its relevant parts to a worker. */
static enum http_handled handle_operation(struct api *api, struct request *r, struct http_exchange *ex)
{
	const struct operation_request request = request_of(api, r, ex);
	const struct openapi_operation *document = request.document;
	struct request_body_source source = {
		.content_type = http_exchange_header(ex, "Content-Type"),
		.optional = !document->body_required,
		.may_be_bare = operation_request_may_be_bare(&request),
		.merge_patch = document->takes_merge_patch,
		.has_key = http_exchange_header(ex, REQUEST_KEY_HEADER) != NULL,
	};
	struct faults faults cleanup_faults = { .count = 0 };
	struct buf body cleanup_buf = buf_make(api->request_max);
	cleanup_json cJSON *tree = NULL;
	bool bare = false;
	struct error err = { .rc = RC_OK };

	if (source.merge_patch && !request_body_is_merge_patch(source.content_type))
		return refuse_media_type(r, ex);
	source.body = http_exchange_body(ex, &source.len);
	operation_request_check(&request, &faults);
	if (document->body)
		request_body_read(&source, document->body, &faults, &bare, &tree);
	if (tree)
		operation_request_check_body(&request, tree, &faults);
	if (faults_any(&faults))
		return request_answer_faults(r, ex, &faults);
	if (r->match.parameter)
		snprintf(r->container_id, sizeof(r->container_id), "%s", r->match.parameter);
	if (r->match.route.operation == OPERATION_WATCH)
		return handle_watch(api, r, ex);
	if (source.merge_patch)
		return handle_patch(api, r, ex, TAKE(tree));
	if (operation_request_write(&request, tree, bare, &body, &err))
		return request_answer_error(r, ex, &err);
	return ask_worker(api, r, ex, &body, operation_request_version(&request, tree));
}

/* ---- the API document ---- */

static enum http_handled handle_yaml(struct api *api, struct request *r, struct http_exchange *ex)
{
	size_t len;
	const char *text = openapi_yaml(api->openapi, &len);

	return request_answer_static(r, ex, YAML_MEDIA_TYPE, NULL, text, len);
}

static enum http_handled handle_json(struct api *api, struct request *r, struct http_exchange *ex)
{
	size_t len;
	const char *text = openapi_json(api->openapi, &len);

	return request_answer_static(r, ex, JSON_MEDIA_TYPE, NULL, text, len);
}

/* ---- the console ---- */

static enum http_handled handle_console(struct api *api unused, struct request *r, struct http_exchange *ex)
{
	struct console_file file;

	if (!console_find(r->match.route.pattern, &file))
		return answer_rc(r, ex, RC_INTERNAL, "a file of the console is missing");
	return request_answer_static(r, ex, file.media_type, console_headers, file.text, file.len);
}

/* ---- monitoring ----- */

static enum http_handled handle_metrics(struct api *api, struct request *r, struct http_exchange *ex)
{
	return api_metrics_answer(r, ex, api->server);
}

static enum http_handled answer_ok(struct request *r, struct http_exchange *ex)
{
	static const char ok[] = "ok\n";

	return request_answer_static(r, ex, "text/plain; charset=utf-8", NULL, ok, sizeof(ok) - 1);
}

static enum http_handled handle_live(struct api *api unused, struct request *r, struct http_exchange *ex)
{
	return answer_ok(r, ex);
}

/* Whether the process is ready for clients. */
static enum http_handled handle_ready(struct api *api, struct request *r, struct http_exchange *ex)
{
	if (http_server_is_draining(api->server))
		return answer_rc(r, ex, RC_UNAVAILABLE, "shutting down");
	if (!worker_client_is_connected(api->client))
		return answer_rc(r, ex, RC_UNAVAILABLE, "NATS is not connected");
	return answer_ok(r, ex);
}

/* ---- all requests --- */

static enum http_handled (*const handlers[ROUTE_ANSWER_COUNT])(struct api *api, struct request *r,
							       struct http_exchange *ex) = {
	[ROUTE_ASKS_WORKER] = handle_operation,
	[ROUTE_HEALTH] = handle_health,
	[ROUTE_DOCUMENT_YAML] = handle_yaml,
	[ROUTE_DOCUMENT_JSON] = handle_json,
	/* Not part of the API: */
	[ROUTE_CONSOLE] = handle_console,
	[ROUTE_METRICS] = handle_metrics,
	[ROUTE_LIVE] = handle_live,
	[ROUTE_READY] = handle_ready,
};

/* Without waiting for the body. */
static enum http_handled refuse_at_once(struct request *r, struct http_exchange *ex, const struct error *err)
{
	struct problem problem = { .error = err, .instance = request_path(r), .request_id = r->id };
	struct http_answer answer = problem_answer(&problem);

	answer.at_once = true;
	answer.close = err->rc == RC_BUSY || err->rc == RC_INVALID_ARGUMENT;
	r->status = answer.status;
	http_exchange_answer(ex, &answer);
	return HTTP_ANSWERED;
}

static enum rc refuse_as_busy(enum api_refusal why, const char *text, struct error *err)
{
	api_metrics_refused(why);
	return error_set(err, RC_BUSY, "%s", text);
}

static enum rc check_capacity(const struct api *api, const struct request *r, struct error *err)
{
	if (route_is_polled(&r->match.route))
		return RC_OK;
	if (http_server_crowded(api->server))
		return refuse_as_busy(API_REFUSAL_CONNECTIONS, "too many connections are open", err);
	if (memory_budget_is_spent())
		return refuse_as_busy(API_REFUSAL_MEMORY, "too many bytes of requests and responses in flight", err);
	return RC_OK;
}

static enum access_need need_of(enum operation operation)
{
	static const enum access_need needs[] = {
		[OPERATION_READS] = ACCESS_READ,
		[OPERATION_CHANGES] = ACCESS_CHANGE,
		[OPERATION_EXECUTES] = ACCESS_EXEC,
	};

	return needs[operation_row(operation)->effect];
}

/* For browsers. /console is served by us. */
static enum rc check_origin(const struct api *api, const struct request *r, const struct http_exchange *ex,
			    struct error *err)
{
	const struct origin_request origin = {
		.origin = http_exchange_header(ex, "Origin"),
		.host = http_exchange_header(ex, "Host"),
		.proven = r->client[0] || api->config->tls.certificate[0],
		.listed = api->config->origins,
	};

	return origin_check(&origin, err);
}

static enum rc decide_access(struct api *api, struct request *r, struct http_exchange *ex, struct error *err)
{
	bool is_metrics = r->match.route.answer == ROUTE_METRICS;
	enum access_need need = is_metrics ? ACCESS_READ : need_of(r->match.route.operation);
	struct access_proof proof = {
		.authorization = http_exchange_header(ex, "Authorization"),
		.certificate = http_exchange_client_is_known(ex),
	};
	enum rc rc = access_decide(is_metrics ? api->metrics_access : api->access, &proof, need, r->client, err);

	if (!rc && need != ACCESS_READ)
		rc = check_origin(api, r, ex, err);
	if (!rc && need == ACCESS_EXEC && strcmp(api->config->exec, "true") != 0)
		rc = error_set(err, RC_PERMISSION_DENIED, "commands in containers are disabled: SP_EXEC is not true");
	return rc;
}

/* Unsupported headers that would change the meaning of a request: rejected. */
static enum rc check_headers(const struct api *api, const struct request *r, const struct http_exchange *ex,
			     struct error *err)
{
	enum operation operation = r->match.route.operation;
	const char *encoding = http_exchange_header(ex, "Content-Encoding");

	if (encoding && strcasecmp(encoding, "identity") != 0)
		return error_set(err, RC_UNSUPPORTED_ENCODING,
				 "the content encoding '%s' is not supported: only identity is", encoding);
	return conditions_check(operation < OPERATION_COUNT ? api->operations[operation] : NULL, request_header, ex,
				err);
}

static enum http_handled admit(struct api *api, struct request *r, struct http_exchange *ex)
{
	struct error err;

	switch (router_find(http_exchange_method(ex), &r->target, &r->match)) {
	case ROUTER_NOT_FOUND:
		return answer_rc(r, ex, RC_NOT_FOUND, "no such path");
	case ROUTER_NOT_ALLOWED:
		return answer_rc(r, ex, RC_INVALID_ARGUMENT, "this path does not support this method");
	case ROUTER_FOUND:
		break;
	}
	if (check_capacity(api, r, &err))
		return refuse_at_once(r, ex, &err);
	if (!route_is_open(&r->match.route) && decide_access(api, r, ex, &err))
		return refuse_at_once(r, ex, &err);
	if (check_headers(api, r, ex, &err))
		return request_answer_error(r, ex, &err);
	return HTTP_ADMITTED;
}

/* An error of the HTTP request. One that is ended because of others has a status, one without memory has not. */
static enum http_handled answer_fault(struct request *r, struct http_exchange *ex, const struct error *fault)
{
	if (fault->rc == RC_BUSY)
		api_metrics_refused(http_exchange_fault_status(ex) ? API_REFUSAL_CONNECTIONS : API_REFUSAL_MEMORY);
	return request_answer_error(r, ex, fault);
}

enum http_handled api_admit(void *ctx, struct http_exchange *exchange)
{
	static const char no_memory[] = "{\"type\":\"INTERNAL\",\"title\":\"Internal error\",\"status\":500,"
					"\"detail\":\"out of memory\",\"instance\":\"\"}";
	struct api *api = ctx;
	struct request *r = request_create(exchange);
	const struct error *fault = http_exchange_fault(exchange);
	struct error err;
	enum rc rc;

	if (!r) {
		struct http_answer answer = {
			.status = 500,
			.content_type = PROBLEM_MEDIA_TYPE,
			.body = (char *)(uintptr_t)no_memory, /* never written: body_is_static */
			.body_len = sizeof(no_memory) - 1,
			.body_is_static = true,
		};

		http_exchange_answer(exchange, &answer);
		return HTTP_ANSWERED;
	}
	api_metrics_begin();
	rc = target_parse(http_exchange_target(exchange), &r->target, &err);
	if (fault)
		return answer_fault(r, exchange, fault);
	if (rc)
		return refuse_at_once(r, exchange, &err);
	return admit(api, r, exchange);
}

enum http_handled api_handle(void *ctx, struct http_exchange *exchange)
{
	struct api *api = ctx;
	struct request *r = http_exchange_user(exchange);
	const struct error *fault = http_exchange_fault(exchange);

	if (fault)
		return answer_fault(r, exchange, fault);
	return handlers[r->match.route.answer](api, r, exchange);
}

void api_finish(void *ctx, struct http_exchange *exchange, bool delivered)
{
	struct api *api = ctx;
	struct request *r = http_exchange_user(exchange);

	if (!r)
		return;
	if (r->stream)
		stream_answer_close(r->stream);
	if (r->watcher)
		watcher_close(r->watcher);
	request_log(r, exchange, delivered);
	api_metrics_end(r);
	if (r->status == 201)
		end_debt(api, r, delivered);
	http_exchange_set_user(exchange, NULL);
	request_destroy(r);
}

enum rc api_create(const struct api_config *config, const struct openapi *openapi, struct worker_client *client,
		   struct stream_answers *streams, struct watches *watches, struct api **ret_api, struct error *err)
{
	struct api *api = calloc(1, sizeof(*api));
	enum rc rc;

	if (!api)
		return error_no_memory(err);
	api->config = config;
	api->openapi = openapi;
	api->client = client;
	api->streams = streams;
	api->watches = watches;
	api->started_ms = clock_mono_ms();
	api->request_max = (size_t)config->max_body * 8;
	for (int op = 0; op < OPERATION_COUNT; op++) {
		const char *id = operation_row((enum operation)op)->id;

		api->operations[op] = id ? openapi_operation(openapi, id) : NULL;
	}
	rc = access_create(API_TOKENS_VARIABLE, config->tokens_file, config->tls.client_ca[0] != '\0', &api->access,
			   err);
	if (!rc)
		rc = access_create(METRICS_TOKENS_VARIABLE, config->metrics.tokens_file, false, &api->metrics_access,
				   err);
	if (!rc)
		api->health = provider_health_create(client, on_health, api);
	if (!rc && !api->health)
		rc = error_no_memory(err);
	if (rc)
		api_destroy(api);
	else
		*ret_api = api;
	return rc;
}

void api_destroy(struct api *api)
{
	if (!api)
		return;
	provider_health_destroy(api->health);
	access_destroy(api->metrics_access);
	access_destroy(api->access);
	free(api);
}

void api_set_server(struct api *api, struct http_server *server)
{
	api->server = server;
}
