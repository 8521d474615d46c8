#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/services/metrics_process.h"
#include "common/services/metrics_text.h"
#include "tests/unit/fake_clock.h"

#define TEXT_MAX 65536

static const char *colour(size_t index)
{
	static const char *const names[] = { "red", "a \"b\"\\\n" };

	return names[index];
}

static const char *size(size_t index)
{
	static const char *const names[] = { "s", "m", "l" };

	return names[index];
}

static struct metric_cell colours[6], temperature, money, seen;
static struct metric_buckets times[2];
static struct metric_exemplar exemplars[2 * METRIC_BUCKETS];

static const struct metric colours_metric = {
	.name = "shop_colours",
	.help = "One \"line\" \\ and\nanother",
	.type = METRIC_COUNTER,
	.scale = METRIC_ONE,
	.labels = { { "colour", 2, colour }, { "size", 3, size } },
	.cells = colours,
};
static const struct metric temperature_metric = {
	.name = "shop_celsius", .help = "T", .type = METRIC_GAUGE, .scale = METRIC_MS, .cells = &temperature
};
static const struct metric money_metric = {
	.name = "shop_money", .help = "M", .type = METRIC_COUNTER, .scale = METRIC_ONE, .sparse = true, .cells = &money
};
static const struct metric seen_metric = { .name = "shop_seen_seconds",
					   .help = "S",
					   .unit = "seconds",
					   .type = METRIC_AGE,
					   .scale = METRIC_MS,
					   .cells = &seen };
static const struct metric times_metric = {
	.name = "shop_times_seconds",
	.help = "W",
	.unit = "seconds",
	.type = METRIC_HISTOGRAM,
	.scale = METRIC_NS,
	.sparse = true,
	.labels = { { "colour", 2, colour } },
	.buckets = times,
	.exemplars = exemplars,
};
static const struct metric *const list[] = { &colours_metric, &temperature_metric, &money_metric, &seen_metric, NULL };
static const struct metric *const *const lists[] = { list, NULL };
static const struct metric *const histogram[] = { &times_metric, NULL };
static const struct metric *const *const histogram_lists[] = { histogram, NULL };

static void expect_text(const struct metrics *metrics, enum metrics_format format, const char *text)
{
	struct buf out = buf_make(TEXT_MAX);
	struct error err;

	metrics_text_write(metrics, format, &out);
	cr_assert_eq(buf_check(&out, &err), RC_OK);
	cr_expect_str_eq(out.data, text);
	buf_clear(&out);
}

static void collect(void *ctx)
{
	metric_set(&temperature_metric, 0, *(int64_t *)ctx);
}

#define COLOURS                                                            \
	"shop_colours_total{colour=\"red\",size=\"s\"} 0\n"                \
	"shop_colours_total{colour=\"red\",size=\"m\"} 2\n"                \
	"shop_colours_total{colour=\"red\",size=\"l\"} 0\n"                \
	"shop_colours_total{colour=\"a \\\"b\\\"\\\\\\n\",size=\"s\"} 0\n" \
	"shop_colours_total{colour=\"a \\\"b\\\"\\\\\\n\",size=\"m\"} 0\n" \
	"shop_colours_total{colour=\"a \\\"b\\\"\\\\\\n\",size=\"l\"} 5\n"

Test(metrics, prometheus_text_matches_the_documentation)
{
	int64_t milli = -1250;
	const struct metrics metrics = { .lists = lists, .collect = collect, .ctx = &milli };

	metric_add(&colours_metric, metric_series(&colours_metric, 0, 1, 0), 2);
	metric_add(&colours_metric, metric_series(&colours_metric, 1, 2, 0), 5);
	expect_text(&metrics, METRICS_PROMETHEUS,
		    "# HELP shop_colours_total One \"line\" \\\\ and\\nanother\n"
		    "# TYPE shop_colours_total counter\n" COLOURS "# HELP shop_celsius T\n"
		    "# TYPE shop_celsius gauge\n"
		    "shop_celsius -1.25\n"
		    "# HELP shop_money_total M\n"
		    "# TYPE shop_money_total counter\n"
		    "# HELP shop_seen_seconds S\n"
		    "# TYPE shop_seen_seconds gauge\n");
}

Test(metrics, openmetrics_text_matches_the_specification)
{
	int64_t milli = 37000;
	const struct metrics metrics = { .lists = lists, .collect = collect, .ctx = &milli };

	metric_add(&colours_metric, 1, 2);
	metric_add(&colours_metric, 5, 5);
	metric_add(&money_metric, 0, INT64_MAX);
	expect_text(&metrics, METRICS_OPENMETRICS,
		    "# HELP shop_colours One \\\"line\\\" \\\\ and\\nanother\n"
		    "# TYPE shop_colours counter\n" COLOURS "# HELP shop_celsius T\n"
		    "# TYPE shop_celsius gauge\n"
		    "shop_celsius 37\n"
		    "# HELP shop_money M\n"
		    "# TYPE shop_money counter\n"
		    "shop_money_total 9223372036854775807\n"
		    "# HELP shop_seen_seconds S\n"
		    "# TYPE shop_seen_seconds gauge\n"
		    "# UNIT shop_seen_seconds seconds\n"
		    "# EOF\n");
}

Test(metrics, histograms_are_cumulative_and_have_exemplars)
{
	static const char trace[] = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	const struct metrics metrics = { .lists = histogram_lists };
	struct buf out = buf_make(TEXT_MAX);
	char *exemplar;

	metric_observe(&times_metric, 0, 1000000, NULL); /* bounds are inclusive */
	metric_observe(&times_metric, 0, 1000001, NULL);
	metric_observe(&times_metric, 0, 2000000000, trace);
	metric_observe(&times_metric, 0, 90000000000, NULL);
	expect_text(&metrics, METRICS_PROMETHEUS,
		    "# HELP shop_times_seconds W\n"
		    "# TYPE shop_times_seconds histogram\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.001\"} 1\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.0025\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.005\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.01\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.025\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.05\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.1\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.25\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"0.5\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"1.0\"} 2\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"5.0\"} 3\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"30.0\"} 3\n"
		    "shop_times_seconds_bucket{colour=\"red\",le=\"+Inf\"} 4\n"
		    "shop_times_seconds_sum{colour=\"red\"} 92.002000001\n"
		    "shop_times_seconds_count{colour=\"red\"} 4\n");
	metrics_text_write(&metrics, METRICS_OPENMETRICS, &out);
	exemplar = strstr(out.data, "le=\"5.0\"} 3 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 2 1");
	cr_assert_not_null(exemplar, "%s", out.data);
	cr_expect_null(strstr(exemplar + 20, " # {"), "only that bucket has an exemplar");
	buf_clear(&out);
}

Test(metrics, an_age_grows_with_the_clock)
{
	const struct metrics metrics = { .lists = lists };
	struct buf out = buf_make(TEXT_MAX);
	const char *line;

	metric_set(&seen_metric, 0, clock_mono_ms());
	fake_clock_advance(61007);
	metrics_text_write(&metrics, METRICS_PROMETHEUS, &out);
	line = strstr(out.data, "\nshop_seen_seconds ");
	cr_assert_not_null(line, "%s", out.data);
	cr_expect_float_eq(strtod(line + strlen("\nshop_seen_seconds "), NULL), 62, 1, "%s", line);
	buf_clear(&out);
}

Test(metrics, accept_selects_the_format)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} cases[] = {
		{ NULL, METRICS_PROMETHEUS },
		{ "", METRICS_PROMETHEUS },
		{ "*/*", METRICS_PROMETHEUS },
		{ "application/openmetrics-text", METRICS_OPENMETRICS },
		{ "Application/OpenMetrics-Text; Version=1.0.0", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=\"1.0.0\"", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;charset=utf-8", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=0.0.1", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;q=0", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.000", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.001", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;q=0.5,text/plain;q=0.6", METRICS_PROMETHEUS },
		{ "text/plain;q=0.5,application/openmetrics-text;q=0.50", METRICS_OPENMETRICS },
		{ "text/plain", METRICS_PROMETHEUS },
		{ "application/openmetrics-textile", METRICS_PROMETHEUS },
		{ "application/openmetrics", METRICS_PROMETHEUS },
		{ ",;,; ;q=,application/openmetrics-text", METRICS_OPENMETRICS },
		{ "text/plain;q=zebra,application/openmetrics-text;q=0.9", METRICS_PROMETHEUS },
		/* Prometheus 2.42, and 3. */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		  "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.2",
		  METRICS_OPENMETRICS },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(metrics_text_format_of(cases[i].accept), cases[i].format, "%s", cases[i].accept);
}

#define THREADS 4
#define ROUNDS 20000

static void *count_much(void *ctx unused)
{
	static const char trace[] = "11111111111111111111111111111111";

	for (int i = 0; i < ROUNDS; i++) {
		metric_add(&colours_metric, 3, 1);
		metric_observe(&times_metric, 1, 1000, trace);
	}
	return NULL;
}

/* With the thread sanitizer it also detects data races. */
Test(metrics, concurrent_increments_are_not_lost)
{
	const struct metrics metrics = { .lists = histogram_lists };
	struct buf out = buf_make(TEXT_MAX);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (int i = 0; i < 50; i++) { /* concurrent reads */
		metrics_text_write(&metrics, METRICS_OPENMETRICS, &out);
		buf_reset(&out);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	metrics_text_write(&metrics, METRICS_OPENMETRICS, &out);
	cr_expect_eq(metric_get(&colours_metric, 3), THREADS * ROUNDS);
	cr_expect(strstr(out.data, "shop_times_seconds_count{colour=\"a \\\"b\\\"\\\\\\n\"} 80000\n"), "%s", out.data);
	cr_expect(strstr(out.data, "le=\"0.001\"} 80000 # {trace_id=\"11111111111111111111111111111111\"} 0.000001 1"),
		  "%s", out.data);
	buf_clear(&out);
}

Test(metrics, every_status_has_a_series)
{
	static const struct {
		int status;
		const char *name;
	} cases[] = { { 0, "none" },   { 200, "200" },     { 406, "406" },
		      { 503, "503" },  { 505, "505" },     { 299, "other" },
		      { -1, "other" }, { 99999, "other" }, { METRIC_STATUS_CANCELLED, "cancelled" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_str_eq(metric_status_name(metric_status_index(cases[i].status)), cases[i].name);
	for (size_t i = 0; i < METRIC_STATUSES; i++)
		cr_expect_not_null(metric_status_name(i));
}

Test(metrics, process_metrics_are_set)
{
	const struct metric *const *const process_lists[] = { metrics_process, NULL };
	const struct metrics metrics = { .lists = process_lists };
	static const char *const above_zero[] = {
		"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes",
		"process_open_fds",           "process_max_fds",           "process_threads"
	};
	struct buf out = buf_make(TEXT_MAX);
	char line[64];

	metrics_process_collect();
	metrics_text_write(&metrics, METRICS_PROMETHEUS, &out);
	for (size_t i = 0; i < ARRAY_LEN(above_zero); i++) {
		const char *found;

		snprintf(line, sizeof(line), "\n%s ", above_zero[i]);
		found = strstr(out.data, line);
		cr_assert_not_null(found, "%s in %s", line, out.data);
		cr_expect_gt(strtod(found + strlen(line), NULL), 0, "%s", line);
	}
	buf_clear(&out);
}
