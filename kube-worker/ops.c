#include "kube-worker/ops.h"

static const op_function ops[OPERATION_COUNT] = {
	[OPERATION_CREATE] = op_create, [OPERATION_UNDO] = op_undo,     [OPERATION_GET] = op_get,
	[OPERATION_LIST] = op_list,     [OPERATION_DELETE] = op_delete,
};

op_function op_find(enum operation operation)
{
	return ops[operation];
}
