#include "common/container/fact.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/strutil.h"
#include "common/container/debt.h"
#include "common/container/kube_condition.h"
#include "common/container/labels.h"
#include "common/container/list_fields.h"
#include "common/container/own_container.h"
#include "common/container/pod_message.h"
#include "common/container/run_state.h"
#include "common/container/service_view.h"
#include "common/container/spec_ports.h"
#include "common/container/workload.h"

#define MESSAGE_TEXT_MAX (2u * 1024 * 1024) /* bytes of a message before truncation; above any Kubernetes object */
#define OBJECT_TEXT_MAX (2u * 1024 * 1024)  /* bytes; above any Kubernetes object */
#define REVISION_ANNOTATION "deployment.kubernetes.io/revision"
#define ROLLOUT_LABEL "controller-revision-hash" /* on Pods of a StatefulSet: the name of the ControllerRevision */

static int64_t time_at(const cJSON *object, const char *path)
{
	int64_t ms = 0;

	(void)clock_parse_rfc3339(json_string_at(object, path), &ms); /* 0 if absent or invalid */
	return ms;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t newest_transition(const cJSON *object)
{
	const cJSON *condition = NULL;
	int64_t newest = 0;

	cJSON_ArrayForEach (condition, json_at(object, "status.conditions"))
		newest = later(newest, time_at(condition, "lastTransitionTime"));
	return newest;
}

int32_t fact_revision_of(const cJSON *object)
{
	const char *text = cJSON_GetStringValue(json_get(json_at(object, "metadata.annotations"), REVISION_ANNOTATION));
	int64_t revision = json_int_at(object, "revision", 0); /* of a ControllerRevision */

	if (text && !str_parse_int64(text, &revision))
		return 0;
	return revision > 0 && revision < INT32_MAX ? (int32_t)revision : 0;
}

static int32_t replicas_of(const cJSON *root)
{
	int64_t replicas = json_int_at(root, "spec.replicas", 1);

	return replicas >= 0 && replicas <= INT32_MAX ? (int32_t)replicas : 1;
}

static enum pod_phase phase_of(const cJSON *pod)
{
	static const char *const names[] = {
		[POD_PENDING] = "Pending", [POD_RUNNING] = "Running", [POD_SUCCEEDED] = "Succeeded",
		[POD_FAILED] = "Failed",   [POD_UNKNOWN] = "Unknown",
	};
	const char *phase = json_string_at(pod, "status.phase");

	for (size_t i = 0; phase && i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], phase) == 0)
			return (enum pod_phase)i;
	return POD_PENDING;
}

/*
 * Convert wall clock to monotonic time, so that durations do not depend on clock changes. Future times (clock skew)
 * become now.
 */
static int64_t mono_of(int64_t wall_ms)
{
	int64_t ago_ms = clock_wall_ms() - wall_ms;
	int64_t mono_ms = clock_mono_ms() - (ago_ms > 0 ? ago_ms : 0);

	return mono_ms ? mono_ms : -1; /* 0 means never */
}

/* When a Failed Pod failed: the newest time in its status. */
static int64_t pod_failed_ms(const cJSON *pod)
{
	const cJSON *status = NULL;
	int64_t newest = later(newest_transition(pod), time_at(pod, "metadata.creationTimestamp"));

	cJSON_ArrayForEach (status, json_at(pod, "status.containerStatuses"))
		newest = later(newest, time_at(status, "state.terminated.finishedAt"));
	return newest;
}

/* The texts of a fact under construction: they are copied after the struct. */
struct texts {
	const char *name;
	const char *instance_id;
	const char *ip;
	const char *host_ip;
	const char *owed_to;
	char changing[FACT_OWED_TO_MAX];
	const char *spec_name;
	char image[LIST_IMAGE_MAX];
	struct buf labels; /* without the last NUL */
	struct buf external_ports;
	char problem[FACT_MESSAGE_MAX];
	struct buf message;
	struct buf service;
	struct buf runs;
};

uint64_t fact_token_hash_of_key(const char *key)
{
	uint64_t hash = hash_text(HASH_INIT, key);

	return hash ? hash : 1;
}

uint64_t fact_token_hash(const char *token)
{
	char key[DEBT_KEY_MAX];

	debt_key(token, key);
	return fact_token_hash_of_key(key);
}

static void read_labels(const cJSON *labels, struct buf *out)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, json_members(labels)) {
		const char *value = cJSON_GetStringValue(label);

		if (!value || label_is_reserved(label->string))
			continue;
		buf_addf(out, "%s=%s", label->string, value);
		buf_add_char(out, '\0');
	}
}

static void read_external_ports(const cJSON *skeleton, struct buf *out)
{
	const cJSON *port = NULL;

	if (!skeleton)
		buf_add_str(out, FACT_ALL_PORTS);
	cJSON_ArrayForEach (port, json_at(skeleton, "network.ports"))
		if (spec_port_is_external(port))
			buf_addf(out, FACT_PORT_FORM, json_int_at(port, "container_port", 0), spec_port_protocol(port));
}

/* The client's spec in the annotation, and its container. */
static void read_spec(const cJSON *object, struct fact *fact, struct texts *texts)
{
	cleanup_json cJSON *skeleton = own_container_skeleton(object);
	const cJSON *container = own_container(object, skeleton);
	const char *name = json_string_at(container, "name");
	const char *image = json_string_at(container, "image");

	fact->wanted = skeleton ? workload_wanted(fact->kind, skeleton) : 0;
	texts->spec_name = name ? name : texts->name;
	snprintf(texts->image, sizeof(texts->image), "%s", image ? image : "");
	str_trim_broken_utf8(texts->image);
	read_labels(json_at(object, "metadata.labels"), &texts->labels);
	read_external_ports(skeleton, &texts->external_ports);
}

/* The caller in the mark of an update; "" if invalid. */
static void read_changing(const char *mark, char out[FACT_OWED_TO_MAX])
{
	cleanup_json cJSON *tree = NULL;
	const char *caller = json_parse(mark, strlen(mark), &tree, NULL) ? NULL : json_string_at(tree, "caller");

	snprintf(out, FACT_OWED_TO_MAX, "%s", caller && caller[0] && strlen(caller) < FACT_OWED_TO_MAX ? caller : "?");
}

/* The hash of the name of a ControllerRevision; 0 for NULL. */
static uint64_t rollout_hash(const char *name)
{
	return name ? hash_text(HASH_INIT, name) : 0;
}

/* A kind of root. */
static void read_root(const cJSON *object, struct fact *fact, struct texts *texts)
{
	const cJSON *annotations = json_at(object, "metadata.annotations");
	const char *token = cJSON_GetStringValue(json_get(annotations, ANNOTATION_TOKEN));
	const char *owed_to = cJSON_GetStringValue(json_get(annotations, ANNOTATION_OWED));
	const char *problem = cJSON_GetStringValue(json_get(annotations, ANNOTATION_PROBLEM));
	const char *changing = cJSON_GetStringValue(json_get(annotations, ANNOTATION_CHANGING));
	const struct run_state run = run_state_read(object);
	const cJSON *failure = kube_condition(object, "ReplicaFailure");

	fact->replicas = replicas_of(object);
	fact->stopped = run_state_is_stopped(&run);
	fact->stop_is_over = run_state_stop_is_over(&run);
	fact->revision = fact_revision_of(object);
	fact->rollout = rollout_hash(json_string_at(object, "status.updateRevision"));
	fact->made_here = token && str_equal(texts->name, texts->instance_id);
	fact->token = token ? fact_token_hash(token) : 0;
	read_spec(object, fact, texts);
	if (owed_to && strlen(owed_to) < FACT_OWED_TO_MAX)
		texts->owed_to = owed_to;
	if (changing)
		read_changing(changing, texts->changing);
	if (problem)
		snprintf(texts->problem, sizeof(texts->problem), "%s", problem);
	str_trim_broken_utf8(texts->problem);
	if (str_equal(json_string_at(failure, "status"), "True")) {
		const char *text = json_string_at(failure, "message");

		fact->failed_ms = later(time_at(failure, "lastTransitionTime"), fact->created_ms);
		buf_add_str(&texts->message, text ? text : "Pods cannot be created");
	}
}

static void read_replicaset(const cJSON *object, struct fact *fact, struct texts *texts unused)
{
	fact->owner = kube_uid_of_owner(object);
	fact->revision = fact_revision_of(object);
	fact->rollout = (uint64_t)fact->revision;
}

static void read_controller_revision(const cJSON *object, struct fact *fact, struct texts *texts)
{
	fact->owner = kube_uid_of_owner(object);
	fact->revision = fact_revision_of(object);
	fact->rollout = rollout_hash(texts->name);
}

/* One line per container: name, RUN_ flags, current and previous run. */
#define RUN_FORM "%s %u %" PRId64 " %" PRId64 "\n"
#define RUN_STARTED 1u
#define RUN_GOES_ON 2u

static void read_runs(const cJSON *statuses, struct buf *out)
{
	const cJSON *status = NULL;

	cJSON_ArrayForEach (status, statuses) {
		const char *name = json_string_at(status, "name");
		int64_t restarts = json_int_at(status, "restartCount", 0);
		bool goes_on = json_at(status, "state.running") != NULL;
		bool is_started = goes_on || json_at(status, "state.terminated");
		bool ended_before = json_at(status, "lastState.terminated") != NULL;

		if (name && strlen(name) < sizeof(((struct pod_run *)0)->container))
			buf_addf(out, RUN_FORM, name,
				 (is_started || ended_before ? RUN_STARTED : 0) | (goes_on ? RUN_GOES_ON : 0), restarts,
				 ended_before ? restarts - is_started : -1);
	}
}

bool fact_next_run(const char **at, struct pod_run *ret_run)
{
	size_t len = strcspn(*at, " ");
	unsigned flags;
	int used = 0;

	if (!**at || len >= sizeof(ret_run->container) ||
	    sscanf(*at + len, " %u %" SCNd64 " %" SCNd64 "\n%n", &flags, &ret_run->restarts, &ret_run->previous,
		   &used) != 3)
		return false;
	memcpy(ret_run->container, *at, len);
	ret_run->container[len] = '\0';
	ret_run->started = flags & RUN_STARTED;
	ret_run->goes_on = flags & RUN_GOES_ON;
	*at += len + (size_t)used;
	return true;
}

static void read_pod(const cJSON *object, struct fact *fact, struct texts *texts)
{
	const char *ip = json_string_at(object, "status.podIP");
	const char *host_ip = json_string_at(object, "status.hostIP");

	fact->owner = kube_uid_of_owner(object);
	fact->rollout = rollout_hash(cJSON_GetStringValue(json_get(json_at(object, "metadata.labels"), ROLLOUT_LABEL)));
	fact->phase = phase_of(object);
	fact->node_lost = kube_condition_node_is_lost(object);
	if (fact->phase == POD_FAILED)
		fact->failed_ms = pod_failed_ms(object);
	if (ip)
		texts->ip = ip;
	if (host_ip)
		texts->host_ip = host_ip;
	pod_message_add(object, &texts->message);
	read_runs(json_at(object, "status.initContainerStatuses"), &texts->runs);
	read_runs(json_at(object, "status.containerStatuses"), &texts->runs);
}

static void read_service(const cJSON *object, struct fact *fact, struct texts *texts)
{
	struct json_writer w = json_writer_make(&texts->service);

	fact->owner = kube_uid_of_owner(object);
	service_view_write(object, &w, NULL);
}

static void read_autoscaler(const cJSON *object, struct fact *fact, struct texts *texts unused)
{
	fact->owner = kube_uid_of_owner(object);
}

static void (*const readers[KUBE_KIND_COUNT])(const cJSON *object, struct fact *fact, struct texts *texts) = {
	[KUBE_DEPLOYMENT] = read_root,
	[KUBE_STATEFULSET] = read_root,
	[KUBE_REPLICASET] = read_replicaset,
	[KUBE_CONTROLLER_REVISION] = read_controller_revision,
	[KUBE_POD] = read_pod,
	[KUBE_SERVICE] = read_service,
	[KUBE_AUTOSCALER] = read_autoscaler,
};

static const char *copy_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memcpy(*at, text, size);

	*at += size;
	return copy;
}

/*
 * One block: the struct, then its strings. If the instance id equals the name, as for our own objects, it is stored
 * once.
 */
static struct fact *pack(const struct fact *fact, const struct texts *texts)
{
	bool shared = strcmp(texts->name, texts->instance_id) == 0;
	size_t size = sizeof(*fact) + strlen(texts->name) + strlen(texts->ip) + texts->message.len +
		      texts->service.len + strlen(texts->owed_to) + strlen(texts->changing) + strlen(texts->problem) +
		      strlen(texts->spec_name) + strlen(texts->image) + texts->labels.len + texts->external_ports.len +
		      strlen(texts->host_ip) + texts->runs.len + 13 + (shared ? 0 : strlen(texts->instance_id) + 1);
	struct fact *packed = malloc(size);
	char *at;

	if (!packed)
		return NULL;
	at = (char *)(packed + 1);
	*packed = *fact;
	packed->bytes = (uint32_t)size; /* names, message and service are limited */
	packed->name = copy_text(&at, texts->name);
	packed->instance_id = shared ? packed->name : copy_text(&at, texts->instance_id);
	packed->ip = copy_text(&at, texts->ip);
	packed->host_ip = copy_text(&at, texts->host_ip);
	packed->runs = copy_text(&at, texts->runs.data);
	packed->message = copy_text(&at, texts->message.data);
	packed->service = copy_text(&at, texts->service.data);
	packed->owed_to = copy_text(&at, texts->owed_to);
	packed->changing = copy_text(&at, texts->changing);
	packed->problem = copy_text(&at, texts->problem);
	packed->spec_name = copy_text(&at, texts->spec_name);
	packed->image = copy_text(&at, texts->image);
	packed->external_ports = copy_text(&at, texts->external_ports.data);
	packed->labels = memcpy(at, texts->labels.data, texts->labels.len + 1);
	return packed;
}

enum rc fact_from_object(enum kube_kind kind, const cJSON *object, struct fact **ret_fact, struct error *err)
{
	const char *instance_id = cJSON_GetStringValue(json_get(json_at(object, "metadata.labels"), LABEL_INSTANCE_ID));
	struct texts texts = {
		.name = json_string_at(object, "metadata.name"),
		.instance_id = instance_id ? instance_id : "",
		.ip = "",
		.host_ip = "",
		.owed_to = "",
		.spec_name = "",
		.labels = buf_make(OBJECT_TEXT_MAX),
		.external_ports = buf_make(OBJECT_TEXT_MAX),
		.message = buf_make(MESSAGE_TEXT_MAX),
		.service = buf_make(SERVICE_VIEW_MAX),
		.runs = buf_make(OBJECT_TEXT_MAX),
	};
	struct buf *const bufs[] = { &texts.labels, &texts.external_ports, &texts.message, &texts.service,
				     &texts.runs };
	struct fact fact = { .kind = kind, .uid = kube_uid_parse(json_string_at(object, "metadata.uid")) };
	struct fact *packed = NULL;
	enum rc rc = RC_OK;

	if (!texts.name || !kube_uid_is_set(&fact.uid))
		return error_set(err, RC_UNAVAILABLE, "a %s without name or uid", kube_kind_name(kind));
	fact.deleting = json_at(object, "metadata.deletionTimestamp") != NULL;
	fact.created_ms = time_at(object, "metadata.creationTimestamp");
	fact.changed_ms = later(newest_transition(object), fact.created_ms);
	readers[kind](object, &fact, &texts);
	if (fact.failed_ms)
		fact.failed_ms = mono_of(fact.failed_ms);
	if (texts.message.len > FACT_MESSAGE_MAX) {
		buf_truncate(&texts.message, FACT_MESSAGE_MAX);
		str_trim_broken_utf8(texts.message.data);
	}
	for (size_t i = 0; !rc && i < ARRAY_LEN(bufs); i++)
		rc = buf_check(bufs[i], err);
	if (!rc)
		packed = pack(&fact, &texts);
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_clear(bufs[i]);
	if (rc)
		return rc;
	if (!packed)
		return error_no_memory(err);
	*ret_fact = packed;
	return RC_OK;
}
