/*
 * The table of operations that the pool carries out, or streams.h, one file each: op_<name>.c.
 */
#ifndef KUBE_WORKER_OPERATION_OP_H
#define KUBE_WORKER_OPERATION_OP_H

#include "kube-worker/operation/op_call.h"
#include "kube-worker/operation/request_check.h"

struct stream_source;

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
	/*
	 * In place of run, for what takes its time: make the source of a stream, or of a value (worker_stream_reply).
	 * On the loop of streams.h; must not block.
	 *
	 * request     outlives the source.
	 * ret_source  given to the caller (its type's free).
	 * Errors: as run.
	 */
	enum rc (*open)(const struct op_env *env, const cJSON *request, struct stream_source **ret_source,
			struct error *err);
	bool is_shared; /* one stream for each api-svc, whoever reads it: it finds room when clients' streams have none */
};

#define OP_DECLARATION(upper, lower, ...) extern const struct op op_##lower;
OPERATION_POOL_ROWS(OP_DECLARATION)
OPERATION_STREAM_ROWS(OP_DECLARATION)
#undef OP_DECLARATION

/* The operation of the table; NULL: it is replied to at once (dispatcher.c). */
const struct op *op_find(enum operation operation);

/*
 * Is a request as the operation, one of the table, wants it? Errors: RC_INTERNAL which member is missing or wrong, and
 * what it has to be.
 */
enum rc op_check(enum operation operation, const cJSON *request, struct error *err) must_check;

/*
 * Parse a message's request, and check it.
 * ret_request: given to the caller (cJSON_Delete). Errors: those of op_check(); RC_NO_MEMORY.
 */
enum rc op_read(enum operation operation, const struct bus_message *msg, cJSON **ret_request, struct error *err)
	must_check;

#endif
