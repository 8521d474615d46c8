/*
 * What a process counts about itself: tables of metrics, changed by atomics without a lock and without memory being
 * allocated, and their text for Prometheus (metrics_text.h).
 *
 * A metric is a constant row in the file of who counts, its values are static cells beside it; lists of such rows make
 * what a process shows. The values of labels come from tables (operations, kinds, statuses), never from a client, so
 * the number of series is known before the program runs.
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
#define METRIC_BUCKETS 13   /* of a histogram, with that for all that is slower */
#define METRIC_TRACE_MAX 33 /* bytes of a trace id in hexadecimal with the NUL */

enum metric_type {
	METRIC_COUNTER, /* only grows; its name in the text ends in _total */
	METRIC_GAUGE,
	METRIC_AGE, /* a gauge that is set to clock_mono_ms() and shows the time since then; 0: never, and not shown */
	METRIC_HISTOGRAM,
};

struct metric_cell {
	_Atomic int64_t value;
};

/* Of one series of a histogram. */
struct metric_buckets {
	struct metric_cell counts[METRIC_BUCKETS]; /* each without those below */
	struct metric_cell sum;                    /* nanoseconds */
};

/* The last request with a trace that fell into a bucket. */
struct metric_exemplar {
	atomic_flag busy; /* is written or read; never waited for */
	char trace[METRIC_TRACE_MAX];
	int64_t ns;
	int64_t wall_ms; /* 0: there is none */
};

struct metric_label {
	const char *name; /* NULL: no more labels */
	size_t count;     /* its values are value(0), value(1), ... */
	const char *(*value)(size_t index);
};

/* Numbers are kept as integers, and shown divided by this. */
enum metric_scale { METRIC_ONE = 1, METRIC_MS = 1000, METRIC_NS = 1000000000 };

struct metric {
	const char *name; /* with prefix and unit; of a counter without _total */
	const char *help; /* one sentence, without a full stop */
	const char *unit; /* the end of the name, "seconds" or "bytes"; NULL: none */
	enum metric_type type;
	enum metric_scale scale;
	bool sparse; /* what was never counted is not shown: for a product of labels of which most never happen */
	struct metric_label labels[METRIC_LABELS_MAX];
	struct metric_cell *cells;         /* one a series */
	struct metric_buckets *buckets;    /* of a histogram, instead of cells */
	struct metric_exemplar *exemplars; /* METRIC_BUCKETS a series; NULL: none are kept */
};

/* What a process shows. */
struct metrics {
	const struct metric *const *const *lists; /* each ends in NULL, and so do all */
	/*
	 * Sets what is asked for instead of counted, before a text is written. Any thread, also several; may be NULL.
	 */
	void (*collect)(void *ctx);
	void *ctx;
};

/* Upper bounds of the buckets: nanoseconds, and as they are shown. The last is without bound. */
struct metric_bound {
	int64_t ns;
	const char *text;
};
extern const struct metric_bound metric_bounds[METRIC_BUCKETS];

/* How many series a metric has: the product of its labels' counts. */
size_t metric_series_count(const struct metric *metric);

/* The series with these values of the labels; those that it does not have are 0. */
size_t metric_series(const struct metric *metric, size_t first, size_t second, size_t third);

/*
 * Count: add to a counter or a gauge, set a gauge or what is counted elsewhere, observe a duration.
 *
 * series  metric_series(); 0 for a metric without labels.
 * trace   the request's trace id, 32 digits, perhaps with more after it; NULL: none.
 * Any thread. Never blocks.
 */
void metric_add(const struct metric *metric, size_t series, int64_t n);
void metric_set(const struct metric *metric, size_t series, int64_t value);
void metric_observe(const struct metric *metric, size_t series, int64_t ns, const char *trace);

/* The value of a series of a counter or gauge, as it was added or set. */
int64_t metric_get(const struct metric *metric, size_t series);

/* For labels with HTTP statuses: the codes that our peers and we are known to use, "none" for 0, and "other". */
#define METRIC_STATUSES 32
size_t metric_status_index(int status);
const char *metric_status_name(size_t index);

#endif
