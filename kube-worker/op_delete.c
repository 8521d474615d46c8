/*
 * delete and undo: what was looked up is removed, by uid.
 */
#include "kube-worker/ops.h"

#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/container_find.h"
#include "kube-worker/container_remove.h"
#include "kube-worker/op_kube.h"

/* Remove the Deployment of that name if it is a container of the id. */
static enum rc remove_one(struct op_call *call, const char *id, const char *name, int *removed, struct error *err)
{
	struct kube_reply deployment cleanup_kube_reply = { 0 };
	enum rc rc = op_kube_get(call, KUBE_DEPLOYMENT, name, &deployment, err);

	if (rc == RC_NOT_FOUND)
		return RC_OK;
	if (rc)
		return rc;
	if (!container_is_live(deployment.object, id))
		return RC_OK;
	(*removed)++;
	return container_remove(call, deployment.object, err);
}

/* Each Deployment of the id, once: usually the one that we made; other programs may have made more. */
static enum rc remove_all(struct op_call *call, const char *id, int *removed, struct error *err)
{
	struct container_names names cleanup_container_names = { 0 };
	enum rc rc = remove_one(call, id, id, removed, err);
	const char *name;

	if (!rc)
		rc = container_find_foreign(call, id, &names, err);
	name = names.names.data;
	for (size_t i = 0; !rc && i < names.count; i++, name += strlen(name) + 1)
		rc = remove_one(call, id, name, removed, err);
	return rc;
}

enum rc op_delete(struct op_call *call, const cJSON *request, struct buf *result unused, struct error *err)
{
	const char *id = json_string_at(request, "id");
	int removed = 0;
	enum rc rc;

	if (!id)
		return error_set(err, RC_INTERNAL, "a delete request without id");
	rc = remove_all(call, id, &removed, err);
	if (rc)
		return rc;
	/* Asked again: the first asking has perhaps done it, and its answer was lost. */
	if (removed == 0 && call->attempt == 1 && !json_true_at(request, "absent_ok"))
		return error_set(err, RC_NOT_FOUND, "container '%s' does not exist", id);
	return RC_OK;
}

enum rc op_undo(struct op_call *call, const cJSON *request, struct buf *result unused, struct error *err)
{
	const char *id = json_string_at(request, "id");
	const char *token = json_string_at(request, "token");

	if (!id || !token)
		return error_set(err, RC_INTERNAL, "an undo request without id or token");
	if (str_has_prefix(token, PROTOCOL_TOKEN_KEY))
		return error_set(err, RC_INTERNAL, "a create by Idempotency-Key is not undone");
	return container_undo(call, id, token, err);
}
