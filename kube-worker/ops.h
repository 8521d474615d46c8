/*
 * The table of operations that the pool carries out, one file each: op_<name>.c.
 */
#ifndef KUBE_WORKER_OPS_H
#define KUBE_WORKER_OPS_H

#include "kube-worker/op.h"
#include "kube-worker/request_check.h"

struct op {
	/*
	 * Carry it out (protocol.h says what each gets and answers).
	 *
	 * request  the request's JSON, an object that op_check() has passed.
	 * result   the answer's body is appended.
	 * Errors: the codes and texts that the client gets; call->faults with RC_INVALID_ARGUMENT.
	 * Blocks: until call->deadline_ms at most, a rollback excepted.
	 */
	enum rc (*run)(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
	const struct request_member *members; /* that a request has */
	size_t member_count;
	enum rc (*check)(const cJSON *request, struct error *err); /* what no single member can tell; NULL: nothing */
};

#define OP_DECLARATION(upper, lower, ...) extern const struct op op_##lower;
OPERATION_POOL_ROWS(OP_DECLARATION)
#undef OP_DECLARATION

/* The operation of the pool; NULL: it is replied to beside the pool (dispatcher.c). */
const struct op *op_find(enum operation operation);

/*
 * Is a request as the operation, one of the pool, wants it? Errors: RC_INTERNAL which member is missing or wrong, and what it has to be.
 */
enum rc op_check(enum operation operation, const cJSON *request, struct error *err) must_check;

#endif
