/*
 * What a kube-worker answers (common/protocol.h): parts joined, errors read.
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
	const char *part;   /* PROTOCOL_HEADER_PART; NULL: the reply is whole */
	const char *wait;   /* PROTOCOL_HEADER_WAIT; NULL: the request runs */
	const char *etag;   /* PROTOCOL_HEADER_ETAG; NULL: absent */
	const char *debt;   /* PROTOCOL_HEADER_DEBT, PROTOCOL_HEADER_SETTLE, and the message's reply subject; or NULL */
	const char *settle;
	const char *notice;
	const char *stream; /* PROTOCOL_HEADER_STREAM; NULL: absent */
	const char *data;
	size_t len;
	unsigned attempt; /* the number of the attempt that it answers */
};

/* A reply that comes in parts, counted into the memory budget until it is cleared. Zeroed: nothing has come. */
struct worker_join {
	struct buf data;
	size_t held;      /* bytes that the memory budget knows of */
	unsigned attempt; /* whose parts these are */
	unsigned next;    /* the part that has to come now; 0: nothing has come */
	unsigned total;
};

enum worker_join_result {
	WORKER_JOIN_DONE,      /* the join's data (or the message itself, when it is whole) is the reply */
	WORKER_JOIN_MORE,      /* parts are still missing */
	WORKER_JOIN_STRAY,     /* a part of another attempt, or out of order: nothing changed, or begun anew */
	WORKER_JOIN_MALFORMED, /* not what the protocol says */
	WORKER_JOIN_NO_ROOM,   /* more than the memory budget allows: nothing is kept */
};

/* Free what has come. A zeroed struct is allowed. */
void worker_join_clear(struct worker_join *join);

/*
 * Add a message. The first part of any attempt begins anew, so that parts of different attempts never mix; a whole
 * message is done at once and leaves the join as it is.
 */
enum worker_join_result worker_join_add(struct worker_join *join, const struct worker_message *msg);

/* The outcome of a request, as its handler sees it. */
struct worker_reply {
	struct error error; /* rc RC_OK: `body` is the result */
	char *body;         /* owned; JSON of the result or of a stream's begin, "" when it has none */
	size_t len;
	char etag[PROTOCOL_ETAG_MAX]; /* of the Container in `body`; "": it has none */
	struct worker_debt *debt;     /* owned; what was settled, NULL: nothing was owed */
	char *stream;  /* owned; where the worker listens for the stream that has begun; NULL: none has */
	cJSON *faults; /* owned; array of {"detail", "pointer"} that the worker sent, or NULL */
	/* It may have been carried out, or may still be, although `error` says that it failed. */
	bool outcome_unknown;
};

/* Free what it holds. A zeroed struct is allowed. */
void worker_reply_clear(struct worker_reply *reply);

/*
 * Read a complete reply.
 *
 * status  the status header of its last part; NULL: absent, which makes it malformed.
 * body    taken over (free()).
 * Returns false when it is malformed; ret_reply is then RC_INTERNAL with what is wrong.
 */
bool worker_reply_read(enum operation operation, const char *status, char *body, size_t len,
		       struct worker_reply *ret_reply);

/*
 * Note the version of a success. False when it is malformed; the reply is then RC_INTERNAL.
 *
 * etag  PROTOCOL_HEADER_ETAG; NULL: absent.
 */
bool worker_reply_set_etag(struct worker_reply *reply, const char *etag);

#endif
