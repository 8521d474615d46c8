/*
 * The output of logs: lines of text, or events (text/event-stream), in a bounded buffer. Lines of several logs are
 * never interleaved. Pure.
 */
#ifndef KUBE_WORKER_STREAMS_LOG_OUTPUT_H
#define KUBE_WORKER_STREAMS_LOG_OUTPUT_H

#include "common/container/fact.h"
#include "kube-worker/streams/log_reader.h"

#define LOG_OUTPUT_HIGH (32u * 1024) /* pending bytes above which reading stops */
#define LOG_PLACES_MAX 29            /* in an event id of 1,024 bytes: LOG_LOGS_MAX logs, the others, and the start */
#define LOG_LOGS_MAX (LOG_PLACES_MAX - 2)
#define LOG_ID_MAX (LOG_PLACES_MAX * 40)
#define LOG_KEY_OTHERS 0 /* their earliest position */
#define LOG_KEY_START 1  /* the time of the first request, and, as a hash, the key of the root */

/* The name of a log. */
struct log_name {
	const char *replica;
	const char *container;
};

#define LOG_HASH_NO_LINE 0 /* of the place of a log without lines before that time */

/* The position of a log in an id: `key` identifies the log. */
struct log_mark {
	uint32_t key;
	struct log_place place;
};

struct log_output {
	bool events;
	bool timestamps;
	bool named;   /* prefix text lines with the log's name */
	int64_t left; /* remaining limit in bytes */
	struct buf bytes;
	const void *speaker; /* the log with an incomplete line; NULL: none */
	bool in_line;        /* the last output is an incomplete line */
};

/* limit: INT64_MAX: none. */
struct log_output log_output_make(bool events, bool timestamps, bool named, int64_t limit);
void log_output_clear(struct log_output *output);

/* Whether this log may output now. */
bool log_output_takes(const struct log_output *output, const void *speaker);

/*
 * Output a line, or a piece of one, truncated at the limit.
 * marks: positions of all logs, including this line, for the id of an event; count of them.
 */
void log_output_line(struct log_output *output, const void *speaker, const struct log_name *name,
		     const struct log_line *line, const struct log_mark *marks, size_t count);

/* The incomplete line of this log ends; other logs may output. */
void log_output_break(struct log_output *output, const void *speaker);

/* A comment of an event stream. */
void log_output_comment(struct log_output *output);

/* By the uid of the Pod, since a later one with the same name has other logs; or of a root. None of the keys above. */
uint32_t log_mark_key(const struct kube_uid *owner, const char *container);

/* Parse an id of log_output_line(). Returns the number of marks; -1: invalid. */
int log_marks_read(const char *id, struct log_mark marks[LOG_PLACES_MAX]);

#endif
