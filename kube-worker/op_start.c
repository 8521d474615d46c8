/*
 * start: restores the number of replicas.
 */
#include "kube-worker/operation/op.h"

#include "kube-worker/change/container_change.h"

static enum rc decide(void *ctx unused, struct op_call *call unused, const cJSON *request unused, struct change *change,
		      struct error *err unused)
{
	run_state_start(&change->run);
	return RC_OK;
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	return container_change(call, request, decide, NULL, result, err);
}

static const struct request_member members[] = { CHANGE_MEMBERS };

const struct op op_start = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
