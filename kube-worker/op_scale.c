/*
 * scale: sets the hint `replicas` and the number of Pods; 0 stops the container, and keeps the number in its spec.
 */
#include "kube-worker/operation/op.h"

#include "kube-worker/change/container_change.h"

static enum rc decide(void *ctx unused, struct op_call *call unused, const cJSON *request, struct change *change,
		      struct error *err)
{
	int64_t replicas = json_int_at(request, "replicas", 0);

	run_state_scale(&change->run, replicas);
	return replicas == 0 || spec_set_replicas(change->spec, replicas) ? RC_OK : error_no_memory(err);
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	return container_change(call, request, decide, NULL, result, err);
}

static const struct request_member members[] = {
	CHANGE_MEMBERS,
	{ .name = "replicas",
	  .required = true,
	  .type = request_member_is_int,
	  .form = "a whole number from 0 to 1000",
	  .max = REPLICAS_MAX },
};

const struct op op_scale = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
