#include "api-svc/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/accept.h"
#include "api-svc/api_metrics.h"
#include "api-svc/conditions.h"
#include "api-svc/console/console.h"
#include "api-svc/document/projection.h"
#include "api-svc/exec_framing.h"
#include "api-svc/exec_request.h"
#include "api-svc/list_query.h"
#include "api-svc/log_query.h"
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
#define ID_PARAMETER "id"
#define HTTP_NOT_MODIFIED 304
#define HTTP_NOT_ACCEPTABLE 406
#define HTTP_UNSUPPORTED_MEDIA_TYPE 415
#define KEY_HEADER "Idempotency-Key"

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
	size_t request_max;                                          /* bytes of what a worker is sent */
	int64_t started_ms;
};

static const char *header_of(const void *ctx, const char *name)
{
	return http_exchange_header(ctx, name);
}

/* ---- questions for workers ---- */

static bool is_create(const struct request *r)
{
	return r->match.route.operation == OPERATION_CREATE;
}

/* Nothing is written or settled for a client that has gone. */
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
 * Park the exchange, then ask. Once the question is out the exchange may be answered and the request freed at any
 * moment: neither is touched afterwards.
 */
static enum http_handled ask_worker(struct api *api, struct request *r, struct http_exchange *ex,
				    const struct buf *body, bool narrowed)
{
	struct worker_ask ask = {
		.operation = r->match.route.operation,
		.body = body->data,
		.len = body->len,
		.request_id = r->id,
		.traceparent = r->traceparent[0] ? r->traceparent : NULL,
		.narrowed = narrowed,
		.timeout_ms = api->config->request_timeout_ms,
		.done = on_worker_reply,
		.present = is_create(r) ? is_present : NULL,
		.goes_on = r->has_key,
		.ctx = api,
	};
	struct worker_reply failed = { .body = NULL };

	if (buf_check(body, &failed.error))
		return request_answer_error(r, ex, &failed.error);
	ask.cookie = http_exchange_defer(ex);
	if (!ask.cookie)
		return answer_rc(r, ex, RC_NO_MEMORY, "park a request");
	if (worker_client_ask(api->client, &ask, &failed.error))
		on_worker_reply(api, ask.cookie, &failed);
	return HTTP_DEFERRED;
}

/* ---- answers of workers ---- */

/* The client of a create was not told, or its outcome is not known. */
static void undo(struct api *api, const struct request *r)
{
	undo_begin(api->client, &(struct undo_what){
					.id = r->container_id,
					.token = r->token,
					.sequence = r->debt ? r->debt->sequence : 0,
					.request_id = r->id,
				});
}

/* The end of a create that was settled: its record may go, or what was made has to. */
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
		.only_if_present = is_create(r),
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
		answer.status = HTTP_NOT_MODIFIED; /* the body only gives its Content-Length: it is not sent */
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
	if (reply->outcome_unknown && is_create(r) && !r->has_key)
		undo(api, r);
	return error_answer(r, &reply->error, reply->faults);
}

/* The answer begins now, and flows. */
static struct http_answer stream_answer(struct api *api, struct request *r, struct http_exchange *ex,
					struct worker_reply *reply)
{
	struct http_answer answer;

	if (stream_answer_open(api->streams, reply, ex, r->id, &answer, &r->stream, &reply->error))
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

/* ---- what a worker is sent ---- */

static struct parameters_source parameters_of(const struct request *r, const struct http_exchange *ex)
{
	return (struct parameters_source){
		.target = &r->target,
		.path_parameter = r->match.parameter,
		.path_item = r->match.item,
		.header = header_of,
		.header_ctx = ex,
	};
}

/* The id of the new container ("": in the agent's request), and the token that says who made it. */
static bool choose_id(const struct api *api, struct request *r, const char *key, bool by_agent)
{
	const char *id = parameters_query(&r->target, ID_PARAMETER);
	char uuid[CRYPTO_UUID_MAX];
	bool good = key ? api_ids_key_token(key, r->token) : api_ids_request_token(r->token);

	if (good && by_agent) {
		id = "";
	} else if (good && !id) {
		good = key ? api_ids_from_key(api->config->name, key, uuid) : crypto_random_uuid(uuid);
		id = uuid;
	}
	if (good)
		snprintf(r->container_id, sizeof(r->container_id), "%s", id);
	return good;
}

/* The environment agent sends a bare spec with a key, and not the id by which it will delete. */
static bool is_by_agent(const struct api *api, const struct request *r, const char *key, bool bare)
{
	return api->config->agent_name[0] && key && bare && !parameters_query(&r->target, ID_PARAMETER);
}

static void write_agent(struct json_writer *w, const struct api *api, const char *key)
{
	json_begin_object(w, "agent");
	json_string(w, "name", api->config->agent_name);
	json_string(w, "key", key);
	json_end_object(w);
}

/* A request's body, as it was read. */
struct body {
	const cJSON *tree; /* NULL: there is none */
	bool bare;         /* a spec without its envelope */
};

/* Who makes the container, and which one. */
static enum rc write_create(struct api *api, struct request *r, struct http_exchange *ex, const struct body *body,
			    struct json_writer *w, struct error *err)
{
	const char *key = http_exchange_header(ex, KEY_HEADER);
	bool by_agent = is_by_agent(api, r, key, body->bare);

	r->has_key = key != NULL;
	if (!choose_id(api, r, key, by_agent))
		return error_set(err, RC_INTERNAL, "libcrypto gives no random numbers or digests");
	if (by_agent)
		write_agent(w, api, key);
	else
		json_string(w, "id", r->container_id);
	json_bool(w, "any_id", !by_agent && !parameters_query(&r->target, ID_PARAMETER));
	json_string(w, "token", r->token);
	return RC_OK;
}

static enum rc write_delete(struct api *api unused, struct request *r unused, struct http_exchange *ex,
			    const struct body *body unused, struct json_writer *w, struct error *err unused)
{
	json_bool(w, "absent_ok", http_exchange_header(ex, KEY_HEADER) != NULL);
	return RC_OK;
}

/* What the headers say of a stream of logs. */
static enum rc write_logs(struct api *api unused, struct request *r unused, struct http_exchange *ex,
			  const struct body *body unused, struct json_writer *w, struct error *err unused)
{
	bool events = accept_names_events(http_exchange_header(ex, "Accept"));

	json_bool(w, "events", events);
	if (events)
		json_optional_string(w, "last_event_id", http_exchange_header(ex, "Last-Event-ID"));
	return RC_OK;
}

static void log_exec(const struct request *r, const char *program)
{
	exec_request_log(&(struct exec_use){ r->client, r->container_id, program, r->id });
}

static enum rc write_exec(struct api *api unused, struct request *r, struct http_exchange *ex,
			  const struct body *body unused, struct json_writer *w, struct error *err)
{
	const struct exec_handshake handshake = exec_handshake_read(ex);
	enum rc rc = exec_handshake_check(&handshake, err);

	if (rc)
		return rc;
	json_string(w, "id", r->container_id);
	exec_request_write(&r->target, w);
	log_exec(r, parameters_query(&r->target, "command"));
	return RC_OK;
}

static enum rc write_exec_run(struct api *api, struct request *r, struct http_exchange *ex unused,
			      const struct body *body, struct json_writer *w, struct error *err unused)
{
	json_int(w, "timeout_ms", exec_request_timeout_ms(body->tree, api->config->request_timeout_ms));
	log_exec(r, cJSON_GetStringValue(cJSON_GetArrayItem(json_get(body->tree, "command"), 0)));
	return RC_OK;
}

static bool takes_key(const struct openapi_operation *document)
{
	for (size_t i = 0; i < document->parameter_count; i++)
		if (document->parameters[i].place == OPENAPI_IN_HEADER &&
		    strcmp(document->parameters[i].name, KEY_HEADER) == 0)
			return true;
	return false;
}

/* Which request it is: so an attempt, or a repeat with the client's key, finds what was carried out before. */
static bool choose_token(const struct api *api, struct request *r, const struct http_exchange *ex)
{
	const char *key = http_exchange_header(ex, KEY_HEADER);

	if (key && takes_key(api->operations[r->match.route.operation]))
		return api_ids_key_token(key, r->token);
	return api_ids_request_token(r->token);
}

static enum rc write_token(struct api *api, struct request *r, struct http_exchange *ex, const struct body *body unused,
			   struct json_writer *w, struct error *err)
{
	if (!operation_row(r->match.route.operation)->writes)
		return RC_OK;
	if (!choose_token(api, r, ex))
		return error_set(err, RC_INTERNAL, "libcrypto gives no random numbers or digests");
	json_string(w, "token", r->token);
	return RC_OK;
}

/* What an operation sends a worker beside the client's parameters and body; by default a token, when it writes. */
static const struct extra {
	enum rc (*write)(struct api *api, struct request *r, struct http_exchange *ex, const struct body *body,
			 struct json_writer *w, struct error *err);
	bool without_parameters; /* they are not sent */
	/* What the API document cannot express of the query, and of the body; and does it narrow what is asked for? */
	void (*check)(const struct target *target, struct faults *faults);
	void (*check_body)(const cJSON *body, int64_t request_timeout_ms, struct faults *faults);
	bool (*is_narrowed)(const struct target *target);
} extras[OPERATION_COUNT] = {
	[OPERATION_CREATE] = { .write = write_create, .without_parameters = true },
	[OPERATION_DELETE] = { .write = write_delete },
	[OPERATION_EXEC] = { .write = write_exec, .without_parameters = true, .check = exec_request_check },
	[OPERATION_EXEC_RUN] = { .write = write_exec_run, .check_body = exec_request_check_body },
	[OPERATION_LOGS] = { .write = write_logs, .check = log_query_check },
	[OPERATION_LIST] = { .check = list_query_check, .is_narrowed = list_query_is_narrowed },
	[OPERATION_WATCH] = { .check = list_query_check_watch },
};

/* PATCH: patch.h. Takes the tree over. */
static enum http_handled handle_patch(struct api *api, struct request *r, struct http_exchange *ex, cJSON *tree)
{
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

	if (choose_token(api, r, ex))
		patch.cookie = http_exchange_defer(ex);
	if (!patch.cookie) {
		cJSON_Delete(tree);
		return answer_rc(r, ex, RC_NO_MEMORY, "park a request");
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

/* All watchers share what one worker tells: watches.h. */
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
	struct error err;

	if (!accept_allows_events(http_exchange_header(ex, "Accept"))) {
		error_set(&err, RC_INVALID_ARGUMENT, "the answer is " ACCEPT_EVENT_STREAM ", which Accept excludes");
		return request_answer_status(r, ex, &err, HTTP_NOT_ACCEPTABLE);
	}
	ask.cookie = http_exchange_defer(ex);
	if (!ask.cookie)
		return answer_rc(r, ex, RC_NO_MEMORY, "park a request");
	if (watches_ask(api->watches, &ask, &err))
		on_watcher(api, ask.cookie, NULL, &err);
	return HTTP_DEFERRED;
}

/* A change of another media type than those of a merge patch. */
static enum http_handled refuse_media_type(struct request *r, struct http_exchange *ex)
{
	struct error err;

	error_set(&err, RC_INVALID_ARGUMENT, "the Content-Type must be " REQUEST_BODY_PATCH_TYPES);
	return request_answer_status(r, ex, &err, HTTP_UNSUPPORTED_MEDIA_TYPE);
}

/* Check the request as the API document says, and send a worker what counts of it. */
static enum http_handled handle_operation(struct api *api, struct request *r, struct http_exchange *ex)
{
	enum operation operation = r->match.route.operation;
	const struct openapi_operation *document = api->operations[operation];
	const struct extra *extra = &extras[operation];
	const struct parameters_source parameters = parameters_of(r, ex);
	const char *if_match = http_exchange_header(ex, CONDITIONS_IF_MATCH);
	struct request_body_source source = {
		.content_type = http_exchange_header(ex, "Content-Type"),
		.optional = !document->body_required,
		.may_be_bare = operation == OPERATION_CREATE,
		.merge_patch = document->takes_merge_patch,
		.has_key = http_exchange_header(ex, KEY_HEADER) != NULL,
	};
	struct faults faults cleanup_faults = { .count = 0 };
	struct buf body cleanup_buf = buf_make(api->request_max);
	struct json_writer w = json_writer_make(&body);
	cleanup_json cJSON *tree = NULL;
	bool bare = false;
	struct error err = { .rc = RC_OK };

	if (source.merge_patch && !request_body_is_merge_patch(source.content_type))
		return refuse_media_type(r, ex);
	source.body = http_exchange_body(ex, &source.len);
	parameters_check(document, &parameters, &faults);
	if (extra->check)
		extra->check(&r->target, &faults);
	if (document->body)
		request_body_read(&source, document->body, &faults, &bare, &tree);
	if (extra->check_body && tree)
		extra->check_body(tree, api->config->request_timeout_ms, &faults);
	if (faults_any(&faults))
		return request_answer_faults(r, ex, &faults);
	if (r->match.parameter)
		snprintf(r->container_id, sizeof(r->container_id), "%s", r->match.parameter);
	if (operation == OPERATION_WATCH)
		return handle_watch(api, r, ex);
	if (source.merge_patch)
		return handle_patch(api, r, ex, TAKE(tree));
	json_begin_object(&w, NULL);
	if (!extra->without_parameters)
		parameters_write(document, &parameters, &w);
	if ((extra->write ? extra->write : write_token)(api, r, ex, &(struct body){ tree, bare }, &w, &err))
		return request_answer_error(r, ex, &err);
	conditions_write_if_match(if_match, &w);
	if (tree)
		projection_write(document->body, tree, &w);
	json_end_object(&w);
	return ask_worker(api, r, ex, &body, if_match || (extra->is_narrowed && extra->is_narrowed(&r->target)));
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

/* ---- for those who watch over us ---- */

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

/* Should clients be sent here? */
static enum http_handled handle_ready(struct api *api, struct request *r, struct http_exchange *ex)
{
	if (http_server_is_draining(api->server))
		return answer_rc(r, ex, RC_UNAVAILABLE, "the process ends");
	if (!worker_client_is_connected(api->client))
		return answer_rc(r, ex, RC_UNAVAILABLE, "NATS is not connected");
	return answer_ok(r, ex);
}

/* ---- every request ---- */

static enum http_handled (*const handlers[ROUTE_ANSWER_COUNT])(struct api *api, struct request *r,
							       struct http_exchange *ex) = {
	[ROUTE_ASKS_WORKER] = handle_operation,
	[ROUTE_HEALTH] = handle_health,
	[ROUTE_DOCUMENT_YAML] = handle_yaml,
	[ROUTE_DOCUMENT_JSON] = handle_json,
	/* Beside the API: */
	[ROUTE_CONSOLE] = handle_console,
	[ROUTE_METRICS] = handle_metrics,
	[ROUTE_LIVE] = handle_live,
	[ROUTE_READY] = handle_ready,
};

/* Without waiting for a body. */
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
		return refuse_as_busy(API_REFUSAL_MEMORY, "too many bytes of requests and answers are in flight", err);
	return RC_OK;
}

static enum access_need need_of(enum operation operation)
{
	if (operation == OPERATION_EXEC || operation == OPERATION_EXEC_RUN)
		return ACCESS_EXEC;
	return operation_row(operation)->writes ? ACCESS_CHANGE : ACCESS_READ;
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

	if (!rc && need == ACCESS_EXEC && strcmp(api->config->exec, "true") != 0)
		rc = error_set(err, RC_PERMISSION_DENIED, "commands in containers are off here: SP_EXEC is not true");
	return rc;
}

/* Headers that would change what a request means, and are not supported: nothing is done. */
static enum rc check_headers(const struct api *api, const struct request *r, const struct http_exchange *ex,
			     struct error *err)
{
	enum operation operation = r->match.route.operation;
	const char *encoding = http_exchange_header(ex, "Content-Encoding");

	if (encoding && strcasecmp(encoding, "identity") != 0)
		return error_set(err, RC_UNSUPPORTED_ENCODING,
				 "the content encoding '%s' is not supported: only identity is", encoding);
	return conditions_check(operation < OPERATION_COUNT ? api->operations[operation] : NULL, header_of, ex, err);
}

static enum http_handled admit(struct api *api, struct request *r, struct http_exchange *ex)
{
	struct error err;

	switch (router_find(http_exchange_method(ex), &r->target, &r->match)) {
	case ROUTER_NOT_FOUND:
		return answer_rc(r, ex, RC_NOT_FOUND, "nothing is found under this path");
	case ROUTER_NOT_ALLOWED:
		return answer_rc(r, ex, RC_INVALID_ARGUMENT, "this path does not have this method");
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

enum http_handled api_admit(void *ctx, struct http_exchange *exchange)
{
	static const char no_memory[] = "{\"type\":\"INTERNAL\",\"title\":\"Internal error\",\"status\":500,"
					"\"detail\":\"memory is short\",\"instance\":\"\"}";
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
		return request_answer_error(r, exchange, fault);
	if (rc)
		return refuse_at_once(r, exchange, &err);
	return admit(api, r, exchange);
}

enum http_handled api_handle(void *ctx, struct http_exchange *exchange)
{
	struct api *api = ctx;
	struct request *r = http_exchange_user(exchange);
	const struct error *fault = http_exchange_fault(exchange);

	if (fault && fault->rc == RC_BUSY)
		api_metrics_refused(API_REFUSAL_MEMORY);
	if (fault)
		return request_answer_error(r, exchange, fault);
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
