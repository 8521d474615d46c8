#include "kube-worker/operation/op.h"

static const struct op *const ops[OPERATION_COUNT] = {
#define OP_ROW(upper, lower, ...) [OPERATION_##upper] = &op_##lower,
	OPERATION_POOL_ROWS(OP_ROW) OPERATION_STREAM_ROWS(OP_ROW)
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

enum rc op_read(enum operation operation, const struct bus_message *msg, cJSON **ret_request, struct error *err)
{
	cleanup_json cJSON *request = NULL;
	size_t len;
	const char *data = bus_message_data(msg, &len);
	enum rc rc = json_parse(data ? data : "", len, &request, err);

	if (rc)
		return rc == RC_INVALID_ARGUMENT ? error_wrap(err, RC_INTERNAL, "malformed request") : rc;
	rc = op_check(operation, request, err);
	if (!rc)
		*ret_request = TAKE(request);
	return rc;
}
