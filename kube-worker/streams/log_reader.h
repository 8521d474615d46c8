/*
 * The log of one container as Kubernetes sends it, a time before each line: cut into lines, and after a break found
 * again at the line that was told last. Pure.
 */
#ifndef KUBE_WORKER_STREAMS_LOG_READER_H
#define KUBE_WORKER_STREAMS_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"

#define LOG_LINE_MAX (64u * 1024) /* bytes; a longer line is told in pieces, none of which ends within a character */

/* A line in a log. ns 0: none. */
struct log_place {
	int64_t ns; /* since 1970 */
	uint32_t hash;
};

/* A line, or a piece of one. */
struct log_line {
	const char *time; /* as it came, "" when it had none; time_len bytes, like text */
	size_t time_len;
	const char *text;
	size_t len;
	bool begins;
	bool ends;
	struct log_place place; /* of a line that ends */
	/* Not 0: lines from then until this one's time are lost, and this is no line. */
	int64_t lost_from_ns;
};

struct log_reader {
	struct buf held;       /* what has come of a line that has not ended */
	struct log_place last; /* the line that was told last */
	struct log_place mark; /* what comes up to it was told before; ns 0: nothing was */
	bool complete;         /* the run of the mark was told to its end: no loss when it is not found */
	bool doubted;          /* a line that is newer than the mark was passed over */
	int64_t since_ns;      /* what is older is passed over */
	struct log_place line; /* which comes */
	char time[40];
	size_t time_len;
	size_t told;   /* bytes of it */
	size_t skip;   /* bytes of it that were told before a break */
	size_t broken; /* bytes that were told of the line that a break has cut, whose time is broken_ns; 0: none */
	int64_t broken_ns;
	uint64_t running_hash; /* of its text */
	bool in_line;
	bool passes; /* over this line */
};

/* Of a log that was told up to `last` (ns 0: nothing was). */
struct log_reader log_reader_make(struct log_place last, int64_t since_ns);
void log_reader_clear(struct log_reader *reader);

/* Take the next bytes, and call `tell` for each line or piece. Errors: RC_NO_MEMORY. */
enum rc log_reader_feed(struct log_reader *reader, const char *bytes, size_t len,
			void (*tell)(void *ctx, const struct log_line *line), void *ctx, struct error *err) must_check;

/* It has ended for good: what is held is told, though it has no end. */
void log_reader_end(struct log_reader *reader, void (*tell)(void *ctx, const struct log_line *line), void *ctx);

/*
 * It is read again from the line on that was told last: what was told is not told again, and when that line is not
 * found a loss is told.
 * complete: the run was told to its end, so that without that line this is the next run, and nothing is lost.
 */
void log_reader_restart(struct log_reader *reader, bool complete);

/* Another run of the container follows: nothing of what it says was told. */
void log_reader_next_run(struct log_reader *reader);

/* Nanoseconds since 1970 of an RFC 3339 time; the first or the last for one that is further away. False: it is none. */
bool log_time_parse(const char *text, size_t len, int64_t *ret_ns);

#endif
