#include "common/services/metrics_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/media_range.h"

#define NUMBER_MAX 48

/* ---- which one ---- */

enum metrics_format metrics_text_format_of(const char *accept)
{
	int weight = media_range_weight(accept, "application/openmetrics-text");

	return weight > 0 && weight >= media_range_weight(accept, "text/plain") ? METRICS_OPENMETRICS
										: METRICS_PROMETHEUS;
}

const char *metrics_text_content_type(enum metrics_format format)
{
	static const char *const types[METRICS_FORMAT_COUNT] = {
		[METRICS_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
		[METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
	};

	return types[format];
}

/* ---- the text ---- */

static const char *type_name(enum metric_type type)
{
	static const char *const names[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_AGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	return names[type];
}

/* Both formats use the same escaping for label values; in help texts OpenMetrics also escapes the quote. */
static void write_escaped(struct buf *out, const char *text, bool quotes)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_add_str(out, "\\n");
		else if (*text == '\\' || (*text == '"' && quotes))
			buf_addf(out, "\\%c", *text);
		else
			buf_add_char(out, *text);
	}
}

static void write_head(const struct metric *metric, enum metrics_format format, struct buf *out)
{
	const char *end = metric->type == METRIC_COUNTER && format == METRICS_PROMETHEUS ? "_total" : "";

	buf_addf(out, "# HELP %s%s ", metric->name, end);
	write_escaped(out, metric->help, format == METRICS_OPENMETRICS);
	buf_addf(out, "\n# TYPE %s%s %s\n", metric->name, end, type_name(metric->type));
	if (metric->unit && format == METRICS_OPENMETRICS)
		buf_addf(out, "# UNIT %s %s\n", metric->name, metric->unit);
}

/* "name{a="b",c="d"}", with the bound for a bucket. */
static void write_name(const struct metric *metric, const char *end, size_t series, const char *bound, struct buf *out)
{
	size_t left = metric_series_count(metric);
	const char *separator = "{";

	buf_addf(out, "%s%s", metric->name, end);
	for (size_t i = 0; i < METRIC_LABELS_MAX && metric->labels[i].name; i++) {
		left /= metric->labels[i].count;
		buf_addf(out, "%s%s=\"", separator, metric->labels[i].name);
		write_escaped(out, metric->labels[i].value(series / left % metric->labels[i].count), true);
		buf_add_char(out, '"');
		separator = ",";
	}
	if (bound) {
		buf_addf(out, "%sle=\"%s\"", separator, bound);
		separator = ",";
	}
	buf_add_str(out, *separator == ',' ? "} " : " ");
}

/* Exactly, as a decimal number. */
static void write_number(int64_t value, enum metric_scale scale, struct buf *out)
{
	int digits = scale == METRIC_NS ? 9 : 3;
	int64_t rest = imaxabs(value % (int64_t)scale);
	char text[NUMBER_MAX];
	size_t len;

	if (scale == METRIC_ONE || rest == 0) {
		buf_addf(out, "%" PRId64, value / (int64_t)scale);
		return;
	}
	len = (size_t)snprintf(text, sizeof(text), "%s%" PRId64 ".%0*" PRId64, value < 0 ? "-" : "",
			       imaxabs(value / (int64_t)scale), digits, rest);
	while (text[len - 1] == '0')
		len--;
	buf_add(out, text, len);
}

/* Omitted while it is being written. */
static void write_exemplar(struct metric_exemplar *exemplar, struct buf *out)
{
	if (atomic_flag_test_and_set_explicit(&exemplar->busy, memory_order_acquire))
		return;
	if (exemplar->wall_ms) {
		buf_addf(out, " # {trace_id=\"%s\"} ", exemplar->trace);
		write_number(exemplar->ns, METRIC_NS, out);
		buf_add_char(out, ' ');
		write_number(exemplar->wall_ms, METRIC_MS, out);
	}
	atomic_flag_clear_explicit(&exemplar->busy, memory_order_release);
}

static void write_histogram(const struct metric *metric, enum metrics_format format, size_t series, struct buf *out)
{
	const struct metric_buckets *buckets = &metric->buckets[series];
	int64_t counts[METRIC_BUCKETS];
	int64_t count = 0;

	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		count += atomic_load_explicit(&buckets->counts[i].value, memory_order_relaxed);
		counts[i] = count;
	}
	if (metric->sparse && count == 0)
		return;
	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		write_name(metric, "_bucket", series, metric_bounds[i].text, out);
		buf_addf(out, "%" PRId64, counts[i]);
		if (metric->exemplars && format == METRICS_OPENMETRICS)
			write_exemplar(&metric->exemplars[series * METRIC_BUCKETS + i], out);
		buf_add_char(out, '\n');
	}
	write_name(metric, "_sum", series, NULL, out);
	write_number(atomic_load_explicit(&buckets->sum.value, memory_order_relaxed), METRIC_NS, out);
	buf_add_char(out, '\n');
	write_name(metric, "_count", series, NULL, out);
	buf_addf(out, "%" PRId64 "\n", count);
}

static void write_value(const struct metric *metric, size_t series, struct buf *out)
{
	int64_t value = metric_get(metric, series);

	if (value == 0 && (metric->sparse || metric->type == METRIC_AGE))
		return;
	write_name(metric, metric->type == METRIC_COUNTER ? "_total" : "", series, NULL, out);
	write_number(metric->type == METRIC_AGE ? clock_mono_ms() - value : value, metric->scale, out);
	buf_add_char(out, '\n');
}

void metrics_text_write(const struct metrics *metrics, enum metrics_format format, struct buf *out)
{
	if (metrics->collect)
		metrics->collect(metrics->ctx);
	for (const struct metric *const *const *list = metrics->lists; *list; list++)
		for (const struct metric *const *metric = *list; *metric; metric++) {
			size_t count = metric_series_count(*metric);

			write_head(*metric, format, out);
			for (size_t series = 0; series < count; series++)
				if ((*metric)->type == METRIC_HISTOGRAM)
					write_histogram(*metric, format, series, out);
				else
					write_value(*metric, series, out);
		}
	if (format == METRICS_OPENMETRICS)
		buf_add_str(out, "# EOF\n");
}
