/*
 * Replies of a kube-worker (common/protocol.h): joining parts, parsing errors.
 */
#ifndef API_SVC_PIPELINE_WORKER_REPLY_H
#define API_SVC_PIPELINE_WORKER_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "api-svc/pipeline/worker_debt.h"
#include "common/base/buf.h"
#include "common/protocol.h"
#include "common/services/json.h"

/* One message of a reply; everything is borrowed. */
struct worker_message {
	const char *status; /* PROTOCOL_HEADER_STATUS; NULL: absent */
	const char *part;   /* PROTOCOL_HEADER_PART; NULL: single message */
	const char *wait;   /* PROTOCOL_HEADER_WAIT; NULL: the request is running */
	const char *etag;   /* PROTOCOL_HEADER_ETAG; NULL: absent */
	const char *debt;   /* PROTOCOL_HEADER_DEBT, PROTOCOL_HEADER_SETTLE, and the message's reply subject; or NULL */
	const char *settle;
	const char *notice;
	const char *stream; /* PROTOCOL_HEADER_STREAM; NULL: absent */
	const char *data;
	size_t len;
	unsigned attempt; /* the number of its attempt */
};

/* A reply in parts, reserved in the memory budget until cleared. Zeroed: empty. */
struct worker_join {
	struct buf data;
	size_t held;      /* bytes reserved in the memory budget */
	unsigned attempt; /* of these parts */
	unsigned next;    /* the expected part; 0: none received */
	unsigned total;
};

enum worker_join_result {
	WORKER_JOIN_DONE,      /* the reply is complete, in the join's data (or the single message) */
	WORKER_JOIN_MORE,      /* more parts follow */
	WORKER_JOIN_STRAY,     /* a part of another attempt, or out of order: ignored, or restarted */
	WORKER_JOIN_MALFORMED, /* protocol violation */
	WORKER_JOIN_NO_ROOM,   /* above the memory budget: dropped, if allowed */
};

/* Free the parts. A zeroed struct is allowed. */
void worker_join_clear(struct worker_join *join);

/*
 * Add a message. The first part of any attempt restarts the join, so that parts of different attempts never mix; a
 * single message is complete and does not change the join.
 *
 * may_drop  the operation only reads: its reply may be dropped (WORKER_JOIN_NO_ROOM), unless it is a single part. The
 *           result of a change is never dropped.
 */
enum worker_join_result worker_join_add(struct worker_join *join, const struct worker_message *msg, bool may_drop);

/* The result of a request. */
struct worker_reply {
	struct error error; /* rc RC_OK: `body` is the result */
	char *body;         /* owned; JSON of the result or of a stream's opening, "" if none */
	size_t len;
	char etag[PROTOCOL_ETAG_MAX]; /* of the Container in `body`; "": none */
	struct worker_debt *debt;     /* owned; the settled debt, NULL: none */
	char *stream;                 /* owned; the worker's subject of the opened stream; NULL: none */
	cJSON *faults;                /* owned; array of {"detail", "pointer"} that the worker sent, or NULL */
	/* The request may have been executed, or may still be, although `error` reports a failure. */
	bool outcome_unknown;
};

/* Free its contents. A zeroed struct is allowed. */
void worker_reply_clear(struct worker_reply *reply);

/*
 * Parse a complete reply.
 *
 * status  the status header of its last part; NULL: absent, which makes it malformed.
 * body    owned by the callee (free()).
 * Returns false if malformed; ret_reply is then RC_INTERNAL with the reason.
 */
bool worker_reply_read(enum operation operation, const char *status, char *body, size_t len,
		       struct worker_reply *ret_reply);

/*
 * Set the version of a successful reply. Returns false if malformed; the reply is then RC_INTERNAL.
 *
 * etag  PROTOCOL_HEADER_ETAG; NULL: absent.
 */
bool worker_reply_set_etag(struct worker_reply *reply, const char *etag);

#endif
