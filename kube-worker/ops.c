#include "kube-worker/ops.h"

static const struct op *const ops[OPERATION_COUNT] = {
#define OP_ROW(upper, lower, ...) [OPERATION_##upper] = &op_##lower,
	OPERATION_POOL_ROWS(OP_ROW)
#undef OP_ROW
};

const struct op *op_find(enum operation operation)
{
	return ops[operation];
}

enum rc op_check(enum operation operation, const cJSON *request, struct error *err)
{
	const struct op *op = ops[operation];
	enum rc rc = request_check_members(operation_name(operation), op->members, op->member_count, request, err);

	return !rc && op->check ? op->check(request, err) : rc;
}
