/*
 * create: permission and debt; one POST of the Deployment, whose name decides the race; then the Service; then the reply,
 * which says how it is settled. What fails is taken back, so an error means that nothing was left behind.
 */
#include "kube-worker/ops.h"

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/container_object.h"
#include "common/container/labels.h"
#include "common/container/service_view.h"
#include "common/container/spec_ports.h"
#include "common/services/log.h"
#include "kube-worker/agent_requests.h"
#include "kube-worker/container_find.h"
#include "kube-worker/container_mark.h"
#include "kube-worker/container_remove.h"
#include "kube-worker/create_debt.h"
#include "kube-worker/first_record.h"
#include "kube-worker/op_kube.h"
#include "kube-worker/permission.h"
#include "kube-worker/request_digest.h"
#include "kube-worker/service_ensure.h"

#define KEY_MAX 255             /* bytes of an Idempotency-Key, as in openapi.yaml */
#define REMAINS_TIMEOUT_MS 1000 /* a Kubernetes that is away has taken 8 s of the 10 after which callers give up */
#define TRIES_MAX 3             /* each time that a Deployment of the name vanishes while we look at it */

struct create {
	struct create_debt debt; /* with the id and the token */
	char digest[REQUEST_DIGEST_MAX];
	const cJSON *spec;
	bool written;  /* a POST has left for the API server */
	bool unsure;   /* one of them had no clear answer: it may still be carried out */
	bool made_now; /* by this attempt */
	struct kube_reply deployment;
	cJSON *service;
};

/* ---- the request ------------------------------------------------------------------------------------------------- */

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

	rc = agent_requests_find(call->env->caller, name, key, call->deadline_ms, create->debt.id, &why);
	if (rc == RC_NOT_FOUND)
		error_set(&why, RC_UNAVAILABLE, "agent '%s' has no request with this Idempotency-Key in its streams",
			  name);
	if (rc == RC_NOT_FOUND || rc == RC_UNAVAILABLE) {
		rc = container_find_by_token(call, create->debt.token, create->debt.id, err);
		if (rc && rc != RC_NOT_FOUND)
			return rc;
	}
	if (rc)
		*err = why;
	return rc ? why.rc : RC_OK;
}

/* Has the container of a key gone, although the cache still shows it? */
static bool has_gone(struct op_call *call, const char *id, const char *token)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct error err;
	enum rc rc = op_kube_get(call, KUBE_DEPLOYMENT, id, &reply, &err);

	return rc == RC_NOT_FOUND || (!rc && !str_equal(container_token(reply.object), token));
}

/* A key that has made a container: that one is meant. */
static enum rc find_by_key(struct op_call *call, struct create *create, struct error *err)
{
	struct create_debt *debt = &create->debt;
	char id[PROTOCOL_ID_MAX + 1];
	enum rc rc;

	if (!create_debt_is_by_key(debt->token))
		return RC_OK;
	rc = request_digest(create->spec, create->digest, err);
	if (!rc)
		rc = container_find_by_token(call, debt->token, id, err);
	if (rc == RC_NOT_FOUND)
		return RC_OK;
	if (!rc)
		rc = create_debt_check(debt, id, NULL, err);
	if (rc == RC_KEY_REUSED && has_gone(call, id, debt->token))
		return RC_OK;
	if (rc)
		return rc;
	debt->exists = true;
	snprintf(debt->id, sizeof(debt->id), "%s", id);
	return RC_OK;
}

static enum rc read_request(struct op_call *call, const cJSON *request, struct create *create, struct error *err)
{
	const cJSON *agent = json_get(request, "agent");
	const char *id = json_string_at(request, "id");

	create->debt.digest = create->digest;
	create->debt.token = json_string_at(request, "token");
	create->debt.any_id = json_true_at(request, "any_id");
	create->spec = json_get(request, "spec");
	if (agent)
		return find_agent_id(call, agent, create, err);
	snprintf(create->debt.id, sizeof(create->debt.id), "%s", id);
	return RC_OK;
}

/* ---- the Deployment ---------------------------------------------------------------------------------------------- */

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

/* A Deployment with our token, which this attempt has not made for certain: whose debt is it? */
static enum rc join_existing(struct op_call *call, struct create *create, struct error *err)
{
	struct create_debt *debt = &create->debt;
	const cJSON *deployment = create->deployment.object;
	const char *attempt = container_annotation(deployment, ANNOTATION_ATTEMPT);

	if (call->caller && str_equal(attempt, call->caller)) {
		create->made_now = true; /* by a POST whose answer was lost */
		return RC_OK;
	}
	if (debt->taken_over || (attempt && call->caller && permission_same_call(call->caller, attempt)))
		return RC_OK;
	if (debt->kind == DEBT_OBJECT)
		return create_debt_join_object(call, debt, deployment, err);
	create_debt_renounce(call, debt);
	return RC_OK;
}

/* The name is taken: RC_OK when by this request, RC_NOT_FOUND when it is free again. */
static enum rc look_at_existing(struct op_call *call, struct create *create, struct error *err)
{
	const struct create_debt *debt = &create->debt;
	const cJSON *deployment;
	enum rc rc;

	kube_reply_clear(&create->deployment);
	rc = op_kube_get(call, KUBE_DEPLOYMENT, debt->id, &create->deployment, err);
	if (rc)
		return rc;
	deployment = create->deployment.object;
	if (!container_is(deployment, debt->id))
		return error_set(err, RC_ALREADY_EXISTS,
				 "a Deployment named '%s' that is not a container exists in the namespace", debt->id);
	if (json_at(deployment, "metadata.deletionTimestamp"))
		return error_set(err, RC_ALREADY_EXISTS, "container '%s' is still being deleted", debt->id);
	if (!str_equal(container_token(deployment), debt->token))
		return taken(debt->id, err);
	rc = create_debt_check(debt, debt->id, container_annotation(deployment, ANNOTATION_DIGEST), err);
	return rc ? rc : join_existing(call, create, err);
}

static enum rc post_deployment(struct op_call *call, struct create *create, struct error *err)
{
	const struct container_origin origin = {
		.token = create->debt.token,
		.attempt = call->caller,
		.digest = create->digest,
		.owed = create->debt.kind == DEBT_OBJECT,
	};
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	enum rc rc = container_write_deployment(create->debt.id, create->spec, &origin, &body, err);

	for (int i = 0; !rc && i < TRIES_MAX; i++) {
		rc = permission_hold(call, err);
		if (rc)
			return rc;
		create->written = true;
		rc = op_kube_create(call, KUBE_DEPLOYMENT, &body, &create->deployment, err);
		create->made_now = !rc;
		create->unsure |= create->deployment.unsure;
		if (rc != RC_ALREADY_EXISTS)
			return rc;
		rc = look_at_existing(call, create, err);
		if (rc != RC_NOT_FOUND)
			return rc;
		rc = RC_OK;
	}
	return rc ? rc : taken(create->debt.id, err);
}

/* ---- the container ----------------------------------------------------------------------------------------------- */

static enum rc write_result(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct json_writer service = json_writer_make(&extras.service);
	struct json_writer w = json_writer_make(result);

	if (!create->made_now) { /* a repeat shows the container as it is by now */
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

/* The key's container is settled: it is the result, and nothing is written. */
static enum rc show(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	enum rc rc = look_at_existing(call, create, err);

	if (rc == RC_NOT_FOUND)
		return error_set(err, RC_PENDING, "the container of this Idempotency-Key has just gone");
	return rc ? rc : write_result(call, create, result, err);
}

static enum rc make(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	enum rc rc = refuse_other(call, create->debt.id, err);

	if (!rc)
		rc = post_deployment(call, create, err);
	if (!rc && spec_wants_service(create->spec))
		rc = permission_hold(call, err);
	if (!rc && spec_wants_service(create->spec))
		rc = service_ensure(call, create->debt.id, create->spec, create->deployment.object, &create->service,
				    err);
	if (!rc)
		rc = write_result(call, create, result, err);
	return rc ? rc : permission_hold(call, err); /* a write that was held up may have come too late */
}

static const char *made_uid(const struct create *create)
{
	return create->made_now ? json_string_at(create->deployment.object, "metadata.uid") : NULL;
}

/*
 * What there is to take back, looked up before the debt becomes void: afterwards another attempt may make the container
 * again. What comes into being later is the sweeper's.
 */
static void look_at_remains(struct op_call *call, struct create *create)
{
	int64_t deadline_ms = call->deadline_ms;
	struct error err;

	if (create->made_now || !create->written)
		return;
	call->deadline_ms = clock_mono_ms() + REMAINS_TIMEOUT_MS;
	kube_reply_clear(&create->deployment);
	if (op_kube_get(call, KUBE_DEPLOYMENT, create->debt.id, &create->deployment, &err))
		kube_reply_clear(&create->deployment);
	call->deadline_ms = deadline_ms;
}

static void take_back(struct op_call *call, struct create *create)
{
	struct undo_what what = { .id = create->debt.id, .token = create->debt.token };
	bool may_remove;
	struct error err;

	look_at_remains(call, create);
	what.uid = json_string_at(create->deployment.object, "metadata.uid");
	may_remove = create_debt_void(call, &create->debt, made_uid(create), create->written);
	if (!may_remove || !what.uid)
		return;
	if (create->debt.kind == DEBT_OBJECT)
		what.owed_to = call->caller;
	if (container_undo(call, &what, &err))
		log_warn("a failed create could not be taken back yet; the sweeper will", log_str("id", what.id),
			 log_err(&err), log_str("request_id", call->request_id));
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct create create = { 0 };
	enum rc rc = read_request(call, request, &create, err);

	if (!rc)
		rc = find_by_key(call, &create, err);
	if (!rc)
		rc = create_debt_take(call, &create.debt, err);
	if (!rc && call->caller && create.debt.kind == DEBT_NONE) {
		rc = show(call, &create, result, err);
	} else if (!rc) {
		rc = make(call, &create, result, err);
		if (rc)
			take_back(call, &create);
		else
			create_debt_describe(call, &create.debt,
					     json_string_at(create.deployment.object, "metadata.uid"));
		call->keep_record = create.unsure;
	}
	if (!rc)
		first_record_send(call->env, create.debt.id, create.deployment.object);
	kube_reply_clear(&create.deployment);
	cJSON_Delete(create.service);
	return rc;
}

static bool is_key(const char *text)
{
	return request_is_visible(text, KEY_MAX);
}

static enum rc check(const cJSON *request, struct error *err)
{
	if (!json_get(request, "id") == !json_get(request, "agent"))
		return error_set(err, RC_INTERNAL, "a create request without id and agent, or with both");
	return RC_OK;
}

static const struct request_member members[] = {
	{ .name = "id", .type = request_member_is_text, .valid = protocol_is_id, .form = "an id" },
	{ .name = "any_id", .type = request_member_is_bool, .form = "true or false" },
	{ .name = "spec", .required = true, .type = request_member_is_object, .form = "an object" },
	{ .name = "token",
	  .required = true,
	  .type = request_member_is_text,
	  .valid = protocol_is_create_token,
	  .form = "a creation token" },
	{ .name = "agent", .type = request_member_is_object, .form = "an object" },
	{ .parent = "agent",
	  .name = "name",
	  .required = true,
	  .type = request_member_is_text,
	  .valid = protocol_is_agent_name,
	  .form = PROTOCOL_AGENT_NAME_FORM },
	{ .parent = "agent",
	  .name = "key",
	  .required = true,
	  .type = request_member_is_text,
	  .valid = is_key,
	  .form = "1 to 255 visible ASCII characters" },
};

const struct op op_create = { run, members, ARRAY_LEN(members), check };
