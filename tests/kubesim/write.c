/*
 * POST, PUT, PATCH and DELETE: from a request's body to a stored object.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/patch.h"
#include "tests/kubesim/scale.h"
#include "tests/kubesim/schema.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/tree.h"
#include "tests/kubesim/validate.h"

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

#define WHERE_MAX 4096  /* bytes of a member's path */
#define MANAGER_MAX 128 /* bytes of a field manager's name */

/* What bodies can be. */
static const struct media_type {
	const char *name;
	bool of_patch;
	sim_patch_function patch; /* NULL: plain JSON, or rejected */
	bool refused;             /* supported by a real API server */
} media_types[] = {
	{ "application/json", false, NULL, false },
	{ "application/yaml", false, NULL, true },
	{ "application/vnd.kubernetes.protobuf", false, NULL, true },
	{ "application/cbor", false, NULL, true },
	{ "application/merge-patch+json", true, sim_patch_merge, false },
	{ "application/strategic-merge-patch+json", true, sim_patch_strategic, false },
	{ "application/json-patch+json", true, NULL, true },
	{ "application/apply-patch+yaml", true, NULL, true },
	{ "application/apply-patch+cbor", true, NULL, true },
};

/* NULL: not supported, and the response is set. The default for bodies other than patches is JSON. */
static const struct media_type *find_media_type(const struct sim_request *rq, struct sim_response *rs)
{
	size_t len = strcspn(rq->content_type, "; ");
	bool of_patch = str_equal(rq->method, "PATCH");

	for (size_t i = 0; i < ARRAY_LEN(media_types); i++) {
		const struct media_type *type = &media_types[i];

		if (type->of_patch != of_patch ||
		    (len ? strlen(type->name) != len || strncmp(type->name, rq->content_type, len) != 0 : of_patch))
			continue;
		if (type->refused)
			sim_answer_refused(rs, type->name);
		return type->refused ? NULL : type;
	}
	sim_answer_status(rs, &(struct sim_status){ .code = 415, .reason = "UnsupportedMediaType" },
			  "the body of the request was in an unknown format");
	return NULL;
}

/* The request's body as JSON, which must be an object; duplicate members are not supported. */
static bool read_body(const struct sim_request *rq, struct sim_response *rs, cJSON **ret_tree)
{
	cleanup_json cJSON *tree = NULL;
	struct error err;

	if (json_parse(rq->body.data, rq->body.len, &tree, &err)) {
		sim_answer_bad_request(rs, err.text);
		return false;
	}
	if (cJSON_IsNull(tree) && !str_equal(rq->method, "PATCH"))
		sim_answer_refused(rs, "a body that is null");
	else if (!cJSON_IsObject(tree))
		sim_answer_bad_request(rs, "the object provided is unrecognized");
	else if (sim_tree_repeats(tree))
		sim_answer_refused(rs, "a duplicate member");
	else
		*ret_tree = TAKE(tree);
	return *ret_tree;
}

/* The error of a tree that cannot be decoded; after a patch it is an error of the patch. */
static void answer_mistyped(const struct sim_target *t, const struct sim_request *rq, const char *where,
			    struct sim_response *rs)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };

	if (str_equal(rq->method, "PATCH")) {
		sim_cause_add(&causes, FAULT_INVALID, where, "cannot be decoded", "patch");
		sim_answer_invalid(rs, t->kind, t->name, &causes);
		return;
	}
	sim_answer_status(rs, &(struct sim_status){ .code = 400, .reason = "BadRequest" },
			  "the request cannot be handled as a %s: %s has the wrong type", t->kind->kind, where);
}

/* A body, or the result of a patch, must have this kind and its members. */
static bool decode(const struct sim_target *t, const struct sim_request *rq, const struct schema_member *members,
		   const char *kind, const char *version, cJSON *tree, struct sim_response *rs)
{
	struct buf where cleanup_buf = buf_make(WHERE_MAX);
	const char *their_kind = json_string_at(tree, "kind");
	const char *their_version = json_string_at(tree, "apiVersion");
	enum schema_fault fault = SCHEMA_MISTYPED;

	if (their_kind && *their_kind && !str_equal(their_kind, kind))
		buf_add_str(&where, "kind");
	else if (their_version && *their_version && !str_equal(their_version, version))
		buf_add_str(&where, "apiVersion");
	else
		fault = schema_apply(members, tree, &where);
	if (fault == SCHEMA_MISTYPED)
		answer_mistyped(t, rq, where.data, rs);
	else if (fault == SCHEMA_UNKNOWN)
		sim_answer_refused(rs, where.data);
	return fault == SCHEMA_OK;
}

static bool decode_object(const struct sim_target *t, const struct sim_request *rq, cJSON *tree,
			  struct sim_response *rs)
{
	if (t->kind->members)
		return decode(t, rq, t->kind->members, t->kind->kind, t->kind->api_version, tree, rs);
	sim_answer_refused(rs, t->kind->kind);
	return false;
}

/* Everything except storing. */
static bool is_dry(const struct sim_request *rq)
{
	return str_equal(sim_request_query(rq, "dryRun"), "All");
}

static bool is_printable(const char *text)
{
	while (*text && !iscntrl((unsigned char)*text))
		text++;
	return !*text;
}

/* The query parameters of all writes; those that a real API server rejects are rejected as unknown. */
static bool check_options(const struct sim_request *rq, struct sim_response *rs)
{
	static const char *const validations[] = { "", "Ignore", "Warn", "Strict" };
	const char *manager = sim_request_query(rq, "fieldManager");
	const char *validation = sim_request_query(rq, "fieldValidation");
	bool known = !validation;

	for (size_t i = 0; i < ARRAY_LEN(validations); i++)
		known |= str_equal(validation, validations[i]);
	known &= !manager || (strlen(manager) <= MANAGER_MAX && is_printable(manager));
	known &= !sim_request_query(rq, "dryRun") || is_dry(rq);
	if (!known)
		sim_answer_refused(rs, "this fieldManager, fieldValidation or dryRun");
	return known;
}

/* Validate an object and assign cluster resources. */
static bool complete(struct sim *sim, const struct sim_kind *kind, cJSON *tree, const cJSON *old,
		     struct sim_response *rs)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };
	const char *name = json_string_at(tree, "metadata.name");

	if (kind->set_defaults)
		kind->set_defaults(tree);
	if (kind->allocate)
		kind->allocate(sim, tree, old, &causes);
	if (!causes.count)
		sim_validate(kind, tree, old, &causes);
	if (causes.count)
		sim_answer_invalid(rs, kind, name ? name : "", &causes);
	return causes.count == 0;
}

/* The namespace in the body must be that of the URL. */
static bool check_same_namespace(const struct sim_target *t, const cJSON *metadata, struct sim_response *rs)
{
	const char *ns = json_string_at(metadata, "namespace");

	if (!ns || str_equal(ns, t->ns))
		return true;
	sim_answer_bad_request(rs, "the namespace of the provided object does not match the namespace sent on the "
				   "request");
	return false;
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

/* The namespace must exist and must not be terminating. */
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

static enum rc try_insert(struct sim *sim, const struct sim_target *t, cJSON *tree, struct sim_object **ret_draft)
{
	cleanup_object struct sim_object *there = sim_store_get(sim->store, t->kind, t->ns,
								json_string_at(tree, "metadata.name"));

	if (there)
		return RC_ALREADY_EXISTS;
	*ret_draft = sim_object_create(t->kind, tree);
	return *ret_draft ? RC_OK : RC_NO_MEMORY;
}

void sim_create(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_object struct sim_object *stored = NULL;
	cleanup_json cJSON *tree = NULL;
	const char *name;
	bool has_version;

	if (!find_media_type(rq, rs) || !check_options(rq, rs) || !read_body(rq, rs, &tree) ||
	    !decode_object(t, rq, tree, rs) || !check_same_namespace(t, json_get(tree, "metadata"), rs))
		return;
	sim_tree_drop(tree, "status");
	has_version = json_at(tree, "metadata.resourceVersion");
	sim_objects_stamp(t->kind, tree, t->ns);
	name = json_string_at(tree, "metadata.name");
	if (!check_namespace(sim, t, name ? name : "", rs) || !check_quota(sim, t, name ? name : "", rs) ||
	    !complete(sim, t->kind, tree, NULL, rs))
		return;
	if (has_version)
		sim_answer_status(rs, &(struct sim_status){ .code = 500 },
				  "resourceVersion should not be set on objects to be created");
	else if (is_dry(rq) ? try_insert(sim, t, tree, &stored) : sim_objects_insert(sim, t->kind, tree, &stored))
		sim_answer_exists(rs, t->kind, name);
	else
		sim_answer_object(rs, 201, stored);
}

/* ---- update and patch -------------------------------------------------------------------------------------------- */

/* Copy a member from `from` to `to`, or remove it. */
static void copy_member(cJSON *to, const cJSON *from, const char *key)
{
	const cJSON *value = json_get(from, key);

	if (value)
		sim_tree_set(to, key, sim_tree_copy(value));
	else
		sim_tree_drop(to, key);
}

/* Members that a client cannot change are kept: some metadata, and either the status or everything else. */
static void keep_old(cJSON *tree, const cJSON *old, bool of_status)
{
	static const char *const kept[] = { "uid",       "creationTimestamp", "generation",
					    "namespace", "generateName",      "name" };
	static const char *const kept_unless_given[] = { "deletionTimestamp", "deletionGracePeriodSeconds" };
	cJSON *metadata = sim_tree_child(tree, "metadata");
	const cJSON *member = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		copy_member(metadata, json_get(old, "metadata"), kept[i]);
	for (size_t i = 0; i < ARRAY_LEN(kept_unless_given); i++)
		if (!json_get(metadata, kept_unless_given[i]))
			copy_member(metadata, json_get(old, "metadata"), kept_unless_given[i]);
	if (!of_status)
		copy_member(tree, old, "status");
	cJSON_ArrayForEach (member, old)
		if (of_status && !str_equal(member->string, "status"))
			copy_member(tree, old, member->string);
}

/*
 * Name, uid and version in the request, if given, must match the existing object. Another uid in a patch is an attempt
 * to change it, except for a Scale, which is compared as a whole.
 */
static bool check_identity(const struct sim_target *t, const struct sim_request *rq, const cJSON *metadata,
			   const struct sim_object *current, struct sim_response *rs)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };
	const char *uid = json_string_at(metadata, "uid");
	const char *version = json_string_at(metadata, "resourceVersion");
	bool uid_differs = uid && !str_equal(uid, current->uid);
	bool is_change = str_equal(rq->method, "PATCH") && !str_equal(t->subresource, "scale");
	char now[32];
	int64_t number;

	snprintf(now, sizeof(now), "%" PRIu64, current->version);
	if (!str_equal(json_string_at(metadata, "name"), t->name)) {
		sim_answer_bad_request(rs, "the name of the object does not match the name on the URL");
	} else if (!check_same_namespace(t, metadata, rs)) {
		return false;
	} else if (version && !str_parse_int64(version, &number)) {
		sim_answer_status(rs, &(struct sim_status){ .code = 500 }, "invalid resource version: %s", version);
	} else if ((version && !str_equal(version, now)) || (uid_differs && !is_change)) {
		sim_answer_modified(rs, t->kind, t->name);
	} else if (uid_differs) {
		sim_cause_add(&causes, FAULT_INVALID, uid, "field is immutable", "metadata.uid");
		sim_answer_invalid(rs, t->kind, t->name, &causes);
	} else {
		return true;
	}
	return false;
}

/* The members counted by metadata.generation: the spec, and for some kinds the annotations. */
static bool is_counted_change(const struct sim_kind *kind, const cJSON *tree, const cJSON *old)
{
	const cJSON *now = json_at(tree, "metadata.annotations");
	const cJSON *before = json_at(old, "metadata.annotations");

	return !cJSON_Compare(json_get(tree, "spec"), json_get(old, "spec"), true) ||
	       (kind->counts_annotations && (now || before) && !cJSON_Compare(now, before, true));
}

/* Store `tree` instead of `current`. On an error `current` is outdated, and no response is set. */
static enum rc store_changed(struct sim *sim, const struct sim_target *t, bool dry, struct sim_object *current,
			     cJSON *tree, struct sim_object **ret_stored, struct sim_response *rs)
{
	cleanup_json cJSON *old = sim_object_tree(current);
	enum rc rc;

	keep_old(tree, old, str_equal(t->subresource, "status"));
	if (!complete(sim, t->kind, tree, old, rs))
		return RC_OK;
	if (t->kind->generations && is_counted_change(t->kind, tree, old))
		sim_tree_set_int(json_get(tree, "metadata"), "generation",
				 json_int_at(old, "metadata.generation", 0) + 1);
	sim_tree_drop(tree, "kind");
	sim_tree_drop(tree, "apiVersion");
	sim_tree_drop(json_get(tree, "metadata"), "resourceVersion");
	if (cJSON_Compare(tree, old, true)) { /* no new version without a change */
		*ret_stored = sim_object_ref(current);
		return RC_OK;
	}
	if (dry) {
		*ret_stored = sim_object_create(t->kind, tree);
		return *ret_stored ? RC_OK : RC_NO_MEMORY;
	}
	rc = sim_objects_replace(sim, current, tree, ret_stored);
	if (!rc && sim_objects_finished(*ret_stored, tree))
		(void)sim_objects_remove(sim, *ret_stored); /* on a conflict the controllers remove it */
	return rc;
}

/* PUT instead of a patch. */
static bool replace_whole(cJSON *target, const cJSON *body)
{
	const cJSON *member = NULL;

	while (target->child)
		cJSON_Delete(cJSON_DetachItemViaPointer(target, target->child));
	cJSON_ArrayForEach (member, body)
		sim_tree_set(target, member->string, sim_tree_copy(member));
	return true;
}

static enum rc change_once(struct sim *sim, const struct sim_target *t, const struct sim_request *rq,
			   struct sim_object *current, sim_patch_function apply, const cJSON *body,
			   struct sim_response *rs)
{
	cleanup_json cJSON *tree = sim_object_tree(current);
	cleanup_json cJSON *scale = str_equal(t->subresource, "scale") ? sim_scale_tree(current) : NULL;
	cleanup_object struct sim_object *stored = NULL;
	enum rc rc;

	if (!apply(scale ? scale : tree, body)) {
		sim_answer_refused(rs, "what this patch orders");
		return RC_OK;
	}
	if (scale ? !decode(t, rq, schema_scale, "Scale", "autoscaling/v1", scale, rs)
		  : !decode_object(t, rq, tree, rs))
		return RC_OK;
	if (!check_identity(t, rq, json_get(scale ? scale : tree, "metadata"), current, rs))
		return RC_OK;
	if (scale)
		sim_tree_set_int(sim_tree_child(tree, "spec"), "replicas", json_int_at(scale, "spec.replicas", 0));
	rc = store_changed(sim, t, is_dry(rq), current, tree, &stored, rs);
	rs->status = stored ? 200 : rs->status;
	if (stored && scale)
		sim_scale_write(stored, &rs->body);
	else if (stored)
		sim_answer_object(rs, 200, stored);
	return rc;
}

/* Apply the body to the current object; retry on conflicts. */
static void change(struct sim *sim, const struct sim_target *t, struct sim_request *rq, sim_patch_function apply,
		   struct sim_response *rs)
{
	cleanup_json cJSON *body = NULL;
	enum rc rc;

	if (!check_options(rq, rs) || !read_body(rq, rs, &body))
		return;
	do {
		cleanup_object struct sim_object *current = sim_store_get(sim->store, t->kind, t->ns, t->name);

		rc = current ? change_once(sim, t, rq, current, apply, body, rs) : RC_NOT_FOUND;
	} while (rc == RC_CONFLICT);
	if (rc && apply == replace_whole && t->kind == &sim_kinds[SIM_SERVICE])
		sim_answer_refused(rs, "a Service that is created by PUT");
	else if (rc)
		sim_answer_not_found(rs, t->kind, t->name);
}

void sim_update(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	if (find_media_type(rq, rs))
		change(sim, t, rq, replace_whole, rs);
}

void sim_patch(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	const struct media_type *type = find_media_type(rq, rs);

	if (type)
		change(sim, t, rq, type->patch, rs);
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
	const char *group = t->kind->group;

	rs->status = 200;
	buf_addf(&rs->body,
		 "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\",\"details\":{"
		 "\"name\":\"%s\",%s%s%s\"kind\":\"%s\",\"uid\":\"%s\"}}",
		 t->name, group[0] ? "\"group\":\"" : "", group, group[0] ? "\"," : "", t->kind->plural, uid);
}

static enum rc delete_once(struct sim *sim, const struct sim_target *t, const cJSON *options, int64_t grace_s,
			   struct sim_response *rs)
{
	cleanup_object struct sim_object *current = sim_store_get(sim->store, t->kind, t->ns, t->name);
	cleanup_object struct sim_object *left = NULL;
	enum rc rc;

	if (!current)
		return RC_NOT_FOUND;
	if (!check_preconditions(t, options, current, rs))
		return RC_OK;
	if (cJSON_GetArraySize(json_get(options, "dryRun"))) {
		sim_answer_object(rs, 200, current);
		return RC_OK;
	}
	rc = sim_objects_delete(sim, current, json_int_at(options, "gracePeriodSeconds", grace_s), &left);
	if (!rc && (left || t->kind->shows_deleted))
		sim_answer_object(rs, 200, left ? left : current);
	else if (!rc)
		answer_deleted(t, current->uid, rs);
	return rc;
}

/* The options in the body; NULL: no body. */
static bool read_options(const struct sim_target *t, const struct sim_request *rq, struct sim_response *rs,
			 cJSON **ret_options)
{
	const cJSON *dry = NULL;
	const char *policy;

	if (!rq->body.len)
		return true;
	if (!find_media_type(rq, rs) || !read_body(rq, rs, ret_options) ||
	    !decode(t, rq, schema_delete_options, "DeleteOptions", "v1", *ret_options, rs))
		return false;
	cJSON_ArrayForEach (dry, json_get(*ret_options, "dryRun"))
		if (!str_equal(dry->valuestring, "All")) {
			sim_answer_refused(rs, "this dryRun");
			return false;
		}
	policy = json_string_at(*ret_options, "propagationPolicy");
	if (!policy || str_equal(policy, "Background"))
		return true;
	sim_answer_refused(rs, policy);
	return false;
}

void sim_delete(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_json cJSON *options = NULL;
	int64_t grace_s = -1;
	struct error err;
	enum rc rc;

	if (sim_request_int(rq, "gracePeriodSeconds", &grace_s, &err)) {
		sim_answer_unreadable(rs, &err);
		return;
	}
	if (!read_options(t, rq, rs, &options))
		return;
	do {
		rc = delete_once(sim, t, options, grace_s, rs);
	} while (rc == RC_CONFLICT);
	if (rc)
		sim_answer_not_found(rs, t->kind, t->name);
}
