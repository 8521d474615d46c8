/*
 * The metrics of a process: tables of metrics, updated with atomics without locks or allocation; text output for
 * Prometheus in metrics_text.h.
 *
 * A metric is a constant row in the file that counts it, with static cells for its values; a process exports lists of
 * such rows. Label values come from tables (operations, kinds, statuses), never from a client, so the number of series
 * is fixed at compile time.
 *
 * Source: https://prometheus.io/docs/practices/naming/ for the names.
 */
#ifndef COMMON_SERVICES_METRICS_H
#define COMMON_SERVICES_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRIC_LABELS_MAX 3
#define METRIC_BUCKETS 13   /* of a histogram, including the unbounded one */
#define METRIC_TRACE_MAX 33 /* bytes of a trace id in hexadecimal with the NUL */

enum metric_type {
	METRIC_COUNTER, /* monotonic; exported with the suffix _total */
	METRIC_GAUGE,
	METRIC_AGE, /* a gauge set to clock_mono_ms(), exported as the time since then; 0: never set, not exported */
	METRIC_HISTOGRAM,
};

struct metric_cell {
	_Atomic int64_t value;
};

/* Of one series of a histogram. */
struct metric_buckets {
	struct metric_cell counts[METRIC_BUCKETS]; /* not cumulative */
	struct metric_cell sum;                    /* nanoseconds */
};

/* The last request with a trace id in a bucket. */
struct metric_exemplar {
	atomic_flag busy; /* held while written or read; try-lock only */
	char trace[METRIC_TRACE_MAX];
	int64_t ns;
	int64_t wall_ms; /* 0: none */
};

struct metric_label {
	const char *name; /* NULL: no more labels */
	size_t count;     /* number of values: value(0), value(1), ... */
	const char *(*value)(size_t index);
};

/* Values are stored as integers, and exported divided by this. */
enum metric_scale { METRIC_ONE = 1, METRIC_MS = 1000, METRIC_NS = 1000000000 };

struct metric {
	const char *name; /* with prefix and unit; without _total */
	const char *help; /* one sentence without a full stop */
	const char *unit; /* the suffix of the name, "seconds" or "bytes"; NULL: none */
	enum metric_type type;
	enum metric_scale scale;
	bool sparse; /* series with 0 are not exported: for label combinations that rarely occur */
	struct metric_label labels[METRIC_LABELS_MAX];
	struct metric_cell *cells;         /* one per series */
	struct metric_buckets *buckets;    /* of a histogram, instead of cells */
	struct metric_exemplar *exemplars; /* METRIC_BUCKETS per series; NULL: none */
};

/* The metrics of a process. */
struct metrics {
	const struct metric *const *const *lists; /* NULL-terminated lists, NULL-terminated */
	/*
	 * Updates metrics that are computed on demand, before the text is written. Any thread, also several; may be
	 * NULL.
	 */
	void (*collect)(void *ctx);
	void *ctx;
};

/* Upper bounds of the buckets: nanoseconds and text. The last is unbounded. */
struct metric_bound {
	int64_t ns;
	const char *text;
};
extern const struct metric_bound metric_bounds[METRIC_BUCKETS];

/* The number of series of a metric: the product of its label counts. */
size_t metric_series_count(const struct metric *metric);

/* The series with these label values; 0 for missing labels. */
size_t metric_series(const struct metric *metric, size_t first, size_t second, size_t third);

/*
 * Update a metric: add to a counter or a gauge, set a gauge or a counter kept elsewhere, observe a duration.
 *
 * series  metric_series(); 0 for a metric without labels.
 * trace   the request's trace id, 32 digits, optionally followed by more; NULL: none.
 * Any thread. Never blocks.
 */
void metric_add(const struct metric *metric, size_t series, int64_t n);
void metric_set(const struct metric *metric, size_t series, int64_t value);
void metric_observe(const struct metric *metric, size_t series, int64_t ns, const char *trace);

/* The value of a series of a counter or gauge, as it was added or set. */
int64_t metric_get(const struct metric *metric, size_t series);

/* For labels with HTTP statuses: the codes in use, "none" for 0, "cancelled", and "other". */
#define METRIC_STATUSES 34
#define METRIC_STATUS_CANCELLED (-2)
size_t metric_status_index(int status);
const char *metric_status_name(size_t index);

#endif
