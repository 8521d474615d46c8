/*
 * The debt of a worker's reply, and how it is settled (common/protocol.h, SETTLING 2, 3 and 5).
 */
#ifndef API_SVC_PIPELINE_WORKER_DEBT_H
#define API_SVC_PIPELINE_WORKER_DEBT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/bus/bus_inbox.h"
#include "common/container/debt.h"
#include "common/protocol.h"

/* Immutable while shared, except for the sequence, set by the thread that ends the call. */
struct worker_debt {
	atomic_int references;
	bool object;            /* settled by a worker in the mark of the object; else by replacing a record */
	bool by_only_attempt;   /* no other attempt of the call can be running: the record may be removed immediately */
	uint64_t sequence;      /* of the record: before settling the worker's, afterwards ours */
	char key[DEBT_KEY_MAX]; /* of the record */
	char notice[BUS_ADDRESS_MAX]; /* subject of the worker for the notice that it is settled; "": none */
	char value[PROTOCOL_SETTLE_MAX];
};

/*
 * Parse the headers of a reply.
 *
 * debt, settle  their values; notice: the reply's own reply subject; all may be NULL.
 * ret_debt      owned by the caller (worker_debt_unref); NULL: no debt.
 * Errors: RC_INTERNAL malformed; RC_NO_MEMORY.
 */
enum rc worker_debt_read(const char *debt, const char *settle, const char *notice, struct worker_debt **ret_debt,
			 struct error *err) must_check;

/* Take a reference. */
struct worker_debt *worker_debt_ref(struct worker_debt *debt);

/* NULL is allowed. */
void worker_debt_unref(struct worker_debt *debt);

#endif
