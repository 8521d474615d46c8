#include "kube-worker/ops.h"

static const struct op ops[OPERATION_COUNT] = {
	[OPERATION_CREATE] = { op_create, op_create_take_back },
	[OPERATION_UNDO] = { op_undo, NULL },
	[OPERATION_GET] = { op_get, NULL },
	[OPERATION_LIST] = { op_list, NULL },
	[OPERATION_DELETE] = { op_delete, NULL },
};

const struct op *op_find(enum operation operation)
{
	return &ops[operation];
}
