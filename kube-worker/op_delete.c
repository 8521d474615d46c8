/*
 * delete: all that is to go is looked up; with the caller's permission it is then removed, by uid.
 */
#include "kube-worker/ops.h"

#include <string.h>

#include "kube-worker/container_find.h"
#include "kube-worker/container_remove.h"

/* Note the root of that name if it is a container of the id. */
static enum rc find_one(struct op_call *call, const char *id, const char *name, struct removal *removal,
			struct error *err)
{
	struct root root cleanup_root = { 0 };
	enum rc rc = root_get(call, name, &root, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	return root_is_live(&root, id) ? removal_add(call, removal, &root, err) : RC_OK;
}

/* Each root of the id, once: usually the one that we made; other programs may have made more. */
static enum rc find_all(struct op_call *call, const char *id, struct removal *removal, struct error *err)
{
	struct container_names names cleanup_container_names = { 0 };
	enum rc rc = find_one(call, id, id, removal, err);
	const char *name;

	if (!rc)
		rc = container_find_foreign(call, id, &names, err);
	name = names.names.data;
	for (size_t i = 0; !rc && i < names.count; i++, name += strlen(name) + 1)
		rc = find_one(call, id, name, removal, err);
	return rc;
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result unused, struct error *err)
{
	struct removal removal cleanup_removal = { 0 };
	const char *id = json_string_at(request, "id");
	enum rc rc;

	rc = find_all(call, id, &removal, err);
	if (rc)
		return rc;
	if (removal.count > 0)
		return removal_run(call, &removal, err);
	/* A repeat: the first attempt may have done it, and its reply was lost. */
	if (call->attempt == 1 && !json_true_at(request, "absent_ok"))
		return error_set(err, RC_NOT_FOUND, "container '%s' does not exist", id);
	return RC_OK;
}

static const struct request_member members[] = {
	{ .name = "id", .required = true, .type = request_member_is_text, .valid = protocol_is_id, .form = "an id" },
	{ .name = "absent_ok", .type = request_member_is_bool, .form = "true or false" },
};

const struct op op_delete = { run, members, ARRAY_LEN(members), NULL };
