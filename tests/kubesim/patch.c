/*
 * PATCH: JSON merge patch (RFC 7396), and of strategic merge patch what kubectl sends.
 */
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/params.h"
#include "tests/kubesim/scale.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/tree.h"
#include "tests/kubesim/types.h"
#include "tests/kubesim/write.h"

/* Lists that a strategic patch merges, and the member that tells their elements apart. Source: patchMergeKey in the
 * API. */
static const struct {
	const char *list;
	const char *key;
} merge_keys[] = {
	{ "containers", "name" }, { "initContainers", "name" },    { "env", "name" },
	{ "volumes", "name" },    { "volumeMounts", "mountPath" }, { "imagePullSecrets", "name" },
	{ "conditions", "type" }, { "ownerReferences", "uid" },    { "ports", "containerPort" },
	{ "ports", "port" },
};

/* ---- merge patch ------------------------------------------------------------------------------------------------- */

static void merge(cJSON *target, const cJSON *patch)
{
	const cJSON *member = NULL;

	cJSON_ArrayForEach (member, patch) {
		if (cJSON_IsNull(member))
			sim_tree_drop(target, member->string);
		else if (cJSON_IsObject(member))
			merge(sim_tree_child(target, member->string), member);
		else
			sim_tree_set(target, member->string, sim_tree_copy(member));
	}
}

/* ---- strategic merge patch --------------------------------------------------------------------------------------- */

static void merge_strategic(cJSON *target, const cJSON *patch);

/* The merge key of a list, if its elements carry it; NULL: the list is replaced whole. */
static const char *merge_key_of(const char *list, const cJSON *elements)
{
	for (size_t i = 0; i < ARRAY_LEN(merge_keys); i++)
		if (strcmp(merge_keys[i].list, list) == 0 && cJSON_IsObject(elements->child) &&
		    json_get(elements->child, merge_keys[i].key))
			return merge_keys[i].key;
	return NULL;
}

static cJSON *find_element(const cJSON *list, const char *key, const cJSON *value)
{
	cJSON *element = NULL;

	cJSON_ArrayForEach (element, list)
		if (sim_tree_equal(json_get(element, key), value))
			return element;
	return NULL;
}

static void merge_list(cJSON *target, const cJSON *patch, const char *key)
{
	const cJSON *change = NULL;

	cJSON_ArrayForEach (change, patch) {
		cJSON *element = find_element(target, key, json_get(change, key));

		if (str_equal(json_string_at(change, "$patch"), "delete")) {
			if (element)
				cJSON_Delete(cJSON_DetachItemViaPointer(target, element));
		} else {
			merge_strategic(element ? element : sim_tree_append_object(target), change);
		}
	}
}

/* "$retainKeys": of the target's members only these stay. */
static void retain_keys(cJSON *target, const cJSON *keys)
{
	cJSON *member = target->child;

	while (keys && member) {
		cJSON *next = member->next;
		const cJSON *key = NULL;
		bool keep = false;

		cJSON_ArrayForEach (key, keys)
			keep = keep || str_equal(key->valuestring, member->string);
		if (!keep)
			cJSON_Delete(cJSON_DetachItemViaPointer(target, member));
		member = next;
	}
}

static void merge_member(cJSON *target, const cJSON *member)
{
	const char *key = cJSON_IsArray(member) ? merge_key_of(member->string, member) : NULL;

	if (member->string[0] == '$')
		return; /* an order that lists have here anyway, or a directive that was seen to */
	if (cJSON_IsNull(member))
		sim_tree_drop(target, member->string);
	else if (cJSON_IsObject(member))
		merge_strategic(sim_tree_child(target, member->string), member);
	else if (key)
		merge_list(sim_tree_child_array(target, member->string), member, key);
	else
		sim_tree_set(target, member->string, sim_tree_copy(member));
}

static void merge_strategic(cJSON *target, const cJSON *patch)
{
	const cJSON *member = NULL;

	if (str_equal(json_string_at(patch, "$patch"), "replace")) {
		while (target->child)
			cJSON_Delete(cJSON_DetachItemViaPointer(target, target->child));
	}
	retain_keys(target, json_get(patch, "$retainKeys"));
	cJSON_ArrayForEach (member, patch)
		merge_member(target, member);
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

static const struct patch_type {
	const char *content_type;
	void (*apply)(cJSON *target, const cJSON *patch);
} patch_types[] = {
	{ "application/merge-patch+json", merge },
	{ "application/strategic-merge-patch+json", merge_strategic },
};

static const struct patch_type *find_type(const char *content_type)
{
	size_t len = strcspn(content_type, "; ");

	for (size_t i = 0; i < ARRAY_LEN(patch_types); i++)
		if (strlen(patch_types[i].content_type) == len &&
		    strncmp(patch_types[i].content_type, content_type, len) == 0)
			return &patch_types[i];
	return NULL;
}

static enum rc patch_scale(struct sim *sim, const struct sim_target *t, const struct sim_object *current,
			   const struct patch_type *type, const cJSON *patch, bool dry_run, struct sim_response *rs)
{
	cleanup_json cJSON *scale = sim_scale_tree(current);

	type->apply(scale, patch);
	return sim_write_scale(sim, t, current, scale, dry_run, rs);
}

static enum rc patch_once(struct sim *sim, const struct sim_target *t, const struct patch_type *type,
			  const cJSON *patch, bool dry_run, struct sim_response *rs)
{
	cleanup_object struct sim_object *current = sim_store_get(sim->store, t->kind, t->ns, t->name);
	cleanup_json cJSON *tree = current ? sim_object_tree(current) : NULL;
	char fault[512];

	if (!current) {
		sim_answer_not_found(rs, t->kind, t->name);
		return RC_OK;
	}
	if (str_equal(t->subresource, "scale"))
		return patch_scale(sim, t, current, type, patch, dry_run, rs);
	type->apply(tree, patch);
	if (!sim_write_check_name(t, tree, rs))
		return RC_OK;
	if (!sim_types_check(t->kind->kind, tree, fault, sizeof(fault))) {
		sim_answer_status(rs, 400, "BadRequest", NULL, "%s in version \"%s\" cannot be handled as a %s: %s",
				  t->kind->kind, t->kind->version, t->kind->kind, fault);
		return RC_OK;
	}
	return sim_write_store(sim, t, current, tree, dry_run, rs);
}

void sim_patch(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	const struct patch_type *type = find_type(rq->content_type);
	struct sim_details none = { .present = true };
	cleanup_json cJSON *patch = NULL;
	struct error err;
	bool dry_run = false;
	enum rc rc;

	if (!sim_param_dry_run(rq, rs, "PatchOptions", &dry_run))
		return;
	if (!type) {
		sim_answer_status(rs, 415, "UnsupportedMediaType", &none, "415: Unsupported Media Type");
		return;
	}
	if (json_parse(rq->body.data, rq->body.len, &patch, &err) || !cJSON_IsObject(patch)) {
		sim_answer_status(rs, 400, "BadRequest", NULL, "error decoding patch: %s",
				  patch ? "not an object" : err.text);
		return;
	}
	do {
		rc = patch_once(sim, t, type, patch, dry_run, rs);
	} while (rc == RC_CONFLICT);
	if (rc)
		sim_answer_not_found(rs, t->kind, t->name);
}
