#include "common/kube/kube_metrics.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/compiler.h"
#include "common/base/strutil.h"

enum verb {
	VERB_GET,
	VERB_LIST,
	VERB_WATCH,
	VERB_LOG,
	VERB_EXEC,
	VERB_CREATE,
	VERB_UPDATE,
	VERB_PATCH,
	VERB_DELETE,
	VERB_COUNT
};

#define KINDS (KUBE_LOOKUP_COUNT + 1) /* the last one: other */

/* PodMetrics and Pods have the same plural. */
static const char *kind_value(size_t index)
{
	if (index == KUBE_LOOKUP_COUNT)
		return "other";
	return index == KUBE_POD_METRICS ? "podmetrics" : kube_kind_plural((enum kube_kind)index);
}

static const char *verb_value(size_t index)
{
	static const char *const names[VERB_COUNT] = {
		[VERB_GET] = "get",       [VERB_LIST] = "list",   [VERB_WATCH] = "watch",
		[VERB_LOG] = "log",       [VERB_EXEC] = "exec",   [VERB_CREATE] = "create",
		[VERB_UPDATE] = "update", [VERB_PATCH] = "patch", [VERB_DELETE] = "delete",
	};

	return names[index];
}

#define VERB_LABEL                             \
	{                                      \
		"verb", VERB_COUNT, verb_value \
	}
#define KIND_LABEL                        \
	{                                 \
		"kind", KINDS, kind_value \
	}
#define CACHED_KIND_LABEL                           \
	{                                           \
		"kind", KUBE_KIND_COUNT, kind_value \
	}

static struct metric_cell requests[VERB_COUNT * KINDS * METRIC_STATUSES];
static struct metric_buckets durations[VERB_COUNT * KINDS];
static struct metric_cell ages[KUBE_KIND_COUNT], watches[KUBE_KIND_COUNT], restarts[KUBE_KIND_COUNT];
static atomic_int informers[KUBE_KIND_COUNT];

/* clang-format off */
static const struct metric
	requests_metric = { .name = "dcm_sp_kubernetes_requests",
		.help = "Calls to the Kubernetes API by verb, kind and HTTP status; none: no response; cancelled: no longer needed before one",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .sparse = true, .cells = requests,
		.labels = { VERB_LABEL, KIND_LABEL, { "code", METRIC_STATUSES, metric_status_name } } },
	duration_metric = { .name = "dcm_sp_kubernetes_request_duration_seconds", .unit = "seconds",
		.help = "Duration of these calls, except for watches and logs",
		.type = METRIC_HISTOGRAM, .scale = METRIC_NS, .sparse = true, .buckets = durations,
		.labels = { VERB_LABEL, KIND_LABEL } },
	age_metric = { .name = "dcm_sp_kubernetes_cache_age_seconds", .unit = "seconds",
		.help = "Age of the state of a kind; an idle watch confirms it within 46 s",
		.type = METRIC_AGE, .scale = METRIC_MS, .cells = ages, .labels = { CACHED_KIND_LABEL } },
	watches_metric = { .name = "dcm_sp_kubernetes_watches", .help = "Watches started; each normally ends within 45 s",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .sparse = true, .cells = watches, .labels = { CACHED_KIND_LABEL } },
	restarts_metric = { .name = "dcm_sp_kubernetes_watch_restarts",
		.help = "Lists and watches that failed and were restarted",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = restarts, .labels = { CACHED_KIND_LABEL } };
/* clang-format on */

const struct metric *const kube_metrics[] = {
	&requests_metric, &duration_metric, &age_metric, &watches_metric, &restarts_metric, NULL,
};

/* ---- calls ---- */

static bool has_parameter(const char *path, const char *parameter)
{
	const char *query = strchr(path, '?');
	const char *found = query ? strstr(query, parameter) : NULL;

	return found && strchr("?&", found[-1]);
}

static enum verb verb_of(const char *method, const char *path, const char *name)
{
	static const struct {
		const char *method;
		enum verb verb;
	} writes[] = {
		{ "POST", VERB_CREATE },
		{ "PUT", VERB_UPDATE },
		{ "PATCH", VERB_PATCH },
		{ "DELETE", VERB_DELETE },
	};

	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		if (strcmp(writes[i].method, method) == 0)
			return writes[i].verb;
	if (!name)
		return has_parameter(path, "watch=true") ? VERB_WATCH : VERB_LIST;
	name += strcspn(name, "/?");
	if (str_has_prefix(name, "/exec"))
		return VERB_EXEC;
	return str_has_prefix(name, "/log") ? VERB_LOG : VERB_GET;
}

struct kube_metrics_call kube_metrics_begin(const char *method, const char *path)
{
	const char *name;
	enum kube_kind kind = kube_path_kind(path, &name);

	return (struct kube_metrics_call){
		.verb = kind == KUBE_LOOKUP_COUNT && strcmp(method, "GET") == 0 ? VERB_GET
										: verb_of(method, path, name),
		.kind = kind,
		.begun_ns = clock_mono_ns(),
	};
}

void kube_metrics_end(const struct kube_metrics_call *call, int status)
{
	metric_add(&requests_metric,
		   metric_series(&requests_metric, call->verb, call->kind, metric_status_index(status)), 1);
	if (call->verb != VERB_WATCH && call->verb != VERB_LOG)
		metric_observe(&duration_metric, metric_series(&duration_metric, call->verb, call->kind, 0),
			       clock_mono_ns() - call->begun_ns, NULL);
}

void kube_metrics_cancel(const struct kube_metrics_call *call, int status)
{
	kube_metrics_end(call, status ? status : METRIC_STATUS_CANCELLED);
}

/* ---- informers ---- */

void kube_metrics_fresh(enum kube_kind kind)
{
	metric_set(&age_metric, kind, clock_mono_ms());
}

void kube_metrics_informer(enum kube_kind kind, int change)
{
	if (atomic_fetch_add(&informers[kind], change) + change == 0)
		metric_set(&age_metric, kind, 0);
}

void kube_metrics_watch(enum kube_kind kind)
{
	metric_add(&watches_metric, kind, 1);
}

void kube_metrics_restart(enum kube_kind kind)
{
	metric_add(&restarts_metric, kind, 1);
}
