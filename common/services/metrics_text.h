/*
 * Text output of metrics: Prometheus format 0.0.4, or OpenMetrics 1.0.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
#ifndef COMMON_SERVICES_METRICS_TEXT_H
#define COMMON_SERVICES_METRICS_TEXT_H

#include "common/base/buf.h"
#include "common/services/metrics.h"

#define METRICS_PATH "/metrics"
#define METRICS_TEXT_MAX (4u * 1024 * 1024) /* bytes; a worker has the most, below 1 MiB with all series in use */

enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS, METRICS_FORMAT_COUNT };

/*
 * The format requested by the header Accept: OpenMetrics (any version) if its weight is above zero and not below that
 * of text/plain. NULL: no header.
 */
enum metrics_format metrics_text_format_of(const char *accept);

/* The Content-Type of it; static. */
const char *metrics_text_content_type(enum metrics_format format);

/* Append the text. Check the buffer for failure. Blocks as long as metrics->collect() does. */
void metrics_text_write(const struct metrics *metrics, enum metrics_format format, struct buf *out);

#endif
