#include "kube-worker/container/children_plan.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/container/container_write.h"
#include "common/container/labels.h"
#include "common/container/object_merge.h"
#include "common/services/json_write.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/operation/op_kube.h"
#include "kube-worker/operation/permission.h"

void children_plan_clear(struct children_plan *plan)
{
	for (int role = 0; role < WORKLOAD_ROLE_COUNT; role++)
		buf_clear(&plan->children[role].body);
}

bool children_plan_is_any(const struct children_plan *plan)
{
	for (int role = 0; role < WORKLOAD_ROLE_COUNT; role++)
		if (plan->children[role].step != CHILD_STAYS)
			return true;
	return false;
}

/* ---- existing objects -------------------------------------------------------------------------------------------- */

/*
 * The name of the visible object in a role, which may differ for other programs. One with the derived name takes
 * precedence.
 */
struct name_search {
	const struct fact *root;
	struct workload_object *object;
};

static void look_for_name(void *ctx, const struct fact *const *facts, size_t count)
{
	struct name_search *search = ctx;
	const struct fact *child = workload_find(search->root, search->object->role, facts, count);

	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == search->object->kind && !facts[i]->deleting &&
		    workload_tie(&search->root->uid, facts[i]) == WORKLOAD_OWNED &&
		    str_equal(facts[i]->name, search->object->name))
			return;
	if (child)
		snprintf(search->object->name, sizeof(search->object->name), "%s", child->name);
}

static enum rc find_name(struct op_call *call, const struct root *root, struct workload_object *object,
			 struct error *err)
{
	struct container_cache cache cleanup_container_cache = { 0 };
	cleanup_free struct fact *fact = NULL;
	struct name_search search = { .object = object };
	enum rc rc;

	if (!(workload_watched_roles() & 1u << object->role))
		return RC_OK;
	rc = root_fact(root, &fact, err);
	if (!rc)
		rc = container_cache_open(call, workload_child_kinds(), fact->instance_id, &cache, err);
	if (rc)
		return rc;
	search.root = fact;
	kube_cache_visit(cache.cache, fact->instance_id, look_for_name, &search);
	return RC_OK;
}

static bool is_ours(const cJSON *live, const char *id, const struct kube_uid *root)
{
	struct kube_uid owner = kube_uid_of_owner(live);

	return kube_uid_equal(&owner, root) || (!kube_uid_is_set(&owner) && labels_are_of(live, id));
}

/*
 * The existing object in the role; *ret_live NULL: none. Objects of a predecessor with the same id are removed.
 * RC_ALREADY_EXISTS: it does not belong to the container.
 */
static enum rc get_child(struct op_call *call, const struct root *root, const char *id, struct workload_object *object,
			 cJSON **ret_live, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	const struct kube_uid owner = kube_uid_parse(root_uid(root));
	struct kube_uid uid;
	enum rc rc = find_name(call, root, object, err);

	if (!rc)
		rc = op_kube_get(call, object->kind, object->name, &reply, err);
	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (is_ours(reply.object, id, &owner)) {
		*ret_live = TAKE(reply.object);
		return RC_OK;
	}
	if (workload_holder(reply.object, id, &owner) == WORKLOAD_HELD_BY_PREDECESSOR) {
		uid = kube_uid_parse(json_string_at(reply.object, "metadata.uid"));
		rc = permission_hold(call, err);
		return rc ? rc : op_kube_delete(call, object->kind, object->name, &uid, err);
	}
	return error_set(err, RC_ALREADY_EXISTS,
			 "a %s named '%s' that does not belong to this container exists in the namespace",
			 kube_kind_name(object->kind), object->name);
}

/* ---- planning ---------------------------------------------------------------------------------------------------- */

/* As text; empty: not required by the spec. */
static enum rc write_wanted(struct op_call *call, const struct root *root, const char *id, enum workload_role role,
			    const cJSON *spec, struct buf *out, struct error *err)
{
	const struct workload_source source = {
		.root = root->kind, .id = id, .spec = spec, .external_service_type = call->env->external_service_type
	};
	struct workload workload;
	enum rc rc = workload_make(&source, &workload, err);

	for (size_t i = 0; !rc && i < workload.count; i++)
		if (workload.objects[i].role == role)
			rc = workload_write(&workload, &workload.objects[i], root_uid(root), out, err);
	return rc;
}

static enum rc parse_wanted(const struct buf *text, cJSON **ret_tree, struct error *err)
{
	return text->len ? json_parse(text->data, text->len, ret_tree, err) : RC_OK;
}

/* Two expected objects; the name of the child itself is excluded. */
static enum rc parse_both(const struct buf *from, const struct buf *to, cJSON **ret_from, cJSON **ret_to,
			  struct error *err)
{
	enum rc rc = parse_wanted(from, ret_from, err);

	if (!rc)
		rc = parse_wanted(to, ret_to, err);
	cJSON_DeleteItemFromObjectCaseSensitive(json_get(*ret_from, "metadata"), "name");
	cJSON_DeleteItemFromObjectCaseSensitive(json_get(*ret_to, "metadata"), "name");
	return rc;
}

static enum rc merge(const struct buf *from, const struct buf *to, cJSON *live, struct buf *out, struct error *err)
{
	cleanup_json cJSON *before = NULL;
	cleanup_json cJSON *now = NULL;
	struct json_writer w = json_writer_make(out);
	enum rc rc = parse_both(from, to, &before, &now, err);

	if (!rc)
		rc = object_merge(before, now, live, err);
	if (!rc)
		rc = container_write_port_names(live, err);
	if (rc)
		return rc;
	json_tree(&w, NULL, live);
	return buf_check(out, err);
}

/* Whether an object of another owner conflicts. Not if it would be removed, or if only its labels would change. */
static enum rc is_in_the_way(const struct buf *from, const struct buf *to, bool *ret_is, struct error *err)
{
	cleanup_json cJSON *before = NULL;
	cleanup_json cJSON *now = NULL;
	enum rc rc = parse_both(from, to, &before, &now, err);

	cJSON_DeleteItemFromObjectCaseSensitive(json_get(before, "metadata"), "labels");
	cJSON_DeleteItemFromObjectCaseSensitive(json_get(now, "metadata"), "labels");
	*ret_is = now && !cJSON_Compare(before, now, true);
	return rc;
}

static enum rc plan_child(struct op_call *call, const struct root *root, const char *id, const struct buf *from,
			  const struct buf *to, struct child_plan *plan, struct error *err)
{
	cleanup_json cJSON *live = NULL;
	bool in_the_way = true;
	struct error why;
	enum rc rc = get_child(call, root, id, &plan->object, &live, &why);

	if (rc == RC_ALREADY_EXISTS && is_in_the_way(from, to, &in_the_way, err))
		return RC_NO_MEMORY;
	if (rc && !in_the_way)
		return RC_OK;
	if (rc) {
		*err = why;
		return rc;
	}
	plan->uid = kube_uid_parse(json_string_at(live, "metadata.uid"));
	if (live && to->len) {
		plan->step = CHILD_IS_CHANGED;
		return merge(from, to, live, &plan->body, err);
	}
	if (live)
		plan->step = CHILD_IS_REMOVED;
	if (!to->len)
		return RC_OK;
	plan->step = CHILD_IS_MADE;
	buf_add(&plan->body, to->data, to->len);
	return buf_check(&plan->body, err);
}

enum rc children_plan_make(struct op_call *call, const struct root *root, const char *id, const cJSON *from,
			   const cJSON *to, struct children_plan *plan, struct error *err)
{
	enum rc rc = RC_OK;

	for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++) {
		struct child_plan *child = &plan->children[role];
		struct buf before cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
		struct buf now cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);

		buf_clear(&child->body);
		*child = (struct child_plan){ .step = CHILD_STAYS, .body = buf_make(CONTAINER_OBJECT_MAX) };
		rc = write_wanted(call, root, id, (enum workload_role)role, from, &before, err);
		if (!rc)
			rc = write_wanted(call, root, id, (enum workload_role)role, to, &now, err);
		if (!rc && strcmp(before.data, now.data) != 0)
			rc = workload_child((enum workload_role)role, id, &child->object, err);
		if (!rc && strcmp(before.data, now.data) != 0)
			rc = plan_child(call, root, id, &before, &now, child, err);
	}
	return rc;
}

/* ---- execution --------------------------------------------------------------------------------------------------- */

enum rc children_plan_try(struct op_call *call, const struct children_plan *plan, struct error *err)
{
	enum rc rc = RC_OK;

	for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++) {
		const struct child_plan *child = &plan->children[role];

		if (child->step == CHILD_IS_MADE || child->step == CHILD_IS_CHANGED)
			rc = op_kube_try(call, child->object.kind,
					 child->step == CHILD_IS_CHANGED ? child->object.name : NULL, &child->body,
					 err);
		else if (child->step == CHILD_IS_REMOVED)
			rc = op_kube_try_delete(call, child->object.kind, child->object.name, &child->uid, err);
	}
	return rc;
}

static enum rc run_one(struct op_call *call, const struct child_plan *child, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	const struct workload_object *object = &child->object;
	enum rc rc = permission_hold(call, err);

	if (rc)
		return rc;
	switch (child->step) {
	case CHILD_STAYS:
		break;
	case CHILD_IS_MADE:
		rc = op_kube_create(call, object->kind, &child->body, &reply, err);
		/* It did not exist before: created by an attempt without a response, or by another worker. */
		return rc == RC_ALREADY_EXISTS ? RC_CONFLICT : rc;
	case CHILD_IS_CHANGED:
		rc = op_kube_update(call, object->kind, object->name, &child->body, &reply, err);
		return rc == RC_NOT_FOUND ? RC_CONFLICT : rc;
	case CHILD_IS_REMOVED:
		return op_kube_delete(call, object->kind, object->name, &child->uid, err);
	}
	return rc;
}

enum rc children_plan_run(struct op_call *call, const struct children_plan *plan, struct error *err)
{
	enum rc rc = RC_OK;

	for (int removals = 0; removals <= 1; removals++)
		for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++)
			if ((plan->children[role].step == CHILD_IS_REMOVED) == (removals == 1) &&
			    plan->children[role].step != CHILD_STAYS)
				rc = run_one(call, &plan->children[role], err);
	return rc;
}
