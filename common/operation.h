/*
 * The table of operations, shared by all processes. The messages of an operation are described in protocol.h.
 *
 * To add an operation: its path in api-svc/openapi.yaml, its row here, kube-worker/op_<name>.c, and an end-to-end test
 * whose name begins with test_<name>_. `make` fails if one of them is missing.
 */
#ifndef COMMON_OPERATION_H
#define COMMON_OPERATION_H

#include <stdbool.h>

#include "common/resource.h"

/* How a request is retried (worker_calls.h). */
enum operation_repeat {
	OPERATION_SENT_ONCE,   /* no retry: the first error is the reply */
	OPERATION_BEGUN_ONCE,  /* retried after a rejection; never if a worker may have started it */
	OPERATION_SENT_AGAIN,  /* retried after a rejection or without a reply */
	OPERATION_UNTIL_DONE,  /* retried after any failure, until the deadline */
	OPERATION_SENT_TO_ALL, /* all workers reply: the first success wins, errors only if there is none */
	OPERATION_REPEAT_COUNT
};

/* Its effect, which determines the rights that its client needs. */
enum operation_effect {
	OPERATION_READS,
	OPERATION_CHANGES,  /* writes to Kubernetes, with a permission (protocol.h) */
	OPERATION_EXECUTES, /* runs a command in a container */
};

/* What happens if its client disconnects before the reply. */
enum operation_leaving {
	OPERATION_GOES_ON,
	OPERATION_ENDS,      /* it is not started, or cancelled */
	OPERATION_IS_UNDONE, /* likewise, and the created objects are removed (protocol.h, SETTLING) */
};

enum operation_reply {
	OPERATION_REPLY_NOTHING,
	OPERATION_REPLY_VALUE,  /* a JSON object */
	OPERATION_REPLY_STREAM, /* a stream (protocol.h); it writes nothing */
};

#define OPERATION_CONTAINER RESOURCE_CONTAINERS_PATH "/{container_id}"

/*
 * enumerator, name; method, path and operationId in openapi.yaml (NULL: not for clients); status of a success; retries;
 * effect; what happens if the client disconnects; content of the reply.
 *
 * The first group runs on a pool of threads (kube-worker/op_<name>.c), the second is long-running
 * (op_<name>.c, run by streams.c), the third is replied to at once (dispatcher.c).
 */
/* clang-format off */
#ifdef DCM_SP_TEST_OPERATION /* test programs only: tests/streams/ */
#define OPERATION_TEST_ROWS(ROW) \
	ROW(TEST_STREAM, test_stream, "GET", "/test/stream", "testStream", 200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_STREAM)
#else
#define OPERATION_TEST_ROWS(ROW)
#endif
#define OPERATION_POOL_ROWS(ROW) \
	ROW(LIST,   list,   "GET",    RESOURCE_CONTAINERS_PATH, "listContainers",  200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(CREATE, create, "POST",   RESOURCE_CONTAINERS_PATH, "createContainer", 201, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_IS_UNDONE, OPERATION_REPLY_VALUE) \
	ROW(GET,    get,    "GET",    OPERATION_CONTAINER,  "getContainer",    200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(UPDATE, update, "PATCH",  OPERATION_CONTAINER,  "updateContainer", 200, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(SCALE,  scale,  "POST",   OPERATION_CONTAINER ":scale", "scaleContainer", 200, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(STOP,   stop,   "POST",   OPERATION_CONTAINER ":stop",  "stopContainer",  200, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(START,  start,  "POST",   OPERATION_CONTAINER ":start", "startContainer", 200, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(RESTART, restart, "POST", OPERATION_CONTAINER ":restart", "restartContainer", 200, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(ROLLBACK, rollback, "POST", OPERATION_CONTAINER ":rollback", "rollbackContainer", 200, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(REVISIONS, revisions, "GET", OPERATION_CONTAINER "/revisions", "listRevisions", 200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(EVENTS, events, "GET", OPERATION_CONTAINER "/events", "listEvents", 200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(USAGE, usage, "GET", OPERATION_CONTAINER "/usage", "getUsage", 200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(REVISION, revision, "GET", OPERATION_CONTAINER "/revisions/{revision}", "getRevision", 200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_VALUE) \
	ROW(DELETE, delete, "DELETE", OPERATION_CONTAINER,  "deleteContainer", 204, OPERATION_SENT_AGAIN, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_NOTHING) \
	ROW(UNDO,   undo,   NULL,     NULL,                 NULL,              0,   OPERATION_UNTIL_DONE, OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_NOTHING)
#define OPERATION_STREAM_ROWS(ROW) \
	ROW(EXEC, exec, "GET", OPERATION_CONTAINER "/exec", "openExec", 101, OPERATION_BEGUN_ONCE, OPERATION_EXECUTES, OPERATION_GOES_ON, OPERATION_REPLY_STREAM) \
	ROW(EXEC_RUN, exec_run, "POST", OPERATION_CONTAINER ":exec", "execContainer", 200, OPERATION_BEGUN_ONCE, OPERATION_EXECUTES, OPERATION_ENDS, OPERATION_REPLY_VALUE) \
	ROW(LOGS, logs, "GET", OPERATION_CONTAINER "/logs", "getLogs", 200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_STREAM) \
	ROW(WATCH, watch, "GET", RESOURCE_CONTAINERS_PATH ":watch", "watchContainers", 200, OPERATION_SENT_AGAIN, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_STREAM) \
	OPERATION_TEST_ROWS(ROW)
#define OPERATION_BESIDE_ROWS(ROW) \
	ROW(SETTLE, settle, NULL,     NULL,                 NULL,              0,   OPERATION_SENT_ONCE,  OPERATION_CHANGES, OPERATION_GOES_ON, OPERATION_REPLY_NOTHING) \
	ROW(HEALTH, health, "GET",    RESOURCE_CONTAINERS_PATH "/health", "getHealth", 200, OPERATION_SENT_TO_ALL, OPERATION_READS, OPERATION_GOES_ON, OPERATION_REPLY_VALUE)
#define OPERATION_ROWS(ROW) OPERATION_POOL_ROWS(ROW) OPERATION_STREAM_ROWS(ROW) OPERATION_BESIDE_ROWS(ROW)
/* clang-format on */

enum operation {
#define OPERATION_ENUMERATOR(upper, ...) OPERATION_##upper,
	OPERATION_ROWS(OPERATION_ENUMERATOR)
#undef OPERATION_ENUMERATOR
		OPERATION_COUNT
};

struct operation_row {
	const char *name;   /* in subjects, replies to $SRV.STATS and logs */
	const char *method; /* NULL: internal, then path and id are NULL as well */
	const char *path;
	const char *id; /* operationId */
	unsigned status;
	enum operation_repeat repeat;
	enum operation_effect effect;
	enum operation_leaving leaving;
	enum operation_reply reply;
};

/* The row of a valid value. */
const struct operation_row *operation_row(enum operation operation);

/* Its name, such as "create"; never NULL for a valid value. */
const char *operation_name(enum operation operation);

/* The operation with that name; OPERATION_COUNT: none. */
enum operation operation_from_name(const char *name);

#endif
