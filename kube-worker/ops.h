/*
 * The table of operations: name -> function.
 */
#ifndef KUBE_WORKER_OPS_H
#define KUBE_WORKER_OPS_H

#include "kube-worker/op.h"

/*
 * Carry out an operation (protocol.h says what each gets and answers).
 *
 * request  the request's JSON, an object that request_check_members() has passed.
 * result   the answer's body is appended.
 * Errors: the codes and texts that the client gets; call->faults with RC_INVALID_ARGUMENT.
 * Blocks: until call->deadline_ms at most, a rollback excepted.
 */
typedef enum rc (*op_function)(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);

/* The function of an operation; NULL: it is replied to beside the pool (dispatcher.c). */
op_function op_find(enum operation operation);

enum rc op_create(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
enum rc op_undo(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
enum rc op_get(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
enum rc op_list(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
enum rc op_delete(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);

#endif
