/*
 * The channels of a command that runs in a container: the numbers of Kubernetes, also visible to clients, and the
 * frames between our processes in a stream of exec (protocol.h). Pure.
 *
 * A message of a WebSocket is one byte, the channel, and the data (`v5.channel.k8s.io`; v4 is the same without
 * EXEC_CLOSE). On the bus a frame is the channel, the length as three bytes in big-endian order, and the data.
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
	EXEC_STATUS = 3,  /* the Kubernetes Status of the result, JSON */
	EXEC_RESIZE = 4,  /* {"Width", "Height"} of the terminal */
	EXEC_CLOSE = 255, /* data: the channel that the client has closed */
};

#define EXEC_PROTOCOL_V5 "v5.channel.k8s.io"
#define EXEC_PROTOCOL_V4 "v4.channel.k8s.io"

#define EXEC_FRAME_HEAD 4
#define EXEC_FRAME_DATA_MAX (32u * 1024 - EXEC_FRAME_HEAD) /* bytes of the data of a frame */
#define EXEC_CONTROL_MAX (16u * 1024) /* bytes of a message of channels other than stdin, stdout, stderr */

/* Receives data of a channel: pieces of stdin, stdout and stderr, whole messages of all others. */
typedef void exec_take(void *ctx, unsigned channel, const char *data, size_t len);

/* Reassembles messages and frames. */
struct exec_reader {
	exec_take *take;
	void *ctx;
	int channel;     /* of the current message; -1: not known yet */
	struct buf held; /* of a message that is delivered as a whole */
	size_t head_len; /* of a frame */
	size_t left;     /* of its data */
	unsigned char head[EXEC_FRAME_HEAD];
};

struct exec_reader exec_reader_make(exec_take *take, void *ctx);

/* Free what it holds. */
void exec_reader_clear(struct exec_reader *reader);

/*
 * Process a piece of a WebSocket message; begins, ends: the first and the last piece. Empty messages are ignored.
 * Errors: RC_TOO_LARGE above EXEC_CONTROL_MAX; RC_NO_MEMORY.
 */
enum rc exec_reader_message(struct exec_reader *reader, const char *bytes, size_t len, bool begins, bool ends,
			    struct error *err) must_check;

/* Process bytes of frames, with arbitrary boundaries. Errors: RC_INTERNAL a frame is too large; RC_NO_MEMORY. */
enum rc exec_reader_frames(struct exec_reader *reader, const char *bytes, size_t len, struct error *err) must_check;

/* Append data as frames; no data: an empty frame. */
void exec_frame_add(struct buf *out, unsigned channel, const char *data, size_t len);

#endif
