/*
 * A command in a container of a replica, over a WebSocket to Kubernetes: finds where, opens the connection, and knows
 * how it has ended. On the loop of streams.h, without waiting. Who uses it says what becomes of the channels' data.
 *
 * 	SEEKING --a replica whose container runs--> ASKING --the caller permits it--> OPENING --the WebSocket is open-->
 * RUNNING RUNNING --Status, and the end--> OVER
 *
 * With stdin it speaks v5, which can end it, and v4 where that is not known (before Kubernetes 1.30). Without stdin v4,
 * and v5 if need be: v4 goes through to the kubelet, so the command ends with its connection, and a kubelet that dies
 * leaves no Status. Of v5 the API server is the end: seen with 1.36.3, it keeps an idle command whose client has gone,
 * and says that a command has ended well whose kubelet has died.
 */
#ifndef KUBE_WORKER_STREAMS_EXEC_SESSION_H
#define KUBE_WORKER_STREAMS_EXEC_SESSION_H

#include "common/exec_channel.h"
#include "common/kube/kube_socket.h"
#include "kube-worker/operation/request_check.h"
#include "kube-worker/streams/replica_seek.h"

/* What a request of exec and of exec_run has in common, for their tables. */
#define EXEC_SESSION_MEMBERS                                                                                          \
	{ .name = "id", .required = true, .type = request_member_is_text, .valid = protocol_is_id, .form = "an id" }, \
		{ .name = "command", .required = true, .type = request_member_is_texts, .form = "a list of texts" },  \
		{ .name = "container", .type = request_member_is_text, .form = "a name" },                            \
	{                                                                                                             \
		.name = "replica", .type = request_member_is_text, .form = "a name"                                   \
	}

struct exec_streams {
	bool in, out, err, tty;
};

struct exec_session_taker {
	/* The command is begun. */
	void (*begun)(void *ctx);
	/*
	 * It could not be; not within a call of the owner's. pointer: the member of the request that is wrong; NULL:
	 * none.
	 */
	void (*failed)(void *ctx, const char *pointer, const struct error *why);
	/* Data of stdout and stderr; or the Status, whole. */
	exec_take *take;
	/* No more comes. RC_OK: the Status has told how it ended; else the connection was lost before. */
	void (*ended)(void *ctx, const struct error *why);
	void *ctx;
};

enum exec_session_state { EXEC_SEEKING, EXEC_ASKING, EXEC_OPENING, EXEC_RUNNING, EXEC_OVER };

struct exec_session {
	struct worker_stream *stream;
	struct exec_session_taker taker;
	struct exec_streams streams;
	const cJSON *request;
	enum exec_session_state state;
	struct replica_seek seek;
	char replica[254];
	char container[64];
	struct kube_socket *socket; /* NULL: none */
	bool is_v4;
	bool is_second; /* the other subprotocol was refused */
	struct exec_reader reader;
	struct error fault; /* while opening: it has failed; or of what has come */
	bool begun_told;
	int64_t asked_ms; /* when its caller was asked for its permission */
	bool status_heard;
	int64_t due_ms; /* the next try to open; or by when the end has to come */
};

/* Begin. request: as the table above says; outlives it. */
struct exec_session exec_session_make(const struct op_env *env, const cJSON *request, struct exec_streams streams,
				      const struct exec_session_taker *taker);

/* Free what it holds: the command's connection is dropped. */
void exec_session_clear(struct exec_session *session);

/*
 * Go on.
 *
 * room  bytes of data that take() can take now; with their frames they are no more than twice as much.
 * Returns when to call it again at the latest; the stream is woken for everything else.
 */
int64_t exec_session_pump(struct exec_session *session, struct worker_stream *stream, size_t room);

/* Can it send a message now? */
bool exec_session_takes(const struct exec_session *session);

/*
 * Send data of stdin, a resize, or a close; WEBSOCKET_SEND_MAX at most. A close is dropped where Kubernetes does not
 * know it (before 1.30).
 */
void exec_session_send(struct exec_session *session, unsigned channel, const char *data, size_t len);

/* Can Kubernetes be told that stdin has ended? While it runs. */
bool exec_session_can_close(const struct exec_session *session);

#endif
