/*
 * create: permission and debt; the objects of the container's workload, where the POST of the root decides races by its
 * name; then the reply with the debt to settle. On failure everything is removed: after an error nothing remains.
 */
#include "kube-worker/operation/op.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/record.h"
#include "common/services/log.h"
#include "kube-worker/agent_requests.h"
#include "kube-worker/container/container_find.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/container/container_make.h"
#include "kube-worker/container/removal.h"
#include "kube-worker/debt/create_debt.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/operation/permission.h"

#define KEY_MAX 255             /* bytes of an Idempotency-Key, as in openapi.yaml */
#define REMAINS_TIMEOUT_MS 1000 /* an unavailable Kubernetes has used 8 of the callers' 10 s */

struct create {
	struct create_debt debt; /* including id and token */
	char digest[CREATE_DEBT_DIGEST_MAX];
	const cJSON *spec;
	struct container_origin origin;
	struct making making;
};

/* ---- the request ------------------------------------------------------------------------------------------------- */

/*
 * The id that the agent will use for the delete. A repeat may arrive after the agent's request was removed from its
 * stream: then the first create was replied to, and its container has the token. Otherwise nothing is created, since a
 * container with another id would never be deleted.
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

/* The key's container has another id than requested: check whether it still exists, or the cache is outdated. */
static enum rc refuse_other_id(struct op_call *call, const struct create_debt *debt, const char *id, struct error *err)
{
	struct root root cleanup_root = { 0 };
	bool dying;
	enum rc rc = create_debt_look(call, debt, id, &root, &dying, err);

	if (rc == RC_NOT_FOUND)
		return RC_OK;
	return rc ? rc : create_debt_check(debt, id, NULL, err);
}

/* The key belongs to an existing container: use it. */
static enum rc find_by_key(struct op_call *call, struct create *create, struct error *err)
{
	struct create_debt *debt = &create->debt;
	char id[PROTOCOL_ID_MAX + 1];
	enum rc rc;

	if (!create_debt_is_by_key(debt->token))
		return RC_OK;
	rc = create_debt_digest(create->spec, create->digest, err);
	if (!rc)
		rc = container_find_by_token(call, debt->token, id, err);
	if (rc == RC_NOT_FOUND)
		return RC_OK;
	if (rc)
		return rc;
	if (!debt->any_id && strcmp(id, debt->id) != 0)
		return refuse_other_id(call, debt, id, err);
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

/* The kind-specific limit of the id, which openapi.yaml only describes. */
static enum rc check_id(struct op_call *call, enum kube_kind root, const char *id, struct error *err)
{
	struct json_writer w = json_writer_make(&call->faults);

	if (strlen(id) <= workload_id_max(root))
		return RC_OK;
	error_set(err, RC_INVALID_ARGUMENT,
		  "the id of a %s may have at most %zu characters: Kubernetes derives labels of its Pods from it",
		  kube_kind_name(root), workload_id_max(root));
	json_begin_object(&w, NULL);
	json_string(&w, "detail", err->text);
	json_string(&w, "pointer", "/query/id");
	json_end_object(&w);
	return RC_INVALID_ARGUMENT;
}

/* A container with this id and another name, created by another program, prevents the create. */
static enum rc refuse_other(struct op_call *call, const char *id, struct error *err)
{
	struct root other cleanup_root = { 0 };
	enum rc rc = container_find_other(call, id, &other, err);

	if (rc == RC_NOT_FOUND)
		return RC_OK;
	return rc ? rc : container_make_refuse(id, err);
}

/* A root with our token, not necessarily created by this attempt: find out whose debt it is. */
static enum rc join_existing(struct op_call *call, struct create *create, struct error *err)
{
	struct create_debt *debt = &create->debt;
	const struct root *root = &create->making.root;
	const char *attempt = root_annotation(root, ANNOTATION_ATTEMPT);

	if (call->caller && str_equal(attempt, call->caller)) {
		create->making.root_made = true; /* by a POST whose response was lost */
		return RC_OK;
	}
	if (call->caller && (debt->kind == DEBT_OBJECT || !root_has_record(root)))
		return create_debt_join_object(call, debt, root, err);
	if (debt->taken_over || (attempt && call->caller && permission_same_call(call->caller, attempt)))
		return RC_OK;
	create_debt_renounce(call, debt);
	return RC_OK;
}

static enum rc judge_existing(struct op_call *call, struct create *create, struct error *err)
{
	const struct create_debt *debt = &create->debt;
	const struct root *root = &create->making.root;
	enum rc rc;

	if (!labels_are_of(root->object, debt->id))
		return error_set(err, RC_ALREADY_EXISTS,
				 "a %s named '%s' that is not this container exists in the namespace",
				 kube_kind_name(root->kind), debt->id);
	if (json_at(root->object, "metadata.deletionTimestamp"))
		return error_set(err, RC_ALREADY_EXISTS, "container '%s' is still being deleted", debt->id);
	if (!str_equal(root_token(root), debt->token))
		return container_make_refuse(debt->id, err);
	rc = create_debt_check(debt, debt->id, root_annotation(root, ANNOTATION_DIGEST), err);
	return rc ? rc : join_existing(call, create, err);
}

/* As making.root_taken; ctx is the create. */
static enum rc look_at_existing(void *ctx, struct op_call *call, struct error *err)
{
	struct create *create = ctx;
	struct making *making = &create->making;
	enum rc rc = root_get(call, making->workload.source.root, create->debt.id, &making->root, err);

	return rc ? rc : judge_existing(call, create, err);
}

/* Reject if a container with the id has a root of that kind, also if it is being deleted. */
static enum rc refuse_kind(struct op_call *call, enum kube_kind kind, const char *id, struct error *err)
{
	struct root other cleanup_root = { 0 };
	enum rc rc = root_get(call, kind, id, &other, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	return labels_are_of(other.object, id) ? container_make_refuse(id, err) : RC_OK;
}

static enum rc refuse_kinds(struct op_call *call, unsigned kinds, const char *id, struct error *err)
{
	enum rc rc = RC_OK;

	for (int kind = 0; !rc && kind < KUBE_KIND_COUNT; kind++)
		if (kinds & 1u << kind)
			rc = refuse_kind(call, (enum kube_kind)kind, id, err);
	return rc;
}

/*
 * As making.root_stands. Names are unique only within a kind. So a create, after creating its root, checks for roots of
 * the other kinds: of two concurrent creates at least the later one finds the other's root, fails, and removes its own.
 * Both may fail. A settled root is not checked again. Workers of v0.1, which support only Deployments, do not check:
 * with them an id may get two roots.
 *
 * This needs one GET per create. An object that reserves the id for all kinds would avoid it, but would be needed for
 * every container.
 */
static enum rc refuse_other_kinds(void *ctx, struct op_call *call, struct error *err)
{
	struct create *create = ctx;
	const struct making *making = &create->making;

	if (!making->root_made && create->debt.kind == DEBT_NONE)
		return RC_OK;
	return refuse_kinds(call, workload_root_kinds() & ~(1u << making->root.kind), create->debt.id, err);
}

static void note_orphans(void *ctx, const struct fact *const *facts, size_t count)
{
	bool *orphans = ctx;
	bool root = false;
	bool pods = false;

	for (size_t i = 0; i < count; i++) {
		root |= workload_is_root(facts[i]->kind);
		pods |= facts[i]->kind == KUBE_POD && !facts[i]->deleting;
	}
	*orphans = pods && !root;
}

/*
 * Orphaned Pods of a predecessor (kubectl delete --cascade=orphan) are adopted by the next root, and would be deleted
 * with it if its create is undone: so rejections must be detected before.
 */
static enum rc check_orphans(struct op_call *call, const struct workload *workload, struct error *err)
{
	bool orphans = false;

	kube_cache_visit(call->env->cache, workload->source.id, note_orphans, &orphans);
	return orphans ? container_make_check_names(call, workload, err) : RC_OK;
}

/* ---- the container ----------------------------------------------------------------------------------------------- */

/* A new container has only its workload; a repeat returns the current state. */
static enum rc gather(struct op_call *call, const struct making *making, struct container_extras *extras,
		      struct error *err)
{
	cleanup_free struct fact *fact = NULL;
	enum rc rc;

	if (!making->root_made)
		return container_gather(call, &making->root, extras, err);
	rc = root_fact(&making->root, &fact, err);
	return rc ? rc : container_extras_read(extras, fact, NULL, 0, clock_mono_ms(), &call->env->status_rules, err);
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

static enum rc make(struct op_call *call, struct create *create, struct buf *result, struct error *err)
{
	const struct workload_source source = {
		.root = workload_root_kind(create->spec),
		.id = create->debt.id,
		.spec = create->spec,
		.origin = &create->origin,
		.external_service_type = call->env->external_service_type,
	};
	unsigned others = root_kinds_seen(call->env->cache, source.id) & ~(1u << source.root);
	enum rc rc = check_id(call, source.root, source.id, err);

	if (!rc)
		rc = refuse_other(call, source.id, err);
	if (!rc)
		rc = refuse_kinds(call, others, source.id,
				  err); /* avoids creating objects that must be removed again */
	create->origin = (struct container_origin){
		.token = create->debt.token,
		.attempt = call->caller,
		.digest = create->digest,
		.owed = create->debt.kind == DEBT_OBJECT,
	};
	if (!rc)
		rc = workload_make(&source, &create->making.workload, err);
	if (!rc)
		rc = check_orphans(call, &create->making.workload, err);
	if (!rc)
		rc = container_make(call, &create->making, err);
	if (!rc)
		rc = write_result(call, create, result, err);
	return rc ? rc : permission_hold(call, err); /* a delayed write may have been too late */
}

static const char *made_uid(const struct create *create)
{
	return create->making.root_made ? root_uid(&create->making.root) : NULL;
}

/*
 * Find the objects to remove, before the debt becomes void: afterwards another attempt may create the container again.
 * Objects created later are removed by the sweeper.
 */
static void look_at_remains(struct op_call *call, struct create *create)
{
	int64_t deadline_ms = call->deadline_ms;
	struct error err;

	if (create->making.root_made || !create->making.written)
		return;
	call->deadline_ms = clock_mono_ms() + REMAINS_TIMEOUT_MS;
	if (root_find(call, create->debt.id, root_has_token, create->debt.token, &create->making.root, &err))
		log_debug("nothing to remove now", log_str("id", create->debt.id), log_err(&err));
	call->deadline_ms = deadline_ms;
}

static void take_back(struct op_call *call, struct create *create)
{
	struct undo_what what = {
		.id = create->debt.id,
		.token = create->debt.token,
		.by_record = create->debt.kind == DEBT_RECORD,
	};
	bool may_remove;
	struct error err;

	look_at_remains(call, create);
	what.uid = root_uid(&create->making.root);
	may_remove = create_debt_void(call, &create->debt, made_uid(create), create->making.written);
	if (!may_remove || !what.uid)
		return;
	if (create->debt.kind == DEBT_OBJECT)
		what.owed_to = call->caller;
	if (removal_undo(call, &what, &err))
		log_warn("cannot undo a failed create yet; the sweeper will", log_str("id", what.id), log_err(&err),
			 log_str("request_id", call->request_id));
}

/*
 * Store the first record of a created container (protocol.h, MONITOR), so that its deletion is reported to DCM; an
 * existing record is not replaced. The acknowledgement is not awaited: a message sent before the reply is stored before
 * the client knows the container. No effect without JetStream.
 */
static void send_first_record(const struct op_env *env, const char *id, const struct root *root)
{
	const char *version = json_string_at(root->object, "metadata.resourceVersion");
	struct record record = { .id = id, .kind = root->kind, .name = id, .status = CONTAINER_PENDING };
	struct buf value cleanup_buf = buf_make(RECORD_MAX);
	char key[RECORD_KEY_MAX];
	struct error err;
	enum rc rc;

	if (version)
		(void)str_parse_int64(version, &record.version); /* 0 on failure */
	record_key(env->resource, id, key);
	record_write(&record, &value);
	rc = buf_check(&value, &err);
	if (!rc)
		rc = bus_bucket_send_if(env->caller, env->ledger->bucket, key, value.data, 0, &err);
	if (rc)
		log_warn("cannot send the first record of a container", log_str("id", id), log_err(&err));
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct create create = { .making = { .roles = WORKLOAD_ALL_ROLES,
					     .root_taken = look_at_existing,
					     .root_stands = refuse_other_kinds,
					     .ctx = &create } };
	enum rc rc = read_request(call, request, &create, err);

	if (!rc)
		rc = find_by_key(call, &create, err);
	if (!rc)
		rc = create_debt_take(call, &create.debt, &create.making.root, err);
	if (!rc && call->caller && create.debt.kind == DEBT_NONE) {
		rc = write_result(call, &create, result, err);
	} else if (!rc) {
		rc = make(call, &create, result, err);
		if (rc)
			take_back(call, &create);
		else
			create_debt_describe(call, &create.debt, root_uid(&create.making.root));
		call->keep_record = create.making.unsure;
	}
	if (!rc)
		send_first_record(call->env, create.debt.id, &create.making.root);
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
