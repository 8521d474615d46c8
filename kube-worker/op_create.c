/*
 * create: one POST of the Deployment, whose name decides the race; then the Service; then the answer. What fails is
 * taken back, so an error means that nothing was left behind.
 */
#include "kube-worker/ops.h"

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/labels.h"
#include "common/kube/service_view.h"
#include "kube-worker/agent_requests.h"
#include "kube-worker/container_find.h"
#include "kube-worker/container_object.h"
#include "kube-worker/container_remove.h"
#include "kube-worker/first_record.h"
#include "kube-worker/op_kube.h"
#include "kube-worker/service_ensure.h"

#define TRIES_MAX 3 /* each time that a Deployment of the name vanishes while we look at it */

struct create {
	const char *id;
	char agent_id[PROTOCOL_ID_MAX + 1]; /* the id, when it was found among the requests of an agent */
	const char *token;
	const cJSON *spec;
	bool made_now;     /* by this call */
	bool made_earlier; /* by an earlier asking with the same token */
	bool unsure;       /* the API server may have made the Deployment without saying so */
	struct kube_reply deployment;
	cJSON *service;
};

/*
 * The id that the agent will delete by. A repeat may come when the agent's request has gone from its stream: then the first
 * create has been answered, and what it made carries the token. Otherwise there is nothing to make: a container under
 * another id would never be deleted.
 */
static enum rc find_agent_id(struct op_call *call, const cJSON *agent, struct create *create, struct error *err)
{
	const char *name = json_string_at(agent, "name");
	const char *key = json_string_at(agent, "key");
	struct error why = { 0 };
	enum rc rc;

	if (!name || !key)
		return error_set(err, RC_INTERNAL, "a create request of an agent without name or key");
	rc = agent_requests_find(call->env->caller, name, key, call->deadline_ms, create->agent_id, &why);
	if (rc == RC_NOT_FOUND)
		error_set(&why, RC_UNAVAILABLE, "agent '%s' has no request with this Idempotency-Key in its streams",
			  name);
	if (rc == RC_NOT_FOUND || rc == RC_UNAVAILABLE) {
		rc = container_find_by_token(call, create->token, create->agent_id, err);
		if (rc && rc != RC_NOT_FOUND)
			return rc;
	}
	create->id = create->agent_id;
	if (rc)
		*err = why;
	return rc ? why.rc : RC_OK;
}

static enum rc read_request(struct op_call *call, const cJSON *request, struct create *create, struct error *err)
{
	const cJSON *agent = json_get(request, "agent");

	create->id = json_string_at(request, "id");
	create->token = json_string_at(request, "token");
	create->spec = json_get(request, "spec");
	if (agent && create->token) {
		enum rc rc = find_agent_id(call, agent, create, err);

		if (rc)
			return rc;
	}
	if (!create->id || !create->token || !cJSON_IsObject(create->spec))
		return error_set(err, RC_INTERNAL, "a create request without id, token or spec");
	return RC_OK;
}

static bool is_by_key(const char *token)
{
	return str_has_prefix(token, PROTOCOL_TOKEN_KEY);
}

static enum rc taken(const char *id, struct error *err)
{
	return error_set(err, RC_ALREADY_EXISTS, "container '%s' already exists", id);
}

/* A container of this id that another program made under another name blocks it. */
static enum rc refuse_other(struct op_call *call, const char *id, struct error *err)
{
	struct kube_reply other cleanup_kube_reply = { 0 };
	enum rc rc = container_find_other(call, id, &other, err);

	if (rc == RC_NOT_FOUND)
		return RC_OK;
	return rc ? rc : taken(id, err);
}

/* The name is taken: RC_OK when by ourselves (an earlier asking), RC_NOT_FOUND when it is free again. */
static enum rc look_at_existing(struct op_call *call, struct create *create, struct error *err)
{
	const cJSON *annotations;
	enum rc rc = op_kube_get(call, KUBE_DEPLOYMENT, create->id, &create->deployment, err);

	if (rc)
		return rc;
	if (!container_is(create->deployment.object, create->id))
		return error_set(err, RC_ALREADY_EXISTS,
				 "a Deployment named '%s' that is not a container exists in the namespace", create->id);
	if (json_at(create->deployment.object, "metadata.deletionTimestamp"))
		return error_set(err, RC_ALREADY_EXISTS, "container '%s' is still being deleted", create->id);
	annotations = json_at(create->deployment.object, "metadata.annotations");
	create->made_earlier = str_equal(cJSON_GetStringValue(json_get(annotations, ANNOTATION_TOKEN)), create->token);
	return create->made_earlier ? RC_OK : taken(create->id, err);
}

static enum rc post_deployment(struct op_call *call, struct create *create, struct error *err)
{
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	enum rc rc = container_write_deployment(create->id, create->spec, create->token, &body, err);

	if (rc)
		return rc;
	for (int i = 0; i < TRIES_MAX; i++) {
		rc = op_kube_create(call, KUBE_DEPLOYMENT, &body, &create->deployment, err);
		create->made_now = !rc;
		create->unsure |= create->deployment.unsure;
		if (rc != RC_ALREADY_EXISTS)
			return rc;
		rc = look_at_existing(call, create, err);
		if (rc != RC_NOT_FOUND)
			return rc;
	}
	return taken(create->id, err);
}

static enum rc write_result(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct json_writer service = json_writer_make(&extras.service);
	struct json_writer w = json_writer_make(result);

	if (!create->made_now) { /* an answer to a repeat shows the container as it is by now */
		enum rc rc = container_gather(call, create->deployment.object, &extras, err);

		if (rc)
			return rc;
	} else {
		(void)clock_parse_rfc3339(json_string_at(create->deployment.object, "metadata.creationTimestamp"),
					  &extras.changed_ms); /* Kubernetes sets it; without it: 1970 */
	}
	if (create->service) {
		buf_reset(&extras.service);
		service_view_write(create->service, &service, NULL);
	}
	container_view_write(&w, create->deployment.object, &extras);
	return buf_check(result, err);
}

/*
 * Did the Deployment come into being for this request, perhaps although its POST failed? A refusal before anything was
 * made needs no rollback; what an Idempotency-Key made earlier is not ours to remove.
 */
static bool needs_roll_back(const struct op_call *call, const struct create *create, enum rc rc)
{
	if (create->made_now)
		return true;
	if (is_by_key(create->token))
		return false;
	if (create->made_earlier)
		return true;
	return create->unsure || (call->attempt > 1 && (rc == RC_TIMEOUT || rc == RC_UNAVAILABLE));
}

enum rc op_create(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct create create = { 0 };
	enum rc rc = read_request(call, request, &create, err);

	if (!rc)
		rc = refuse_other(call, create.id, err);
	if (rc)
		return rc;
	rc = post_deployment(call, &create, err);
	if (!rc && container_wants_service(create.spec))
		rc = service_ensure(call, create.id, create.spec, create.deployment.object, &create.service, err);
	if (!rc)
		rc = write_result(call, &create, result, err);
	if (rc && needs_roll_back(call, &create, rc)) {
		call->unsettled = !create.made_now && !create.made_earlier; /* the API server may still make it */
		container_roll_back(call, create.id, create.token);
	} else if (!rc) {
		first_record_leave(call->env, create.id, create.deployment.object, call->deadline_ms);
	}
	kube_reply_clear(&create.deployment);
	cJSON_Delete(create.service);
	return rc;
}

/* A create by key stays: its repeat will find it. */
void op_create_take_back(struct op_call *call, const cJSON *request)
{
	const char *id = json_string_at(request, "id");
	const char *token = json_string_at(request, "token");

	if (id && token && !is_by_key(token))
		container_roll_back(call, id, token);
}
