/*
 * POST and PUT: from a request's body to a stored object. (PATCH makes a body of its own: patch.c.)
 */
#include "tests/kubesim/write.h"

#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/params.h"
#include "tests/kubesim/scale.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/tree.h"
#include "tests/kubesim/types.h"

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static bool is_json(const char *content_type)
{
	size_t len = strcspn(content_type, "; ");

	return len == 0 || (len == strlen("application/json") && strncmp(content_type, "application/json", len) == 0);
}

/* kind and apiVersion of the body, where they are given, must be those of the path. */
static bool check_kind(const struct sim_kind *kind, const cJSON *tree, struct sim_response *rs)
{
	const char *given = json_string_at(tree, "kind");
	const char *version = json_string_at(tree, "apiVersion");
	char expected[64];

	snprintf(expected, sizeof(expected), "%s%s%s", kind->group, kind->group[0] ? "/" : "", kind->version);
	if ((!given || str_equal(given, kind->kind)) && (!version || str_equal(version, expected)))
		return true;
	sim_answer_status(rs, 400, "BadRequest", NULL,
			  "%s in version \"%s\" cannot be handled as a %s: converting (%s.%s) to (%s.%s): unknown "
			  "conversion",
			  given ? given : "", version ? version : "", kind->kind, version ? version : "",
			  given ? given : "", kind->group[0] ? kind->group : "core", kind->kind);
	return false;
}

bool sim_write_decode(const struct sim_kind *kind, const struct sim_request *rq, struct sim_response *rs,
		      cJSON **ret_tree)
{
	cleanup_json cJSON *tree = NULL;
	struct error err;
	char fault[512];

	if (!is_json(rq->content_type)) {
		sim_answer_status(rs, 415, "UnsupportedMediaType", NULL,
				  "the body of the request was in an unknown format - accepted media types include: "
				  "application/json, application/yaml, application/vnd.kubernetes.protobuf");
		return false;
	}
	if (json_parse(rq->body.data, rq->body.len, &tree, &err) || !cJSON_IsObject(tree)) {
		sim_answer_status(
			rs, 400, "BadRequest", NULL,
			"the object provided is unrecognized (must be of type %s): couldn't get version/kind; "
			"json parse error: %s",
			kind->kind, tree ? "not an object" : err.text);
		return false;
	}
	if (!check_kind(kind, tree, rs))
		return false;
	sim_tree_drop_nulls(tree);
	if (!sim_types_check(kind->kind, tree, fault, sizeof(fault))) {
		sim_answer_status(rs, 400, "BadRequest", NULL, "%s in version \"%s\" cannot be handled as a %s: %s",
				  kind->kind, kind->version, kind->kind, fault);
		return false;
	}
	*ret_tree = TAKE(tree);
	return true;
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

static void answer_terminating(const struct sim_target *t, const char *name, struct sim_response *rs)
{
	char message[320];
	struct sim_causes causes = { .items = { { .reason = "NamespaceTerminating",
						  .message = message,
						  .field = (char *)(uintptr_t) "metadata.namespace" } },
				     .count = 1 };
	struct sim_details details = { .present = true,
				       .name = name,
				       .group = t->kind->group[0] ? t->kind->group : NULL,
				       .kind = t->kind->plural,
				       .causes = &causes };

	snprintf(message, sizeof(message), "namespace %s is being terminated", t->ns);
	sim_answer_status(rs, 403, "Forbidden", &details,
			  "%s \"%s\" is forbidden: unable to create new content in namespace %s because it is being "
			  "terminated",
			  t->kind->resource, name, t->ns);
}

/* The namespace must be there, and must be going to stay. */
static bool check_namespace(struct sim *sim, const struct sim_target *t, const char *name, struct sim_response *rs)
{
	cleanup_object struct sim_object *ns = NULL;

	if (!t->kind->namespaced)
		return true;
	ns = sim_store_get(sim->store, &sim_kinds[SIM_NAMESPACE], "", t->ns);
	if (!ns) {
		sim_answer_not_found(rs, &sim_kinds[SIM_NAMESPACE], t->ns);
		return false;
	}
	if (!ns->deleting)
		return true;
	answer_terminating(t, name, rs);
	return false;
}

static bool check_body_namespace(const struct sim_target *t, const cJSON *tree, struct sim_response *rs)
{
	const char *ns = json_string_at(tree, "metadata.namespace");

	if (!t->kind->namespaced || !ns || !*ns || str_equal(ns, t->ns))
		return true;
	sim_answer_bad_request(rs, "the namespace of the provided object does not match the namespace sent on the "
				   "request");
	return false;
}

/* Everything that can be wrong with a new object, and what the cluster gives it. */
static bool complete(struct sim *sim, const struct sim_target *t, cJSON *tree, const cJSON *old, bool dry_run,
		     struct sim_response *rs)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };
	const char *name = json_string_at(tree, "metadata.name");
	const struct sim_kind *kind = t->kind;

	kind->set_defaults(tree);
	if (kind->validate)
		kind->validate(sim, tree, old, &causes);
	if (causes.count == 0 && kind->allocate)
		kind->allocate(sim, tree, old, dry_run, &causes);
	if (causes.count)
		sim_answer_invalid(rs, kind->group, kind->kind, name ? name : "", &causes);
	return causes.count == 0;
}

/* The object does not come to be: what it was given goes back. */
static void give_back(struct sim *sim, const struct sim_target *t, cJSON *tree)
{
	cleanup_object struct sim_object *draft = sim_object_create(t->kind, tree, 0);

	if (draft && t->kind->released)
		t->kind->released(sim, draft);
}

static bool check_quota(struct sim *sim, const struct sim_target *t, cJSON *tree, bool dry_run, struct sim_response *rs)
{
	const char *name = json_string_at(tree, "metadata.name");
	struct sim_details details = { .present = true,
				       .name = name,
				       .group = t->kind->group[0] ? t->kind->group : NULL,
				       .kind = t->kind->plural };
	char message[800];

	if (!sim_faults_refuse(sim, t->kind, t->ns, name, message, sizeof(message)))
		return true;
	sim_answer_status(rs, 403, "Forbidden", &details, "%s", message);
	if (!dry_run)
		give_back(sim, t, tree);
	return false;
}

/* A dry run shows what would be stored: a new object without a version, a changed one with its old version. */
static void answer_draft(const struct sim_kind *kind, cJSON *tree, uint64_t version, struct sim_response *rs)
{
	rs->object = sim_object_create(kind, tree, version);
	rs->status = version ? 200 : 201;
	if (!rs->object)
		sim_answer_internal(rs, "out of memory");
}

static void store_new(struct sim *sim, const struct sim_target *t, cJSON *tree, bool dry_run, struct sim_response *rs)
{
	const char *name = json_string_at(tree, "metadata.name");
	const char *version = json_string_at(tree, "metadata.resourceVersion");
	struct sim_object *there = NULL;

	if (!dry_run && version && *version) {
		sim_answer_status(rs, 500, "", NULL, "resourceVersion should not be set on objects to be created");
		give_back(sim, t, tree);
		return;
	}
	if (dry_run && (there = sim_store_get(sim->store, t->kind, t->ns, name)) == NULL) {
		answer_draft(t->kind, tree, 0, rs);
	} else if (there || sim_objects_insert(sim, t->kind, tree, &rs->object)) {
		if (!there)
			give_back(sim, t, tree);
		sim_answer_exists(rs, t->kind, json_string_at(tree, "metadata.name"));
	} else {
		rs->status = 201;
	}
	sim_object_unref(there);
}

void sim_create(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_json cJSON *tree = NULL;
	const char *name;
	bool dry_run = false;

	if (!sim_param_dry_run(rq, rs, "CreateOptions", &dry_run) || !sim_write_decode(t->kind, rq, rs, &tree) ||
	    !check_body_namespace(t, tree, rs))
		return;
	name = json_string_at(tree, "metadata.name");
	if (!check_namespace(sim, t, name ? name : "", rs))
		return;
	sim_tree_drop(tree, "status");
	sim_objects_stamp(t->kind, tree, t->ns);
	if (complete(sim, t, tree, NULL, dry_run, rs) && check_quota(sim, t, tree, dry_run, rs))
		store_new(sim, t, tree, dry_run, rs);
}

/* ---- update ------------------------------------------------------------------------------------------------------ */

/* What a client cannot change comes from the object as it is. */
static void keep_metadata(cJSON *tree, const cJSON *old)
{
	static const char *const kept[] = {
		"uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
		"generation", "namespace",         "generateName",      "name"
	};
	cJSON *metadata = sim_tree_child(tree, "metadata");

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const cJSON *value = json_get(json_get(old, "metadata"), kept[i]);

		if (value)
			sim_tree_set(metadata, kept[i], sim_tree_copy(value));
		else
			sim_tree_drop(metadata, kept[i]);
	}
	sim_tree_drop(metadata, "managedFields");
}

/* One half of the object comes from the request, the other stays: the status, or all but the status. */
static void keep_half(cJSON *tree, const cJSON *old, bool of_status)
{
	cJSON *member = NULL;

	if (!of_status) {
		if (json_get(old, "status"))
			sim_tree_set(tree, "status", sim_tree_copy(json_get(old, "status")));
		else
			sim_tree_drop(tree, "status");
		return;
	}
	cJSON_ArrayForEach (member, old)
		if (!str_equal(member->string, "status"))
			sim_tree_set(tree, member->string, sim_tree_copy(member));
}

static bool check_identity(const struct sim_target *t, const cJSON *tree, const struct sim_object *current,
			   struct sim_response *rs)
{
	const char *uid = json_string_at(tree, "metadata.uid");
	const char *version = json_string_at(tree, "metadata.resourceVersion");
	char now[32];

	snprintf(now, sizeof(now), "%llu", (unsigned long long)current->version);
	if (uid && *uid && !str_equal(uid, current->uid)) {
		struct sim_details details = { .present = true,
					       .name = t->name,
					       .group = t->kind->group[0] ? t->kind->group : NULL,
					       .kind = t->kind->plural };

		sim_answer_status(rs, 409, "Conflict", &details,
				  "Operation cannot be fulfilled on %s \"%s\": StorageError: invalid object, Code: 4, "
				  "Key: /registry/%s/%s, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
				  "UID in precondition: %s, UID in object meta: %s",
				  t->kind->resource, t->name, t->kind->plural, current->key, uid, current->uid);
		return false;
	}
	if (version && *version && !str_equal(version, now)) {
		sim_answer_modified(rs, t->kind, t->name);
		return false;
	}
	return true;
}

/* An object that waits for nothing but its last finalizer is gone with it. */
static bool finished(const cJSON *tree)
{
	return json_get(json_get(tree, "metadata"), "deletionTimestamp") &&
	       cJSON_GetArraySize(json_at(tree, "metadata.finalizers")) == 0 &&
	       json_int_at(tree, "metadata.deletionGracePeriodSeconds", 1) == 0;
}

enum rc sim_write_store(struct sim *sim, const struct sim_target *t, const struct sim_object *current, cJSON *tree,
			bool dry_run, struct sim_response *rs)
{
	cleanup_json cJSON *old = sim_object_tree(current);
	cleanup_object struct sim_object *last = NULL;
	enum rc rc;

	if (!check_identity(t, tree, current, rs))
		return RC_OK;
	keep_metadata(tree, old);
	keep_half(tree, old, str_equal(t->subresource, "status"));
	if (!complete(sim, t, tree, old, dry_run, rs))
		return RC_OK;
	if (t->kind->generations && !sim_tree_equal(json_get(tree, "spec"), json_get(old, "spec")))
		sim_tree_set_int(json_get(tree, "metadata"), "generation",
				 json_int_at(old, "metadata.generation", 0) + 1);
	if (dry_run) {
		answer_draft(t->kind, tree, current->version, rs);
		return RC_OK;
	}
	rc = sim_objects_replace(sim, current, tree, &rs->object);
	if (rc)
		return rc;
	rs->status = 200;
	if (finished(tree) && sim_objects_remove(sim, rs->object, &last))
		return RC_OK; /* somebody was faster; the controllers remove it */
	return RC_OK;
}

enum rc sim_write_scale(struct sim *sim, const struct sim_target *t, const struct sim_object *current,
			const cJSON *scale, bool dry_run, struct sim_response *rs)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };
	cleanup_json cJSON *tree = sim_object_tree(current);
	cleanup_object struct sim_object *stored = NULL;
	struct sim_target whole = *t;
	int64_t replicas = json_int_at(scale, "spec.replicas", 0);
	enum rc rc;

	if (!check_identity(t, scale, current, rs))
		return RC_OK;
	if (replicas < 0) {
		sim_cause_int(&causes, FAULT_INVALID, "spec.replicas", replicas, "must be greater than or equal to 0");
		sim_answer_invalid(rs, "autoscaling", "Scale", t->name, &causes);
		return RC_OK;
	}
	sim_tree_set_int(sim_tree_child(tree, "spec"), "replicas", replicas);
	whole.subresource[0] = '\0';
	rc = sim_write_store(sim, &whole, current, tree, dry_run, rs);
	if (!rc && rs->object) {
		stored = TAKE(rs->object);
		sim_scale_write(stored, &rs->body);
	}
	return rc;
}

static enum rc update_once(struct sim *sim, const struct sim_target *t, const cJSON *body, bool dry_run,
			   struct sim_response *rs)
{
	cleanup_object struct sim_object *current = sim_store_get(sim->store, t->kind, t->ns, t->name);
	cleanup_json cJSON *tree = sim_tree_copy(body);

	if (!current) {
		sim_answer_not_found(rs, t->kind, t->name);
		return RC_OK;
	}
	if (str_equal(t->subresource, "scale"))
		return sim_write_scale(sim, t, current, body, dry_run, rs);
	return sim_write_store(sim, t, current, tree, dry_run, rs);
}

bool sim_write_check_name(const struct sim_target *t, const cJSON *tree, struct sim_response *rs)
{
	const char *name = json_string_at(tree, "metadata.name");

	if (!name || !*name)
		sim_answer_status(rs, 400, "BadRequest", NULL,
				  "the name of the object (%s based on URL) was undeterminable: name must be provided",
				  t->name);
	else if (!str_equal(name, t->name))
		sim_answer_status(rs, 400, "BadRequest", NULL,
				  "the name of the object (%s) does not match the name on the URL (%s)", name, t->name);
	else
		return true;
	return false;
}

void sim_update(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	static const struct sim_kind scale_kind = { .group = "autoscaling", .version = "v1", .kind = "Scale" };
	bool is_scale = str_equal(t->subresource, "scale");
	cleanup_json cJSON *tree = NULL;
	bool dry_run = false;
	enum rc rc;

	if (!sim_param_dry_run(rq, rs, "UpdateOptions", &dry_run) ||
	    !sim_write_decode(is_scale ? &scale_kind : t->kind, rq, rs, &tree) || !check_body_namespace(t, tree, rs) ||
	    !sim_write_check_name(t, tree, rs))
		return;
	do {
		rc = update_once(sim, t, tree, dry_run, rs);
	} while (rc == RC_CONFLICT);
	if (rc)
		sim_answer_not_found(rs, t->kind, t->name);
}
