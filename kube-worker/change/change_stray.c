#include "kube-worker/change/change_stray.h"

#include <string.h>

#include "common/container/labels.h"
#include "common/container/workload.h"
#include "kube-worker/change/change_mark.h"
#include "kube-worker/change/change_root.h"
#include "kube-worker/change/change_settle.h"
#include "kube-worker/operation/op_kube.h"

/* Parts of a spec that require an object, for its removal. */
static const struct {
	const char *path; /* of the object with the member */
	const char *member;
	const char *json;
} wishes[WORKLOAD_ROLE_COUNT] = {
	[WORKLOAD_SERVICE] = { "", "network", "{\"ports\":[{\"container_port\":1,\"visibility\":\"internal\"}]}" },
	[WORKLOAD_HEADLESS_SERVICE] = { "provider_hints.kubernetes", "kind", "\"StatefulSet\"" },
	[WORKLOAD_AUTOSCALER] = { "provider_hints.kubernetes", "autoscale", "{\"max\":1,\"cpu_percent\":1}" },
};

/* The roles required neither by the client's spec nor by the Pod template, as bits. */
static enum rc find_unwanted(const struct root *root, const cJSON *spec, unsigned *ret_roles, struct error *err)
{
	const char *text = root_annotation(root, ANNOTATION_SPEC);
	cleanup_json cJSON *written = NULL;
	enum rc rc;

	if (!text || root_annotation(root, ANNOTATION_CHANGING))
		return RC_OK;
	rc = json_parse(text, strlen(text), &written, err);
	if (!rc && cJSON_IsObject(written))
		*ret_roles = WORKLOAD_ALL_ROLES & ~(workload_wanted(root->kind, written) |
						    workload_wanted(root->kind, spec) | 1u << WORKLOAD_ROOT);
	return rc == RC_NO_MEMORY ? rc : RC_OK;
}

/* By its name, its owner and its labels. */
static enum rc is_own_child(struct op_call *call, const char *id, const struct root *root, enum workload_role role,
			    bool *ret_own, struct error *err)
{
	const struct kube_uid owner = kube_uid_parse(root_uid(root));
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct workload_object object;
	enum rc rc = workload_child(role, id, &object, err);

	*ret_own = false;
	if (!rc)
		rc = op_kube_get(call, object.kind, object.name, &reply, err);
	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	*ret_own = workload_holder(reply.object, id, &owner) == WORKLOAD_HELD_BY_ROOT &&
		   labels_are_live(reply.object, id);
	return RC_OK;
}

/* The object at a path of a spec, created if missing; NULL if out of memory. */
static cJSON *open_member(cJSON *spec, const char *path)
{
	for (size_t len; spec && *path; path += len + (path[len] == '.')) {
		char name[32];
		cJSON *member;

		len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		member = cJSON_GetObjectItemCaseSensitive(spec, name);
		spec = member ? member : cJSON_AddObjectToObject(spec, name);
	}
	return spec;
}

/* Extend the spec so that it requires these roles. */
static enum rc add_wishes(cJSON *spec, unsigned roles, struct error *err)
{
	for (int role = WORKLOAD_ROOT + 1; spec && role < WORKLOAD_ROLE_COUNT; role++) {
		cJSON *wish = NULL;
		cJSON *place;

		if (!(roles & 1u << role))
			continue;
		wish = cJSON_Parse(wishes[role].json);
		place = open_member(spec, wishes[role].path);
		cJSON_DeleteItemFromObjectCaseSensitive(place, wishes[role].member);
		if (!cJSON_AddItemToObject(place, wishes[role].member, wish)) {
			cJSON_Delete(wish);
			spec = NULL;
		}
	}
	return spec ? RC_OK : error_no_memory(err);
}

/* The mark of a rollback is the fence: the next update of the root completes it. */
static enum rc mark_removal(struct op_call *call, struct root *root, const cJSON *spec, unsigned roles,
			    struct error *err)
{
	const struct run_state run = run_state_read(root->object);
	struct buf mark cleanup_buf = buf_make(CHANGE_MARK_MAX);
	cleanup_json cJSON *object = cJSON_Duplicate(root->object, 1);
	cleanup_json cJSON *other = cJSON_Duplicate(spec, 1);
	enum rc rc = object ? add_wishes(other, roles, err) : error_no_memory(err);

	if (!rc)
		rc = change_mark_write(NULL, true, spec, other, &run, &mark, err);
	if (!rc)
		rc = change_root_set_mark(object, mark.data, err);
	return rc ? rc : change_root_put(call, root, object, err);
}

enum rc change_stray_remove(struct op_call *call, const char *id, struct root *root, bool *ret_removed,
			    struct error *err)
{
	cleanup_json cJSON *spec = NULL;
	char etag[CONTAINER_ETAG_MAX];
	unsigned strays = 0;
	enum rc rc = change_root_read_spec(call, root, &spec, etag, err);

	if (!rc)
		rc = find_unwanted(root, spec, &strays, err);
	for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++) {
		bool own = false;

		if (strays & 1u << role)
			rc = is_own_child(call, id, root, (enum workload_role)role, &own, err);
		if (!own)
			strays &= ~(1u << role);
	}
	if (rc || !strays)
		return rc;
	rc = mark_removal(call, root, spec, strays, err);
	if (!rc)
		rc = change_settle(call, id, root, NULL, err);
	*ret_removed = !rc;
	return rc;
}
