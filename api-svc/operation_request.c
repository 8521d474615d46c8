#include "api-svc/operation_request.h"

#include <stdio.h>
#include <string.h>

#include "api-svc/accept.h"
#include "api-svc/conditions.h"
#include "api-svc/document/projection.h"
#include "api-svc/exec_framing.h"
#include "api-svc/exec_request.h"
#include "api-svc/parameters.h"
#include "api-svc/query_rules.h"

#define ID_PARAMETER "id"

/* ---- specific to operations ---- */

static struct parameters_source parameters_of(const struct operation_request *o)
{
	return (struct parameters_source){
		.target = &o->request->target,
		.path_parameter = o->request->match.parameter,
		.path_item = o->request->match.item,
		.header = request_header,
		.header_ctx = o->exchange,
	};
}

static const char *header(const struct operation_request *o, const char *name)
{
	return http_exchange_header(o->exchange, name);
}

static const char *query(const struct operation_request *o, const char *name)
{
	return parameters_query(&o->request->target, name);
}

/* The id of the new container ("": in the agent's request), and its creation token. */
static bool choose_id(const struct operation_request *o, const char *key, bool by_agent)
{
	struct request *r = o->request;
	const char *id = query(o, ID_PARAMETER);
	char uuid[CRYPTO_UUID_MAX];
	bool good = key ? api_ids_key_token(key, r->token) : api_ids_request_token(r->token);

	if (good && by_agent) {
		id = "";
	} else if (good && !id) {
		good = key ? api_ids_from_key(o->config->name, key, uuid) : crypto_random_uuid(uuid);
		id = uuid;
	}
	if (good)
		snprintf(r->container_id, sizeof(r->container_id), "%s", id);
	return good;
}

/* The environment agent sends a bare spec with a key, without the id. */
static bool is_by_agent(const struct operation_request *o, const char *key, bool bare)
{
	return o->config->agent_name[0] && key && bare && !query(o, ID_PARAMETER);
}

static void write_agent(const struct operation_request *o, const char *key, struct json_writer *w)
{
	json_begin_object(w, "agent");
	json_string(w, "name", o->config->agent_name);
	json_string(w, "key", key);
	json_end_object(w);
}

/* A parsed request body. */
struct body {
	const cJSON *tree; /* NULL: none */
	bool bare;         /* a spec without its envelope */
};

/* Token and id of the container. */
static enum rc write_create(const struct operation_request *o, const struct body *body, struct json_writer *w,
			    struct error *err)
{
	struct request *r = o->request;
	const char *key = header(o, REQUEST_KEY_HEADER);
	bool by_agent = is_by_agent(o, key, body->bare);

	r->has_key = key != NULL;
	if (!choose_id(o, key, by_agent))
		return error_set(err, RC_INTERNAL, "libcrypto cannot generate random numbers or digests");
	if (by_agent)
		write_agent(o, key, w);
	else
		json_string(w, "id", r->container_id);
	json_bool(w, "any_id", !by_agent && !query(o, ID_PARAMETER));
	json_string(w, "token", r->token);
	return RC_OK;
}

static enum rc write_delete(const struct operation_request *o, const struct body *body unused, struct json_writer *w,
			    struct error *err unused)
{
	json_bool(w, "absent_ok", header(o, REQUEST_KEY_HEADER) != NULL);
	return RC_OK;
}

/* The headers of a log request. */
static enum rc write_logs(const struct operation_request *o, const struct body *body unused, struct json_writer *w,
			  struct error *err unused)
{
	char accept[ACCEPT_MAX];
	bool events;

	http_exchange_list(o->exchange, "Accept", accept, sizeof(accept));
	events = accept_names_events(accept);
	json_bool(w, "events", events);
	if (events)
		json_optional_string(w, "last_event_id", header(o, "Last-Event-ID"));
	return RC_OK;
}

static void log_exec(const struct request *r, const char *program)
{
	exec_request_log(&(struct exec_use){ r->client, r->container_id, program, r->id });
}

static enum rc write_exec(const struct operation_request *o, const struct body *body unused, struct json_writer *w,
			  struct error *err)
{
	const struct exec_handshake handshake = exec_handshake_read(o->exchange);
	enum rc rc = exec_handshake_check(&handshake, err);

	if (rc)
		return rc;
	json_string(w, "id", o->request->container_id);
	exec_request_write(&o->request->target, w);
	log_exec(o->request, query(o, "command"));
	return RC_OK;
}

static enum rc write_exec_run(const struct operation_request *o, const struct body *body, struct json_writer *w,
			      struct error *err unused)
{
	json_int(w, "timeout_ms", exec_request_timeout_ms(body->tree, o->config->request_timeout_ms));
	log_exec(o->request, cJSON_GetStringValue(cJSON_GetArrayItem(json_get(body->tree, "command"), 0)));
	return RC_OK;
}

static bool takes_key(const struct openapi_operation *document)
{
	for (size_t i = 0; i < document->parameter_count; i++)
		if (document->parameters[i].place == OPENAPI_IN_HEADER &&
		    strcmp(document->parameters[i].name, REQUEST_KEY_HEADER) == 0)
			return true;
	return false;
}

bool operation_request_choose_token(const struct operation_request *o)
{
	const char *key = header(o, REQUEST_KEY_HEADER);

	return key && takes_key(o->document) ? api_ids_key_token(key, o->request->token)
					     : api_ids_request_token(o->request->token);
}

static enum rc write_token(const struct operation_request *o, const struct body *body unused, struct json_writer *w,
			   struct error *err)
{
	if (operation_row(o->request->match.route.operation)->effect != OPERATION_CHANGES)
		return RC_OK;
	if (!operation_request_choose_token(o))
		return error_set(err, RC_INTERNAL, "libcrypto cannot generate random numbers or digests");
	json_string(w, "token", o->request->token);
	return RC_OK;
}

/* The additional members of a worker request per operation; by default a token for writes. */
static const struct extra {
	enum rc (*write)(const struct operation_request *o, const struct body *body, struct json_writer *w,
			 struct error *err);
	bool without_parameters; /* they are not sent */
	bool may_be_bare;        /* its body: what DCM sends, a spec without its envelope */
	/* Rules for query and body that the API document cannot express; and whether the request is restricted. */
	void (*check)(const struct target *target, struct faults *faults);
	void (*check_body)(const cJSON *body, int64_t request_timeout_ms, struct faults *faults);
	bool (*is_narrowed)(const struct target *target);
} extras[OPERATION_COUNT] = {
	[OPERATION_CREATE] = { .write = write_create, .without_parameters = true, .may_be_bare = true },
	[OPERATION_DELETE] = { .write = write_delete },
	[OPERATION_EXEC] = { .write = write_exec, .without_parameters = true, .check = exec_request_check },
	[OPERATION_EXEC_RUN] = { .write = write_exec_run, .check_body = exec_request_check_body },
	[OPERATION_LOGS] = { .write = write_logs, .check = query_rules_check_logs },
	[OPERATION_LIST] = { .check = query_rules_check_list, .is_narrowed = query_rules_is_narrowed },
	[OPERATION_WATCH] = { .check = query_rules_check_watch },
};

static const struct extra *extra_of(const struct operation_request *o)
{
	return &extras[o->request->match.route.operation];
}

/* ---- the request ---- */

bool operation_request_may_be_bare(const struct operation_request *o)
{
	return extra_of(o)->may_be_bare;
}

void operation_request_check(const struct operation_request *o, struct faults *faults)
{
	const struct parameters_source parameters = parameters_of(o);

	parameters_check(o->document, &parameters, faults);
	if (extra_of(o)->check)
		extra_of(o)->check(&o->request->target, faults);
}

void operation_request_check_body(const struct operation_request *o, const cJSON *body, struct faults *faults)
{
	if (extra_of(o)->check_body)
		extra_of(o)->check_body(body, o->config->request_timeout_ms, faults);
}

enum rc operation_request_write(const struct operation_request *o, const cJSON *body, bool bare, struct buf *out,
				struct error *err)
{
	const struct extra *extra = extra_of(o);
	const struct parameters_source parameters = parameters_of(o);
	struct json_writer w = json_writer_make(out);
	enum rc rc;

	json_begin_object(&w, NULL);
	if (!extra->without_parameters)
		parameters_write(o->document, &parameters, &w);
	rc = (extra->write ? extra->write : write_token)(o, &(struct body){ body, bare }, &w, err);
	if (rc)
		return rc;
	conditions_write_if_match(header(o, CONDITIONS_IF_MATCH), &w);
	if (body)
		projection_write(o->document->body, body, &w);
	json_end_object(&w);
	return RC_OK;
}

const char *operation_request_version(const struct operation_request *o, const cJSON *body)
{
	const struct extra *extra = extra_of(o);
	const char *kind = json_string_at(body, "spec.provider_hints.kubernetes.kind");

	if (o->request->match.route.operation == OPERATION_CREATE && kind && strcmp(kind, "Deployment") != 0)
		return PROTOCOL_VERSION_KINDS;
	if (header(o, CONDITIONS_IF_MATCH) || (extra->is_narrowed && extra->is_narrowed(&o->request->target)))
		return PROTOCOL_VERSION_NARROWED;
	return PROTOCOL_VERSION;
}
