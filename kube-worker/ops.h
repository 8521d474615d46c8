/*
 * The table of operations: name -> function.
 */
#ifndef KUBE_WORKER_OPS_H
#define KUBE_WORKER_OPS_H

#include "kube-worker/op.h"

/*
 * Carry out an operation (protocol.h says what each gets and answers).
 *
 * request  the request's JSON, an object.
 * result   the answer's body is appended.
 * Errors: the codes and texts that the client gets; call->faults with RC_INVALID_ARGUMENT.
 * Blocks: until call->deadline_ms at most, a rollback excepted.
 */
typedef enum rc (*op_function)(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);

struct op {
	op_function run;
	/* The answer could not be sent, so the caller will never know: take back what was done. NULL: nothing to do. */
	void (*take_back)(struct op_call *call, const cJSON *request);
};

/* The row of an operation; health is not among them (kube_health.h): its functions are NULL. */
const struct op *op_find(enum operation operation);

enum rc op_create(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
void op_create_take_back(struct op_call *call, const cJSON *request);
enum rc op_undo(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
enum rc op_get(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
enum rc op_list(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
enum rc op_delete(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);

#endif
