#include "kube-worker/container/container_make.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "kube-worker/operation/op_kube.h"
#include "kube-worker/operation/permission.h"

#define TRIES_MAX 5 /* retries because an object with the name appears or disappears concurrently */
#define PAUSE_MS 50

void making_clear(struct making *making)
{
	root_clear(&making->root);
	for (int role = 0; role < WORKLOAD_ROLE_COUNT; role++)
		cJSON_Delete(TAKE(making->children[role]));
}

/* ---- a child's name is in use ------------------------------------------------------------------------------------ */

/* Verify that the root with the id is still ours. Only then does an object of another owner belong to a predecessor. */
static enum rc check_current(struct op_call *call, enum kube_kind kind, const char *id, const struct kube_uid *uid,
			     struct error *err)
{
	struct root current cleanup_root = { 0 };
	enum rc rc = root_get(call, kind, id, &current, err);

	if (rc && rc != RC_NOT_FOUND)
		return rc;
	if (rc || !root_has_uid(&current, uid))
		return error_set(err, RC_CONFLICT, "container '%s' was deleted in the meantime", id);
	return permission_hold(call, err);
}

static enum rc remove_predecessors(struct op_call *call, const struct making *making, const cJSON *object,
				   const struct kube_uid *root, struct error *err)
{
	struct kube_uid uid = kube_uid_parse(json_string_at(object, "metadata.uid"));
	enum rc rc = check_current(call, making->root.kind, making->workload.source.id, root, err);

	return rc ? rc : op_kube_delete(call, making->object->kind, making->object->name, &uid, err);
}

static enum rc child_is_foreign(const struct workload_object *object, struct error *err)
{
	return error_set(err, RC_ALREADY_EXISTS,
			 "a %s named '%s' that does not belong to this container exists in the namespace",
			 kube_kind_name(object->kind), object->name);
}

/* As making.root_taken. */
static enum rc child_taken(struct op_call *call, struct making *making, struct error *err)
{
	const struct workload_object *object = making->object;
	struct kube_uid root = kube_uid_parse(root_uid(&making->root));
	struct kube_reply reply cleanup_kube_reply = { 0 };
	enum rc rc = op_kube_get(call, object->kind, object->name, &reply, err);

	if (rc)
		return rc;
	switch (workload_holder(reply.object, making->workload.source.id, &root)) {
	case WORKLOAD_HELD_BY_ROOT:
		making->children[object->role] = TAKE(reply.object);
		return RC_OK;
	case WORKLOAD_HELD_BY_PREDECESSOR:
		rc = remove_predecessors(call, making, reply.object, &root, err);
		return rc ? rc : RC_NOT_FOUND;
	case WORKLOAD_HELD_BY_OTHERS:
		break;
	}
	return child_is_foreign(object, err);
}

static enum rc check_name(struct op_call *call, const struct workload_object *object, const char *id, struct error *err)
{
	const struct kube_uid none = { 0 };
	struct kube_reply reply cleanup_kube_reply = { 0 };
	enum rc rc = op_kube_get(call, object->kind, object->name, &reply, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	return workload_holder(reply.object, id, &none) == WORKLOAD_HELD_BY_PREDECESSOR ? RC_OK
											: child_is_foreign(object, err);
}

enum rc container_make_check_names(struct op_call *call, const struct workload *workload, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < workload->count; i++)
		if (workload->objects[i].role != WORKLOAD_ROOT)
			rc = check_name(call, &workload->objects[i], workload->source.id, err);
	return rc;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static enum rc post(struct op_call *call, struct making *making, const struct buf *body, struct error *err)
{
	const struct workload_object *object = making->object;
	cJSON **slot = object->role == WORKLOAD_ROOT ? &making->root.object : &making->children[object->role];
	struct kube_reply reply cleanup_kube_reply = { 0 };
	enum rc rc = permission_hold(call, err);

	if (rc)
		return rc;
	making->written = true;
	rc = op_kube_create(call, object->kind, body, &reply, err);
	if (object->role == WORKLOAD_ROOT) {
		making->unsure |= reply.unsure;
		making->root_made = !rc;
		making->root.kind = object->kind;
	}
	if (!rc)
		*slot = TAKE(reply.object);
	return rc;
}

enum rc container_make_refuse(const char *id, struct error *err)
{
	return error_set(err, RC_ALREADY_EXISTS, "container '%s' already exists", id);
}

static enum rc give_up(const struct workload_object *object, struct error *err)
{
	if (object->role == WORKLOAD_ROOT)
		return container_make_refuse(object->name, err);
	return error_set(err, RC_UNAVAILABLE,
			 "cannot create the %s '%s': it is repeatedly created and deleted concurrently",
			 kube_kind_name(object->kind), object->name);
}

static enum rc make_object(struct op_call *call, struct making *making, struct error *err)
{
	const struct workload_object *object = making->object;
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	enum rc rc = workload_write(&making->workload, object, root_uid(&making->root), &body, err);

	for (int i = 0; !rc && i < TRIES_MAX; i++) {
		if (i > 1)
			clock_sleep_ms(PAUSE_MS);
		rc = post(call, making, &body, err);
		if (rc != RC_ALREADY_EXISTS)
			return rc;
		rc = object->role == WORKLOAD_ROOT ? making->root_taken(making->ctx, call, err)
						   : child_taken(call, making, err);
		if (rc != RC_NOT_FOUND)
			return rc;
		rc = RC_OK;
	}
	return rc ? rc : give_up(object, err);
}

enum rc container_make(struct op_call *call, struct making *making, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < making->workload.count; i++) {
		making->object = &making->workload.objects[i];
		if (making->roles & 1u << making->object->role)
			rc = make_object(call, making, err);
		if (!rc && making->object->role == WORKLOAD_ROOT && making->root_stands)
			rc = making->root_stands(making->ctx, call, err);
	}
	return rc;
}

enum rc making_show(const struct making *making, struct container_extras *extras, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < making->workload.count; i++) {
		const struct workload_object *object = &making->workload.objects[i];
		cleanup_free struct fact *fact = NULL;

		if (!making->children[object->role])
			continue;
		rc = fact_from_object(object->kind, making->children[object->role], &fact, err);
		if (!rc)
			rc = container_extras_show(extras, fact, err);
	}
	return rc;
}
