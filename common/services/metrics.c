#include "common/services/metrics.h"

#include <assert.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/compiler.h"

/* A request through the pipeline takes 2 ms, one that waits for Kubernetes seconds, and the default timeout is 30 s. */
const struct metric_bound metric_bounds[METRIC_BUCKETS] = {
	{ 1000000, "0.001" },  { 2500000, "0.0025" }, { 5000000, "0.005" },  { 10000000, "0.01" },
	{ 25000000, "0.025" }, { 50000000, "0.05" },  { 100000000, "0.1" },  { 250000000, "0.25" },
	{ 500000000, "0.5" },  { 1000000000, "1.0" }, { 5000000000, "5.0" }, { 30000000000, "30.0" },
	{ INT64_MAX, "+Inf" },
};

size_t metric_series_count(const struct metric *metric)
{
	size_t count = 1;

	for (size_t i = 0; i < METRIC_LABELS_MAX && metric->labels[i].name; i++)
		count *= metric->labels[i].count;
	return count;
}

size_t metric_series(const struct metric *metric, size_t first, size_t second, size_t third)
{
	const size_t values[METRIC_LABELS_MAX] = { first, second, third };
	size_t series = 0;

	for (size_t i = 0; i < METRIC_LABELS_MAX && metric->labels[i].name; i++) {
		assert(values[i] < metric->labels[i].count);
		series = series * metric->labels[i].count + values[i];
	}
	return series;
}

void metric_add(const struct metric *metric, size_t series, int64_t n)
{
	atomic_fetch_add_explicit(&metric->cells[series].value, n, memory_order_relaxed);
}

void metric_set(const struct metric *metric, size_t series, int64_t value)
{
	atomic_store_explicit(&metric->cells[series].value, value, memory_order_relaxed);
}

int64_t metric_get(const struct metric *metric, size_t series)
{
	return atomic_load_explicit(&metric->cells[series].value, memory_order_relaxed);
}

/* If it is busy, skip: any of several concurrent exemplars will do. */
static void keep_exemplar(struct metric_exemplar *exemplar, int64_t ns, const char *trace)
{
	if (atomic_flag_test_and_set_explicit(&exemplar->busy, memory_order_acquire))
		return;
	memcpy(exemplar->trace, trace, METRIC_TRACE_MAX - 1);
	exemplar->trace[METRIC_TRACE_MAX - 1] = '\0';
	exemplar->ns = ns;
	exemplar->wall_ms = clock_wall_ms();
	atomic_flag_clear_explicit(&exemplar->busy, memory_order_release);
}

void metric_observe(const struct metric *metric, size_t series, int64_t ns, const char *trace)
{
	struct metric_buckets *buckets = &metric->buckets[series];
	size_t at = 0;

	while (ns > metric_bounds[at].ns)
		at++;
	atomic_fetch_add_explicit(&buckets->counts[at].value, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&buckets->sum.value, ns, memory_order_relaxed);
	if (trace && metric->exemplars)
		keep_exemplar(&metric->exemplars[series * METRIC_BUCKETS + at], ns, trace);
}

/* ---- statuses ---- */

static const struct {
	int code;
	const char *name;
} statuses[METRIC_STATUSES] = {
	{ 0, "none" },   { 101, "101" }, { 200, "200" },
	{ 201, "201" },  { 202, "202" }, { 204, "204" },
	{ 304, "304" },  { 400, "400" }, { 401, "401" },
	{ 403, "403" },  { 404, "404" }, { 405, "405" },
	{ 406, "406" },  { 408, "408" }, { 409, "409" },
	{ 410, "410" },  { 411, "411" }, { 412, "412" },
	{ 413, "413" },  { 414, "414" }, { 415, "415" },
	{ 417, "417" },  { 422, "422" }, { 426, "426" },
	{ 429, "429" },  { 431, "431" }, { 500, "500" },
	{ 501, "501" },  { 502, "502" }, { 503, "503" },
	{ 504, "504" },  { 505, "505" }, { METRIC_STATUS_CANCELLED, "cancelled" },
	{ -1, "other" },
};

size_t metric_status_index(int status)
{
	size_t i = 0;

	while (i < METRIC_STATUSES - 1 && statuses[i].code != status)
		i++;
	return i;
}

const char *metric_status_name(size_t index)
{
	return statuses[index].name;
}
