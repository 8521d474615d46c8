/*
 * usage: the resource usage of the container's replicas from metrics.k8s.io. Missing measurements are never reported as
 * 0.
 */
#include "kube-worker/operation/op.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/own_container.h"
#include "common/container/quantity.h"
#include "common/services/json_write.h"
#include "kube-worker/container/container_find.h"
#include "kube-worker/operation/op_kube.h"

#define ANSWER_MS 5000      /* for metrics.k8s.io, which may be registered but unavailable */
#define MEASURED_AFTER_S 15 /* the default interval of metrics-server */
#define SELECTOR_MAX 512
#define NANO 1000000000

struct usage {
	const char *name; /* name of the container in each Pod */
	const char *time; /* the oldest measurement, and its window */
	const char *window;
	int64_t time_ms;
	int64_t replicas;
	int64_t nano_cores;
	int64_t bytes;
};

/* The container in one Pod. Returns false if not measured. */
static bool read_container(const cJSON *item, const char *name, int64_t *ret_nano, int64_t *ret_bytes)
{
	const cJSON *container = NULL;

	cJSON_ArrayForEach (container, json_get(item, "containers")) {
		const char *cpu = json_string_at(container, "usage.cpu");
		const char *memory = json_string_at(container, "usage.memory");

		if (str_equal(json_string_at(container, "name"), name))
			return cpu && memory && quantity_parse(cpu, NANO, ret_nano) &&
			       quantity_parse(memory, 1, ret_bytes);
	}
	return false;
}

static void write_cores(struct json_writer *w, const char *key, int64_t nano)
{
	char text[JSON_NUMBER_MAX];

	json_format_number((double)nano / NANO, text);
	json_raw(w, key, text, strlen(text));
}

static void add_replica(const cJSON *item, struct usage *usage, struct json_writer *w)
{
	const char *time = json_string_at(item, "timestamp");
	int64_t nano;
	int64_t bytes;
	int64_t ms = 0;

	if (!time || !clock_parse_rfc3339(time, &ms) || !read_container(item, usage->name, &nano, &bytes))
		return;
	if (!usage->replicas || ms < usage->time_ms) {
		usage->time = time;
		usage->time_ms = ms;
		usage->window = json_string_at(item, "window");
	}
	usage->replicas++;
	usage->nano_cores += nano;
	usage->bytes += bytes;
	json_begin_object(w, NULL);
	json_string(w, "name", json_string_at(item, "metadata.name"));
	write_cores(w, "cpu_cores", nano);
	json_int(w, "memory_bytes", bytes);
	json_end_object(w);
}

/* The sum of the limits of these replicas; omitted without a limit. */
static void write_limits(const cJSON *container, const struct usage *usage, struct json_writer *w)
{
	const char *cpu = json_string_at(container, "resources.limits.cpu");
	const char *memory = json_string_at(container, "resources.limits.memory");
	int64_t amount;

	if (cpu && quantity_parse(cpu, NANO, &amount) && amount <= INT64_MAX / usage->replicas)
		write_cores(w, "cpu_limit", amount * usage->replicas);
	if (memory && quantity_parse(memory, 1, &amount) && amount <= INT64_MAX / usage->replicas)
		json_int(w, "memory_limit_bytes", amount * usage->replicas);
}

/* Kubernetes itself is available, as the container was just read. */
static const char *const missing_texts[RC_COUNT] = {
	[RC_UNAVAILABLE] = "metrics.k8s.io is currently unavailable",
	[RC_TIMEOUT] = "timeout waiting for metrics.k8s.io",
};

static enum rc refuse_unanswered(struct op_call *call, const struct kube_reply *reply, struct error *err)
{
	int retry_after_s = err->retry_after_s;
	enum rc rc = op_kube_translate(call, reply, "list the PodMetrics", err);

	if (missing_texts[rc]) {
		error_set(err, rc, "%s", missing_texts[rc]);
		err->retry_after_s = retry_after_s;
	}
	return rc;
}

static enum rc read_metrics(struct op_call *call, const char *id, struct kube_reply *reply, struct error *err)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	char selector[SELECTOR_MAX];
	int64_t soon_ms = clock_mono_ms() + ANSWER_MS;
	struct kube_request request = {
		.method = "GET",
		.deadline_ms = soon_ms < call->deadline_ms ? soon_ms : call->deadline_ms,
	};
	enum rc rc;

	snprintf(selector, sizeof(selector), "%s," LABEL_INSTANCE_ID "=%s", labels_selector(call->env->resource), id);
	kube_path_add(&path, KUBE_POD_METRICS, call->env->namespace, NULL);
	kube_path_add_query(&path, "labelSelector", selector);
	rc = buf_check(&path, err);
	if (rc)
		return rc;
	request.path = path.data;
	rc = kube_client_do(call->kube, &request, reply, err);
	if (rc && reply->status == 404)
		return error_set(err, RC_UNIMPLEMENTED, "the cluster has no metrics.k8s.io");
	return rc ? refuse_unanswered(call, reply, err) : RC_OK;
}

/* A container without replicas will not be measured. */
static enum rc refuse_unmeasured(const cJSON *root, struct error *err)
{
	if (json_int_at(root, "spec.replicas", 1) == 0)
		return error_set(err, RC_NOT_STARTED, "the container has no replicas: it is stopped, or scaled to 0");
	error_set(err, RC_UNAVAILABLE, "no replica of the container has been measured yet");
	if (err)
		err->retry_after_s = MEASURED_AFTER_S;
	return RC_UNAVAILABLE;
}

static enum rc write_usage(const struct root *root, const cJSON *metrics, struct buf *result, struct error *err)
{
	struct buf replicas cleanup_buf = buf_make(PROTOCOL_REPLY_MAX);
	struct json_writer list = json_writer_make(&replicas);
	struct json_writer w = json_writer_make(result);
	cleanup_json cJSON *skeleton = own_container_skeleton(root->object);
	const cJSON *container = own_container(root->object, skeleton);
	struct usage usage = { .name = json_string_at(container, "name") };
	const cJSON *item = NULL;

	json_begin_array(&list, NULL);
	cJSON_ArrayForEach (item, json_get(metrics, "items"))
		add_replica(item, &usage, &list);
	json_end_array(&list);
	if (!usage.replicas)
		return refuse_unmeasured(root->object, err);
	json_begin_object(&w, NULL);
	json_string(&w, "time", usage.time);
	json_optional_string(&w, "window", usage.window);
	json_raw(&w, "replicas", replicas.data, replicas.len);
	write_cores(&w, "cpu_cores", usage.nano_cores);
	json_int(&w, "memory_bytes", usage.bytes);
	write_limits(container, &usage, &w);
	json_end_object(&w);
	if (buf_check(&replicas, err))
		return replicas.failed;
	return buf_check(result, err);
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct root root cleanup_root = { 0 };
	struct kube_reply metrics cleanup_kube_reply = { 0 };
	const char *id = json_string_at(request, "id");
	enum rc rc = container_find(call, id, &root, err);

	if (!rc)
		rc = read_metrics(call, id, &metrics, err);
	return rc ? rc : write_usage(&root, metrics.object, result, err);
}

static const struct request_member members[] = {
	REQUEST_MEMBER_ID,
};

const struct op op_usage = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
