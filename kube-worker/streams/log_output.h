/*
 * What a client of logs gets: lines of text, or events (text/event-stream), in a bounded buffer. Lines of several logs
 * are never mixed. Pure.
 */
#ifndef KUBE_WORKER_STREAMS_LOG_OUTPUT_H
#define KUBE_WORKER_STREAMS_LOG_OUTPUT_H

#include "common/container/fact.h"
#include "kube-worker/streams/log_reader.h"

#define LOG_OUTPUT_HIGH (32u * 1024) /* bytes that wait to be sent, above which nothing more is read */
#define LOG_PLACES_MAX 16            /* logs whose place an event's id tells */
#define LOG_ID_MAX (LOG_PLACES_MAX * 40)

/* Where a log is told to. */
struct log_name {
	const char *replica;
	const char *container;
};

/* The place of a log in an id: `key` tells which log. */
struct log_mark {
	uint32_t key;
	struct log_place place;
};

struct log_output {
	bool events;
	bool timestamps;
	bool named;   /* a text line begins with its log's name */
	int64_t left; /* bytes of the log that may still be told */
	struct buf bytes;
	const void *speaker; /* whose line has not ended; NULL: none */
	bool in_line;        /* what was told last is no whole line */
};

/* limit: INT64_MAX: there is none. */
struct log_output log_output_make(bool events, bool timestamps, bool named, int64_t limit);
void log_output_clear(struct log_output *output);

/* May this one tell something now? */
bool log_output_takes(const struct log_output *output, const void *speaker);

/*
 * Tell a line, or a piece of one. It is cut where the limit is reached.
 * marks: the places of all logs, this line's included, for the id of an event; count of them.
 */
void log_output_line(struct log_output *output, const void *speaker, const struct log_name *name,
		     const struct log_line *line, const struct log_mark *marks, size_t count);

/* Nothing more comes of the line that this one has begun; another one's may. */
void log_output_break(struct log_output *output, const void *speaker);

/* A comment of an event stream. */
void log_output_comment(struct log_output *output);

/* Of a Pod by its uid: another one that gets its name has other logs. */
uint32_t log_mark_key(const struct kube_uid *pod, const char *container);

/* Read an id that log_output_line() has written. Returns how many marks; -1: it is none. */
int log_marks_read(const char *id, struct log_mark marks[LOG_PLACES_MAX]);

#endif
