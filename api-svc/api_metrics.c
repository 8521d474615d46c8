#include "api-svc/api_metrics.h"

#include <string.h>

#include "api-svc/accept.h"
#include "common/base/clock.h"
#include "common/bus/bus_metrics.h"
#include "common/services/metrics_process.h"
#include "common/services/metrics_text.h"

/* In addition to the operations. */
enum other { OTHER_DOCUMENT, OTHER_CONSOLE, OTHER_METRICS, OTHER_PROBE, OTHER_NOTHING, OTHER_COUNT };

#define OPERATIONS (OPERATION_COUNT + OTHER_COUNT)

static const char *operation_value(size_t index)
{
	static const char *const names[OTHER_COUNT] = {
		[OTHER_DOCUMENT] = "document", [OTHER_CONSOLE] = "console", [OTHER_METRICS] = "metrics",
		[OTHER_PROBE] = "probe",       [OTHER_NOTHING] = "none",
	};

	return index < OPERATION_COUNT ? operation_name((enum operation)index) : names[index - OPERATION_COUNT];
}

static const char *refusal_value(size_t index)
{
	static const char *const names[API_REFUSAL_COUNT] = {
		[API_REFUSAL_CONNECTIONS] = "connections",
		[API_REFUSAL_MEMORY] = "memory",
	};

	return names[index];
}

#define OPERATION_LABEL                                  \
	{                                                \
		"operation", OPERATIONS, operation_value \
	}

static struct metric_cell requests[OPERATIONS * METRIC_STATUSES], in_flight, refused[API_REFUSAL_COUNT], streams,
	connections;
static struct metric_buckets durations[OPERATIONS];
static struct metric_exemplar exemplars[OPERATIONS * METRIC_BUCKETS];

/* clang-format off */
static const struct metric
	requests_metric = { .name = "dcm_sp_http_requests",
		.help = "Requests by operation and HTTP status; operation none: unknown path or method, code none: client disconnected",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .sparse = true, .cells = requests,
		.labels = { OPERATION_LABEL, { "code", METRIC_STATUSES, metric_status_name } } },
	duration_metric = { .name = "dcm_sp_http_request_duration_seconds", .unit = "seconds",
		.help = "Time from the headers of a request to the last byte of its response, except streams",
		.type = METRIC_HISTOGRAM, .scale = METRIC_NS, .sparse = true, .buckets = durations, .exemplars = exemplars,
		.labels = { OPERATION_LABEL } },
	in_flight_metric = { .name = "dcm_sp_http_requests_in_flight", .help = "Requests in flight, including streams",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &in_flight },
	refused_metric = { .name = "dcm_sp_http_requests_rejected",
		.help = "Requests rejected immediately with 503: too many connections, or memory limit",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = refused,
		.labels = { { "reason", API_REFUSAL_COUNT, refusal_value } } },
	streams_metric = { .name = "dcm_sp_http_streams_open", .help = "Open streams, such as followed logs",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &streams },
	connections_metric = { .name = "dcm_sp_http_connections", .help = "Open client connections",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &connections };
/* clang-format on */

static const struct metric *const http_metrics[] = {
	&requests_metric,
	&duration_metric,
	&in_flight_metric,
	&refused_metric,
	&streams_metric,
	&connections_metric,
	NULL,
};

static const struct metric *const *const lists[] = { metrics_process, bus_metrics, http_metrics, NULL };

/* The label value. */
static size_t operation_of(const struct request *r)
{
	static const enum other others[ROUTE_ANSWER_COUNT] = {
		[ROUTE_DOCUMENT_YAML] = OTHER_DOCUMENT,
		[ROUTE_DOCUMENT_JSON] = OTHER_DOCUMENT,
		[ROUTE_CONSOLE] = OTHER_CONSOLE,
		[ROUTE_METRICS] = OTHER_METRICS,
		[ROUTE_LIVE] = OTHER_PROBE,
		[ROUTE_READY] = OTHER_PROBE,
	};

	if (!r->match.found)
		return OPERATION_COUNT + OTHER_NOTHING;
	if (r->match.route.answer == ROUTE_HEALTH) /* of both paths */
		return OPERATION_HEALTH;
	return r->match.route.operation < OPERATION_COUNT ? (size_t)r->match.route.operation
							  : OPERATION_COUNT + others[r->match.route.answer];
}

static bool lasts(const struct request *r)
{
	return r->match.found && r->match.route.operation < OPERATION_COUNT &&
	       operation_row(r->match.route.operation)->reply == OPERATION_REPLY_STREAM;
}

/* A traceparent is "00-<trace id>-<parent id>-<flags>". */
static const char *trace_of(const struct request *r)
{
	return r->traceparent[0] ? r->traceparent + strlen("00-") : NULL;
}

void api_metrics_begin(void)
{
	metric_add(&in_flight_metric, 0, 1);
}

void api_metrics_refused(enum api_refusal why)
{
	metric_add(&refused_metric, why, 1);
}

void api_metrics_stream(void)
{
	metric_add(&streams_metric, 0, 1);
}

void api_metrics_end(const struct request *r)
{
	size_t operation = operation_of(r);

	metric_add(&in_flight_metric, 0, -1);
	if (r->stream || r->watcher)
		metric_add(&streams_metric, 0, -1);
	metric_add(&requests_metric, metric_series(&requests_metric, operation, metric_status_index((int)r->status), 0),
		   1);
	if (!lasts(r))
		metric_observe(&duration_metric, operation, clock_mono_ns() - r->begun_ns, trace_of(r));
}

static void collect(void *ctx)
{
	metrics_process_collect();
	metric_set(&connections_metric, 0, (int64_t)http_server_connections(ctx));
}

enum http_handled api_metrics_answer(struct request *r, struct http_exchange *exchange, struct http_server *server)
{
	const struct metrics metrics = { .lists = lists, .collect = collect, .ctx = server };
	struct http_answer answer = { .status = 200 };
	struct buf text cleanup_buf = buf_make(METRICS_TEXT_MAX);
	char accept[ACCEPT_MAX];
	enum metrics_format format;
	struct error err;

	http_exchange_list(exchange, "Accept", accept, sizeof(accept));
	format = metrics_text_format_of(accept);
	answer.content_type = metrics_text_content_type(format);
	metrics_text_write(&metrics, format, &text);
	if (buf_check(&text, &err))
		return request_answer_error(r, exchange, &err);
	answer.body = buf_take(&text, &answer.body_len);
	r->status = answer.status;
	http_exchange_answer(exchange, &answer);
	return HTTP_ANSWERED;
}
