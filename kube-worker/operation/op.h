/*
 * The table of operations, run by the pool or by streams.h, one file each: op_<name>.c.
 */
#ifndef KUBE_WORKER_OPERATION_OP_H
#define KUBE_WORKER_OPERATION_OP_H

#include "kube-worker/operation/op_call.h"
#include "kube-worker/operation/request_check.h"

struct stream_source;

struct op {
	/*
	 * Execute it (request and reply: protocol.h).
	 *
	 * request  the request's JSON, validated by op_check().
	 * result   the reply body is appended.
	 * Errors: codes and texts for the client; call->faults with RC_INVALID_ARGUMENT.
	 * Blocks: until call->deadline_ms at most, except for an undo.
	 */
	enum rc (*run)(struct op_call *call, const cJSON *request, struct buf *result, struct error *err);
	const struct request_member *members; /* of a request */
	size_t member_count;
	enum rc (*check)(const cJSON *request, struct error *err); /* checks combinations of members; NULL: none */
	/*
	 * Instead of run, for long-running operations: create the source of a stream, or of a value
	 * (worker_stream_reply).
	 * On the loop of streams.h; must not block.
	 *
	 * request must outlive the source.
	 * ret_source  owned by the caller (free() of its type).
	 * Errors: as run.
	 */
	enum rc (*open)(const struct op_env *env, const cJSON *request, struct stream_source **ret_source,
			struct error *err);
	bool is_shared; /* one shared stream per api-svc, admitted beyond the limit of clients' streams */
};

#define OP_DECLARATION(upper, lower, ...) extern const struct op op_##lower;
OPERATION_POOL_ROWS(OP_DECLARATION)
OPERATION_STREAM_ROWS(OP_DECLARATION)
#undef OP_DECLARATION

/* The row of an operation; NULL: handled by dispatcher.c. */
const struct op *op_find(enum operation operation);

/*
 * Validate a request of an operation of the table. Errors: RC_INTERNAL with the missing or invalid member and its valid
 * form.
 */
enum rc op_check(enum operation operation, const cJSON *request, struct error *err) must_check;

/*
 * Parse and validate the request of a message.
 * ret_request: given to the caller (cJSON_Delete). Errors: those of op_check(); RC_NO_MEMORY.
 */
enum rc op_read(enum operation operation, const struct bus_message *msg, cJSON **ret_request, struct error *err)
	must_check;

#endif
