/*
 * Parser of a container log with timestamps: splits it into lines, and after a reconnect continues after the last line.
 * Pure.
 */
#ifndef KUBE_WORKER_STREAMS_LOG_READER_H
#define KUBE_WORKER_STREAMS_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"

#define LOG_LINE_MAX (64u * 1024) /* bytes; longer lines are output in pieces, split at character boundaries */

/* A position in a log. ns 0: none. */
struct log_place {
	int64_t ns; /* since 1970 */
	uint32_t hash;
};

/* A line, or a piece of one. */
struct log_line {
	const char *time; /* as received, "" if none; time_len bytes, not NUL-terminated, like text */
	size_t time_len;
	const char *text;
	size_t len;
	bool begins;
	bool ends;
	struct log_place place; /* of a complete line */
	/* Not 0: a loss of lines from then until this time, not a line. */
	int64_t lost_from_ns;
};

struct log_reader {
	struct buf held;       /* the incomplete line */
	struct log_place last; /* the last line output */
	struct log_place mark; /* lines up to it were output before; ns 0: none */
	int64_t newest_ns; /* of the lines of this run: later than the last one, if the clock of its node went back */
	bool fresh;        /* no line of this run was output, but of earlier ones */
	int64_t lost_from_ns;  /* a loss to be reported before the next line; 0: none */
	int64_t since_ns;      /* older lines are skipped */
	struct log_place line; /* the current line */
	char time[40];
	size_t time_len;
	size_t told;   /* bytes of it output */
	size_t skip;   /* bytes of it output before a reconnect */
	size_t broken; /* bytes output of a line truncated by a reconnect, with time broken_ns; 0: none */
	int64_t broken_ns;
	uint64_t running_hash; /* of its text */
	bool in_line;
	bool passes; /* skip this line */
};

/* For a log that was output up to `last` (ns 0: nothing). */
struct log_reader log_reader_make(struct log_place last, int64_t since_ns);
void log_reader_clear(struct log_reader *reader);

/* Process the next bytes, and call `tell` for each line or piece. Errors: RC_NO_MEMORY. */
enum rc log_reader_feed(struct log_reader *reader, const char *bytes, size_t len,
			void (*tell)(void *ctx, const struct log_line *line), void *ctx, struct error *err) must_check;

/* The log has ended: output the incomplete line. */
void log_reader_end(struct log_reader *reader, void (*tell)(void *ctx, const struct log_line *line), void *ctx);

/* The same run again, from the last line: lines are not repeated; if that line is not found, a loss is reported. */
void log_reader_restart(struct log_reader *reader);

/*
 * A later run, without output so far. lost_from_ns: since when lines were lost that could not be read, which is
 * reported before its first line; 0: none.
 */
void log_reader_next_run(struct log_reader *reader, int64_t lost_from_ns);

/* Nanoseconds since 1970 of an RFC 3339 time; clamped if out of range. Returns false if invalid. */
bool log_time_parse(const char *text, size_t len, int64_t *ret_ns);

#endif
