/*
 * get: existence and spec from the API server, in one call; state and addresses from the cache.
 */
#include "kube-worker/operation/op.h"

#include "kube-worker/container/container_find.h"
#include "kube-worker/container/container_gather.h"

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct root root cleanup_root = { 0 };
	struct json_writer w = json_writer_make(result);
	const char *id = json_string_at(request, "id");
	enum rc rc = container_find(call, id, &root, err);

	if (!rc)
		rc = container_gather(call, &root, &extras, err);
	return rc ? rc : container_view_write(&w, root.object, &extras, call->etag, err);
}

static const struct request_member members[] = {
	REQUEST_MEMBER_ID,
};

const struct op op_get = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
