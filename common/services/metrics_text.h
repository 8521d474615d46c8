/*
 * Metrics as text: that of Prometheus, version 0.0.4, or OpenMetrics 1.0.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
#ifndef COMMON_SERVICES_METRICS_TEXT_H
#define COMMON_SERVICES_METRICS_TEXT_H

#include "common/base/buf.h"
#include "common/services/metrics.h"

#define METRICS_PATH "/metrics"
#define METRICS_TEXT_MAX (4u * 1024 * 1024) /* bytes; the largest is a worker's, below 1 MiB with every series in use */

enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS, METRICS_FORMAT_COUNT };

/*
 * The format that the header Accept asks for: OpenMetrics when it is named, in whatever version, with a weight
 * above zero that is not below that of text/plain. NULL: no header.
 */
enum metrics_format metrics_text_format_of(const char *accept);

/* The Content-Type of it; static. */
const char *metrics_text_content_type(enum metrics_format format);

/* Append the text. Failure is the buffer's. Blocks as long as metrics->collect() does. */
void metrics_text_write(const struct metrics *metrics, enum metrics_format format, struct buf *out);

#endif
