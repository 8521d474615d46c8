/*
 * The channels of a command that runs in a container: the numbers that Kubernetes gives them, which clients see as
 * well, and what travels between our processes in a stream of exec (protocol.h). Pure.
 *
 * A message of a WebSocket is one byte, the channel, and the data (`v5.channel.k8s.io`; v4 is the same without
 * EXEC_CLOSE). On the bus a frame is the channel, the length in three bytes, the most significant first, and the data.
 *
 * Source: KEP-4006; k8s.io/apimachinery/pkg/util/remotecommand, k8s.io/streaming/pkg/httpstream/wsstream.
 */
#ifndef COMMON_EXEC_CHANNEL_H
#define COMMON_EXEC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

enum exec_channel {
	EXEC_STDIN = 0,
	EXEC_STDOUT = 1,
	EXEC_STDERR = 2,
	EXEC_STATUS = 3,  /* Kubernetes' Status, in JSON: how it ended */
	EXEC_RESIZE = 4,  /* {"Width", "Height"} of the terminal */
	EXEC_CLOSE = 255, /* its data: the channel that the client has closed */
};

#define EXEC_PROTOCOL_V5 "v5.channel.k8s.io"
#define EXEC_PROTOCOL_V4 "v4.channel.k8s.io"

#define EXEC_FRAME_HEAD 4
#define EXEC_FRAME_DATA_MAX (32u * 1024 - EXEC_FRAME_HEAD) /* bytes of the data of a frame */
#define EXEC_CONTROL_MAX (16u * 1024) /* bytes of a message that is not of stdin, stdout or stderr */

/* Takes data of a channel: pieces of stdin, stdout and stderr, whole messages of all others. */
typedef void exec_take(void *ctx, unsigned channel, const char *data, size_t len);

/* Puts together what comes in pieces. */
struct exec_reader {
	exec_take *take;
	void *ctx;
	int channel;     /* of the message that comes; -1: not known yet */
	struct buf held; /* of a message that is handed on whole */
	size_t head_len; /* of a frame */
	size_t left;     /* of its data */
	unsigned char head[EXEC_FRAME_HEAD];
};

struct exec_reader exec_reader_make(exec_take *take, void *ctx);

/* Free what it holds. */
void exec_reader_clear(struct exec_reader *reader);

/*
 * A piece of a message of a WebSocket; begins, ends: the first and the last of one. An empty message says nothing.
 * Errors: RC_TOO_LARGE above EXEC_CONTROL_MAX; RC_NO_MEMORY.
 */
enum rc exec_reader_message(struct exec_reader *reader, const char *bytes, size_t len, bool begins, bool ends,
			    struct error *err) must_check;

/* Bytes of frames, cut anywhere. Errors: RC_INTERNAL a frame that is too large; RC_NO_MEMORY. */
enum rc exec_reader_frames(struct exec_reader *reader, const char *bytes, size_t len, struct error *err) must_check;

/* Append data as frames; none of them: one that is empty. */
void exec_frame_add(struct buf *out, unsigned channel, const char *data, size_t len);

#endif
