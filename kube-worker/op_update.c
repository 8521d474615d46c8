/*
 * update: sets the spec that api-svc has merged. `base` is the version it is based on: if the container has changed,
 * api-svc must merge again (RC_CONFLICT).
 */
#include "kube-worker/operation/op.h"

#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/change/container_change.h"

static enum rc decide(void *ctx unused, struct op_call *call unused, const cJSON *request, struct change *change,
		      struct error *err)
{
	cJSON *spec;

	if (!str_equal(json_string_at(request, "base"), change->etag))
		return error_set(err, RC_CONFLICT, "the container has changed in the meantime");
	spec = cJSON_Duplicate(json_get(request, "spec"), 1);
	if (!spec)
		return error_no_memory(err);
	run_state_follow(&change->run, change->spec, spec);
	cJSON_Delete(change->spec);
	change->spec = spec;
	return RC_OK;
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	return container_change(call, request, decide, NULL, result, err);
}

static const struct request_member members[] = {
	CHANGE_MEMBERS,
	{ .name = "base",
	  .required = true,
	  .type = request_member_is_text,
	  .valid = protocol_is_etag,
	  .form = "an etag" },
	{ .name = "spec", .required = true, .type = request_member_is_object, .form = "an object" },
};

const struct op op_update = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
