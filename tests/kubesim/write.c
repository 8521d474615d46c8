/*
 * POST, PUT, PATCH and DELETE: from a request's body to a stored object.
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/patch.h"
#include "tests/kubesim/scale.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/tree.h"
#include "tests/kubesim/validate.h"

static void answer_unsupported(struct sim_response *rs)
{
	sim_answer_status(rs, &(struct sim_status){ .code = 415, .reason = "UnsupportedMediaType" },
			  "the body of the request was in an unknown format");
}

/* The request's body, which must be an object, and JSON: `kubectl create deployment` speaks protobuf. */
static bool read_body(const struct sim_request *rq, struct sim_response *rs, cJSON **ret_tree)
{
	cleanup_json cJSON *tree = NULL;
	struct error err;

	if (rq->content_type[0] && !strstr(rq->content_type, "json")) {
		answer_unsupported(rs);
		return false;
	}
	if (json_parse(rq->body.data, rq->body.len, &tree, &err)) {
		sim_answer_bad_request(rs, err.text);
		return false;
	}
	if (!cJSON_IsObject(tree)) {
		sim_answer_bad_request(rs, "the object provided is unrecognized");
		return false;
	}
	*ret_tree = TAKE(tree);
	return true;
}

/* Everything that can be wrong with an object, and what the cluster gives it. */
static bool complete(const struct sim_kind *kind, cJSON *tree, const cJSON *old, struct sim_response *rs)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };
	const char *name = json_string_at(tree, "metadata.name");

	if (cJSON_GetArraySize(json_at(tree, "metadata.finalizers")) == 0)
		sim_tree_drop(json_get(tree, "metadata"), "finalizers");
	if (kind->set_defaults)
		kind->set_defaults(tree);
	if (kind->allocate)
		kind->allocate(tree, old);
	sim_validate(kind, tree, &causes);
	if (causes.count)
		sim_answer_invalid(rs, kind, name ? name : "", &causes);
	return causes.count == 0;
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

/* The namespace must be there, and must be going to stay. */
static bool check_namespace(struct sim *sim, const struct sim_target *t, const char *name, struct sim_response *rs)
{
	struct sim_status status = { .code = 403, .reason = "Forbidden", .kind = t->kind, .name = name };
	cleanup_object struct sim_object *ns = NULL;

	if (!t->kind->namespaced)
		return true;
	ns = sim_store_get(sim->store, &sim_kinds[SIM_NAMESPACE], "", t->ns);
	if (!ns)
		sim_answer_not_found(rs, &sim_kinds[SIM_NAMESPACE], t->ns);
	else if (ns->deleting)
		sim_answer_status(rs, &status,
				  "%s \"%s\" is forbidden: unable to create new content in namespace %s because it is "
				  "being terminated",
				  t->kind->resource, name, t->ns);
	return ns && !ns->deleting;
}

static bool check_quota(struct sim *sim, const struct sim_target *t, const char *name, struct sim_response *rs)
{
	struct sim_status status = { .code = 403, .reason = "Forbidden", .kind = t->kind, .name = name };
	char message[SIM_REFUSAL_MAX];

	if (!sim_faults_refuse(sim, t->kind, name, message))
		return true;
	sim_answer_status(rs, &status, "%s", message);
	return false;
}

void sim_create(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_object struct sim_object *stored = NULL;
	cleanup_json cJSON *tree = NULL;
	const char *name;

	if (!read_body(rq, rs, &tree))
		return;
	sim_tree_drop_nulls(tree);
	sim_tree_drop(tree, "status");
	sim_objects_stamp(t->kind, tree, t->ns);
	name = json_string_at(tree, "metadata.name");
	if (!check_namespace(sim, t, name ? name : "", rs) || !check_quota(sim, t, name ? name : "", rs) ||
	    !complete(t->kind, tree, NULL, rs))
		return;
	if (sim_objects_insert(sim, t->kind, tree, &stored))
		sim_answer_exists(rs, t->kind, name);
	else
		sim_answer_object(rs, 201, stored);
}

/* ---- update and patch -------------------------------------------------------------------------------------------- */

/* Make a member of `to` what it is in `from`, or drop it. */
static void copy_member(cJSON *to, const cJSON *from, const char *key)
{
	const cJSON *value = json_get(from, key);

	if (value)
		sim_tree_set(to, key, sim_tree_copy(value));
	else
		sim_tree_drop(to, key);
}

/* What a client cannot change comes from the object as it is: some metadata, and one half, the status or the rest. */
static void keep_old(cJSON *tree, const cJSON *old, bool of_status)
{
	static const char *const kept[] = {
		"uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
		"generation", "namespace",         "generateName",      "name"
	};
	const cJSON *member = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		copy_member(sim_tree_child(tree, "metadata"), json_get(old, "metadata"), kept[i]);
	if (!of_status)
		copy_member(tree, old, "status");
	cJSON_ArrayForEach (member, old)
		if (of_status && !str_equal(member->string, "status"))
			copy_member(tree, old, member->string);
}

/* The request must mean the object that is there: its name, its uid and its version, where it says them. */
static bool check_identity(const struct sim_target *t, const cJSON *metadata, const struct sim_object *current,
			   struct sim_response *rs)
{
	const char *name = json_string_at(metadata, "name");
	const char *uid = json_string_at(metadata, "uid");
	const char *version = json_string_at(metadata, "resourceVersion");
	char now[32];

	snprintf(now, sizeof(now), "%" PRIu64, current->version);
	if (name && !str_equal(name, t->name))
		sim_answer_bad_request(rs, "the name of the object does not match the name on the URL");
	else if ((uid && !str_equal(uid, current->uid)) || (version && *version && !str_equal(version, now)))
		sim_answer_modified(rs, t->kind, t->name);
	else
		return true;
	return false;
}

/* Store `tree` in the place of `current`. An error: `current` is not current any more, and nothing is answered. */
static enum rc store_changed(struct sim *sim, const struct sim_target *t, const struct sim_object *current, cJSON *tree,
			     struct sim_object **ret_stored, struct sim_response *rs)
{
	cleanup_json cJSON *old = sim_object_tree(current);
	enum rc rc;

	keep_old(tree, old, str_equal(t->subresource, "status"));
	if (t->kind->generations && !cJSON_Compare(json_get(tree, "spec"), json_get(old, "spec"), true))
		sim_tree_set_int(json_get(tree, "metadata"), "generation",
				 json_int_at(old, "metadata.generation", 0) + 1);
	if (!complete(t->kind, tree, old, rs))
		return RC_OK;
	rc = sim_objects_replace(sim, current, tree, ret_stored);
	if (!rc && sim_objects_finished(*ret_stored, tree))
		(void)sim_objects_remove(sim,
					 *ret_stored); /* else somebody was faster, and the controllers remove it */
	return rc;
}

static enum rc change_once(struct sim *sim, const struct sim_target *t, const struct sim_object *current,
			   sim_patch_function apply, const cJSON *body, struct sim_response *rs)
{
	cleanup_json cJSON *tree = sim_object_tree(current);
	cleanup_json cJSON *scale = str_equal(t->subresource, "scale") ? sim_scale_tree(current) : NULL;
	cleanup_object struct sim_object *stored = NULL;
	enum rc rc;

	apply(scale ? scale : tree, body);
	if (!check_identity(t, json_get(scale ? scale : tree, "metadata"), current, rs))
		return RC_OK;
	if (scale)
		sim_tree_set_int(sim_tree_child(tree, "spec"), "replicas", json_int_at(scale, "spec.replicas", 0));
	rc = store_changed(sim, t, current, tree, &stored, rs);
	rs->status = stored ? 200 : rs->status;
	if (stored && scale)
		sim_scale_write(stored, &rs->body);
	else if (stored)
		sim_answer_object(rs, 200, stored);
	return rc;
}

/* Apply the body to the object as it is, again and again until nobody else was faster. */
static void change(struct sim *sim, const struct sim_target *t, struct sim_request *rq, sim_patch_function apply,
		   struct sim_response *rs)
{
	cleanup_json cJSON *body = NULL;
	enum rc rc;

	if (!read_body(rq, rs, &body))
		return;
	do {
		cleanup_object struct sim_object *current = sim_store_get(sim->store, t->kind, t->ns, t->name);

		rc = current ? change_once(sim, t, current, apply, body, rs) : RC_NOT_FOUND;
	} while (rc == RC_CONFLICT);
	if (rc)
		sim_answer_not_found(rs, t->kind, t->name);
}

/* What PUT does in the place of a patch. */
static void replace_whole(cJSON *target, const cJSON *body)
{
	const cJSON *member = NULL;

	while (target->child)
		cJSON_Delete(cJSON_DetachItemViaPointer(target, target->child));
	cJSON_ArrayForEach (member, body)
		sim_tree_set(target, member->string, sim_tree_copy(member));
	sim_tree_drop_nulls(target);
}

void sim_update(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	change(sim, t, rq, replace_whole, rs);
}

void sim_patch(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	sim_patch_function apply = sim_patch_find(rq->content_type);

	if (apply)
		change(sim, t, rq, apply, rs);
	else
		answer_unsupported(rs);
}

/* ---- delete ------------------------------------------------------------------------------------------------------ */

static bool check_preconditions(const struct sim_target *t, const cJSON *body, const struct sim_object *current,
				struct sim_response *rs)
{
	struct sim_status status = { .code = 409, .reason = "Conflict", .kind = t->kind, .name = t->name };
	const char *uid = json_string_at(body, "preconditions.uid");
	const char *version = json_string_at(body, "preconditions.resourceVersion");
	bool uid_differs = uid && !str_equal(uid, current->uid);
	char now[32];

	snprintf(now, sizeof(now), "%" PRIu64, current->version);
	if (!uid_differs && (!version || str_equal(version, now)))
		return true;
	sim_answer_status(
		rs, &status,
		"Operation cannot be fulfilled on %s \"%s\": the %s in the precondition (%s) does not match the "
		"%s in record (%s). The object might have been %s",
		t->kind->resource, t->name, uid_differs ? "UID" : "ResourceVersion", uid_differs ? uid : version,
		uid_differs ? "UID" : "ResourceVersion", uid_differs ? current->uid : now,
		uid_differs ? "deleted and then recreated" : "modified");
	return false;
}

static void answer_deleted(const struct sim_target *t, const char *uid, struct sim_response *rs)
{
	rs->status = 200;
	buf_addf(&rs->body,
		 "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\",\"details\":{"
		 "\"name\":"
		 "\"%s\",\"kind\":\"%s\",\"uid\":\"%s\"}}",
		 t->name, t->kind->plural, uid);
}

static enum rc delete_once(struct sim *sim, const struct sim_target *t, const cJSON *options, struct sim_response *rs)
{
	cleanup_object struct sim_object *current = sim_store_get(sim->store, t->kind, t->ns, t->name);
	cleanup_object struct sim_object *left = NULL;
	enum rc rc;

	if (!current)
		return RC_NOT_FOUND;
	if (!check_preconditions(t, options, current, rs))
		return RC_OK;
	rc = sim_objects_delete(sim, current, json_int_at(options, "gracePeriodSeconds", -1), &left);
	if (!rc && left)
		sim_answer_object(rs, 200, left);
	else if (!rc)
		answer_deleted(t, current->uid, rs);
	return rc;
}

void sim_delete(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_json cJSON *options = NULL;
	const char *policy;
	enum rc rc;

	if (rq->body.len && !read_body(rq, rs, &options))
		return;
	policy = json_string_at(options, "propagationPolicy");
	if (policy && !str_equal(policy, "Background")) {
		sim_answer_bad_request(rs, "this simulator knows no propagationPolicy but Background");
		return;
	}
	do {
		rc = delete_once(sim, t, options, rs);
	} while (rc == RC_CONFLICT);
	if (rc)
		sim_answer_not_found(rs, t->kind, t->name);
}
