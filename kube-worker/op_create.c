/*
 * create: permission and debt; the objects of the container's workload, of which the root is one POST whose name decides
 * the race; then the reply, which says how it is settled. What fails is taken back: after an error nothing remains.
 */
#include "kube-worker/ops.h"

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/services/log.h"
#include "kube-worker/agent_requests.h"
#include "kube-worker/container_find.h"
#include "kube-worker/container_make.h"
#include "kube-worker/container_remove.h"
#include "kube-worker/create_debt.h"
#include "kube-worker/first_record.h"
#include "kube-worker/permission.h"
#include "kube-worker/request_digest.h"

#define KEY_MAX 255             /* bytes of an Idempotency-Key, as in openapi.yaml */
#define REMAINS_TIMEOUT_MS 1000 /* a Kubernetes that is away has taken 8 s of the 10 after which callers give up */

struct create {
	struct create_debt debt; /* with the id and the token */
	char digest[REQUEST_DIGEST_MAX];
	const cJSON *spec;
	struct container_origin origin;
	struct making making;
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
	struct root root cleanup_root = { 0 };
	struct error err;
	enum rc rc = root_get(call, id, &root, &err);

	return rc == RC_NOT_FOUND || (!rc && !str_equal(root_token(&root), token));
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

/* ---- the root ---------------------------------------------------------------------------------------------------- */

/* A container of this id that another program made under another name blocks it. */
static enum rc refuse_other(struct op_call *call, const char *id, struct error *err)
{
	struct root other cleanup_root = { 0 };
	enum rc rc = container_find_other(call, id, &other, err);

	if (rc == RC_NOT_FOUND)
		return RC_OK;
	return rc ? rc : container_is_taken(id, err);
}

/* A root with our token, which this attempt has not made for certain: whose debt is it? */
static enum rc join_existing(struct op_call *call, struct create *create, struct error *err)
{
	struct create_debt *debt = &create->debt;
	const struct root *root = &create->making.root;
	const char *attempt = root_annotation(root, ANNOTATION_ATTEMPT);

	if (call->caller && str_equal(attempt, call->caller)) {
		create->making.root_made = true; /* by a POST whose answer was lost */
		return RC_OK;
	}
	if (debt->taken_over || (attempt && call->caller && permission_same_call(call->caller, attempt)))
		return RC_OK;
	if (debt->kind == DEBT_OBJECT)
		return create_debt_join_object(call, debt, root, err);
	create_debt_renounce(call, debt);
	return RC_OK;
}

/* As making.root_taken; ctx is the create. */
static enum rc look_at_existing(void *ctx, struct op_call *call, struct error *err)
{
	struct create *create = ctx;
	const struct create_debt *debt = &create->debt;
	struct root *root = &create->making.root;
	enum rc rc = root_get(call, debt->id, root, err);

	if (rc)
		return rc;
	if (!labels_are_of(root->object, debt->id))
		return error_set(err, RC_ALREADY_EXISTS,
				 "a %s named '%s' that is not a container exists in the namespace",
				 kube_kind_name(root->kind), debt->id);
	if (json_at(root->object, "metadata.deletionTimestamp"))
		return error_set(err, RC_ALREADY_EXISTS, "container '%s' is still being deleted", debt->id);
	if (!str_equal(root_token(root), debt->token))
		return container_is_taken(debt->id, err);
	rc = create_debt_check(debt, debt->id, root_annotation(root, ANNOTATION_DIGEST), err);
	return rc ? rc : join_existing(call, create, err);
}

/* ---- the container ----------------------------------------------------------------------------------------------- */

/* A container that was made now has nothing yet but its workload; a repeat shows it as it is by now. */
static enum rc gather(struct op_call *call, const struct making *making, struct container_extras *extras,
		      struct error *err)
{
	const struct status_rules rules = worker_status_rules(call->env->config);
	cleanup_free struct fact *fact = NULL;
	enum rc rc;

	if (!making->root_made)
		return container_gather(call, &making->root, extras, err);
	rc = root_fact(&making->root, &fact, err);
	return rc ? rc : container_extras_read(extras, fact, NULL, 0, clock_mono_ms(), &rules, err);
}

static enum rc write_result(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct json_writer w = json_writer_make(result);
	enum rc rc = gather(call, &create->making, &extras, err);

	if (!rc)
		rc = making_show(&create->making, &extras, err);
	return rc ? rc : container_view_write(&w, create->making.root.object, &extras, call->etag, err);
}

/* The key's container is settled: it is the result, and nothing is written. */
static enum rc show(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	enum rc rc = look_at_existing(create, call, err);

	if (rc == RC_NOT_FOUND)
		return error_set(err, RC_PENDING, "the container of this Idempotency-Key has just gone");
	return rc ? rc : write_result(call, create, result, err);
}

static enum rc make(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	const struct workload_source source = {
		.id = create->debt.id,
		.spec = create->spec,
		.origin = &create->origin,
		.external_service_type = call->env->config->external_service_type,
	};
	enum rc rc = refuse_other(call, create->debt.id, err);

	create->origin = (struct container_origin){
		.token = create->debt.token,
		.attempt = call->caller,
		.digest = create->digest,
		.owed = create->debt.kind == DEBT_OBJECT,
	};
	if (!rc)
		rc = workload_make(&source, &create->making.workload, err);
	if (!rc)
		rc = container_make(call, &create->making, err);
	if (!rc)
		rc = write_result(call, create, result, err);
	return rc ? rc : permission_hold(call, err); /* a write that was held up may have come too late */
}

static const char *made_uid(const struct create *create)
{
	return create->making.root_made ? root_uid(&create->making.root) : NULL;
}

/*
 * What there is to take back, looked up before the debt becomes void: afterwards another attempt may make the container
 * again. What comes into being later is the sweeper's.
 */
static void look_at_remains(struct op_call *call, struct create *create)
{
	int64_t deadline_ms = call->deadline_ms;
	struct error err;

	if (create->making.root_made || !create->making.written)
		return;
	call->deadline_ms = clock_mono_ms() + REMAINS_TIMEOUT_MS;
	if (root_get(call, create->debt.id, &create->making.root, &err))
		log_debug("there is nothing to take back now", log_str("id", create->debt.id), log_err(&err));
	call->deadline_ms = deadline_ms;
}

static void take_back(struct op_call *call, struct create *create)
{
	struct undo_what what = { .id = create->debt.id, .token = create->debt.token };
	bool may_remove;
	struct error err;

	look_at_remains(call, create);
	what.uid = root_uid(&create->making.root);
	may_remove = create_debt_void(call, &create->debt, made_uid(create), create->making.written);
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
	struct create create = {
		.making = { .roles = WORKLOAD_ALL_ROLES, .root_taken = look_at_existing, .ctx = &create }
	};
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
			create_debt_describe(call, &create.debt, root_uid(&create.making.root));
		call->keep_record = create.making.unsure;
	}
	if (!rc)
		first_record_send(call->env, create.debt.id, create.making.root.object);
	making_clear(&create.making);
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

const struct op op_create = { .run = run, .members = members, .member_count = ARRAY_LEN(members), .check = check };
