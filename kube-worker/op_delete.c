/*
 * delete: reads all objects to remove, and with the caller's permission deletes them by uid; with a condition of the
 * client, the root also by its resourceVersion, retrying if it has changed.
 */
#include "kube-worker/operation/op.h"

#include "kube-worker/container/container_find.h"
#include "kube-worker/container/precondition.h"
#include "kube-worker/container/removal.h"

/* Maximum number of retries because of concurrent updates; then an error. */
#define LOOKS_MAX 100

/*
 * Add the root of that kind and name if it is a container with the id. The first one is visible to clients, and the
 * condition applies to it.
 */
static enum rc find_one(struct op_call *call, const cJSON *request, enum kube_kind kind, const char *name,
			struct removal *removal, struct error *err)
{
	struct root root cleanup_root = { 0 };
	enum rc rc = root_get(call, kind, name, &root, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (!root_is_live(&root, json_string_at(request, "id")))
		return RC_OK;
	if (removal->count == 0)
		rc = precondition_check(call, request, &root, err);
	return rc ? rc : removal_add(call, removal, &root, err);
}

/*
 * All roots with the id: usually our own; other programs may have created more, and a create of another kind may still
 * have to be undone.
 */
static enum rc find_all(struct op_call *call, const cJSON *request, struct removal *removal, struct error *err)
{
	struct container_names names cleanup_container_names = { 0 };
	const char *id = json_string_at(request, "id");
	enum kube_kind kinds[KUBE_KIND_COUNT];
	size_t count = root_kinds(call->env->cache, id, kinds);
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < count; i++)
		rc = find_one(call, request, kinds[i], id, removal, err);
	if (!rc)
		rc = container_find_foreign(call, id, &names, err);
	for (size_t i = 0; !rc && i < names.count; i++)
		rc = find_one(call, request, names.items[i].kind, names.items[i].name, removal, err);
	return rc;
}

static enum rc look_and_remove(struct op_call *call, const cJSON *request, struct error *err)
{
	struct removal removal cleanup_removal = { .exact = precondition_is_given(request) };
	enum rc rc = find_all(call, request, &removal, err);

	if (rc)
		return rc;
	if (removal.count > 0)
		return removal_run(call, &removal, err);
	/* On a retry the first attempt may have succeeded without a reply. */
	if (call->attempt == 1 && (precondition_is_given(request) || !json_true_at(request, "absent_ok")))
		return error_set(err, RC_NOT_FOUND, "container '%s' does not exist", json_string_at(request, "id"));
	return RC_OK;
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result unused, struct error *err)
{
	enum rc rc = RC_CONFLICT;

	for (int looks = 0; rc == RC_CONFLICT && looks < LOOKS_MAX; looks++)
		rc = look_and_remove(call, request, err);
	if (rc == RC_CONFLICT)
		return error_set(err, RC_UNAVAILABLE, "the container keeps changing");
	return rc;
}

static const struct request_member members[] = {
	REQUEST_MEMBER_ID,
	{ .name = "absent_ok", .type = request_member_is_bool, .form = "true or false" },
	PRECONDITION_MEMBER,
};

const struct op op_delete = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
