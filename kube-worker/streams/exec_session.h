/*
 * A command in a container of a replica, over a WebSocket to Kubernetes: selects the replica, opens the connection, and
 * detects the result. On the loop of streams.h, never blocks. The owner handles the data of the channels.
 *
 * 	SEEKING --a replica whose container runs--> ASKING --the caller permits it--> OPENING --the WebSocket is open-->
 * RUNNING RUNNING --Status, and the end--> OVER
 *
 * With stdin v5 is used, which can close it, and v4 if not supported (before Kubernetes 1.30). Without stdin v4, and v5
 * as fallback: v4 is passed through to the kubelet, so the command ends with its connection, and a failed kubelet sends
 * no Status. v5 is terminated by the API server: observed with 1.36.3, an idle command continues after its client has
 * disconnected, and success is reported if the kubelet fails.
 */
#ifndef KUBE_WORKER_STREAMS_EXEC_SESSION_H
#define KUBE_WORKER_STREAMS_EXEC_SESSION_H

#include "common/exec_channel.h"
#include "common/kube/kube_socket.h"
#include "kube-worker/operation/request_check.h"
#include "kube-worker/streams/replica_seek.h"

/* Common members of exec and exec_run requests. */
#define EXEC_SESSION_MEMBERS                                                                                         \
	REQUEST_MEMBER_ID,                                                                                           \
		{ .name = "command", .required = true, .type = request_member_is_texts, .form = "a list of texts" }, \
		{ .name = "container", .type = request_member_is_text, .form = "a name" },                           \
	{                                                                                                            \
		.name = "replica", .type = request_member_is_text, .form = "a name"                                  \
	}

struct exec_streams {
	bool in, out, err, tty;
};

struct exec_session_taker {
	/* The command was started. */
	void (*begun)(void *ctx);
	/*
	 * It failed to start; not called within calls of the owner. pointer: the invalid member of the request; NULL:
	 * none.
	 */
	void (*failed)(void *ctx, const char *pointer, const struct error *why);
	/* Data of stdout and stderr; or the complete Status. */
	exec_take *take;
	/* The end. RC_OK: the Status was received; RC_TIMEOUT: the connection was lost before. */
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
	bool is_second; /* the other subprotocol was rejected */
	struct exec_reader reader;
	struct error fault; /* error while opening, or in received data */
	bool begun_told;
	int64_t asked_ms; /* when permission was requested */
	bool status_heard;
	int64_t due_ms; /* the next attempt to open; or the time limit of the end */
};

/* Create it. request: validated by the table above; must outlive it. */
struct exec_session exec_session_make(const struct op_env *env, const cJSON *request, struct exec_streams streams,
				      const struct exec_session_taker *taker);

/* Free its contents: the command's connection is closed. */
void exec_session_clear(struct exec_session *session);

/*
 * Go on.
 *
 * room  bytes of data that take() accepts now; framed at most twice as much.
 * Returns when to call it again at the latest; the stream is woken for everything else.
 */
int64_t exec_session_pump(struct exec_session *session, struct worker_stream *stream, size_t room);

/* Whether it can send a message now. */
bool exec_session_takes(const struct exec_session *session);

/*
 * Send data of stdin, a resize, or a close; WEBSOCKET_SEND_MAX at most. A close is dropped if Kubernetes does not
 * support it (before 1.30).
 */
void exec_session_send(struct exec_session *session, unsigned channel, const char *data, size_t len);

/* Whether stdin can be closed. Only while running. */
bool exec_session_can_close(const struct exec_session *session);

#endif
