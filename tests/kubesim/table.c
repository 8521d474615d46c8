#include "tests/kubesim/table.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/kinds.h"

#define CELL_MAX ((size_t)1 << 20) /* bytes */

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static void write_plain(const cJSON *value, struct buf *out)
{
	int64_t number;

	if (json_is_int(value, &number))
		buf_addf(out, "%" PRId64, number);
	else
		buf_add_str(out, cJSON_IsString(value) && value->valuestring[0] ? value->valuestring : "<none>");
}

/* A number that is omitted if 0. */
static void write_count(const cJSON *value, struct buf *out)
{
	int64_t number = 0;

	(void)json_is_int(value, &number); /* not there: 0 */
	buf_addf(out, "%" PRId64, number);
}

static void write_age(const cJSON *value, struct buf *out)
{
	int64_t then_ms = 0;
	int64_t s;

	if (!clock_parse_rfc3339(cJSON_GetStringValue(value), &then_ms))
		then_ms = clock_wall_ms();
	s = (clock_wall_ms() - then_ms) / 1000;
	if (s < 120)
		buf_addf(out, "%" PRId64 "s", s < 0 ? 0 : s);
	else if (s < 3 * 3600)
		buf_addf(out, "%" PRId64 "m", s / 60);
	else if (s < 48 * 3600)
		buf_addf(out, "%" PRId64 "h", s / 3600);
	else
		buf_addf(out, "%" PRId64 "d", s / 86400);
}

static void write_labels(const cJSON *value, struct buf *out)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, value)
		buf_addf(out, "%s%s=%s", out->len ? "," : "", label->string, cJSON_GetStringValue(label));
	buf_add_str(out, out->len ? "" : "<none>");
}

static void write_pod_ready(const cJSON *pod, struct buf *out)
{
	const cJSON *status = NULL;
	int ready = 0;

	cJSON_ArrayForEach (status, json_at(pod, "status.containerStatuses"))
		ready += json_true_at(status, "ready");
	buf_addf(out, "%d/%d", ready, cJSON_GetArraySize(json_at(pod, "spec.containers")));
}

static void write_pod_status(const cJSON *pod, struct buf *out)
{
	const char *reason = json_string_at(pod, "status.reason");
	const cJSON *status = NULL;

	cJSON_ArrayForEach (status, json_at(pod, "status.containerStatuses"))
		if (json_string_at(status, "state.waiting.reason"))
			reason = json_string_at(status, "state.waiting.reason");
	if (json_at(pod, "metadata.deletionTimestamp"))
		reason = "Terminating";
	buf_add_str(out, reason ? reason : json_string_at(pod, "status.phase"));
}

static void write_restarts(const cJSON *value, struct buf *out)
{
	const cJSON *status = NULL;
	int64_t restarts = 0;

	cJSON_ArrayForEach (status, value)
		restarts += json_int_at(status, "restartCount", 0);
	buf_addf(out, "%" PRId64, restarts);
}

static void write_external_ip(const cJSON *service, struct buf *out)
{
	const cJSON *ip = json_get(cJSON_GetArrayItem(json_at(service, "status.loadBalancer.ingress"), 0), "ip");

	if (!ip && str_equal(json_string_at(service, "spec.type"), "LoadBalancer"))
		buf_add_str(out, "<pending>");
	else
		write_plain(ip, out);
}

static void write_ports(const cJSON *value, struct buf *out)
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, value) {
		int64_t node_port = json_int_at(port, "nodePort", 0);

		buf_addf(out, "%s%" PRId64, out->len ? "," : "", json_int_at(port, "port", 0));
		if (node_port)
			buf_addf(out, ":%" PRId64, node_port);
		buf_addf(out, "/%s", json_string_at(port, "protocol"));
	}
}

static void write_event_object(const cJSON *value, struct buf *out)
{
	buf_addf(out, "%s/%s", json_string_at(value, "kind"), json_string_at(value, "name"));
}

static void write_deployment_ready(const cJSON *deployment, struct buf *out)
{
	buf_addf(out, "%" PRId64 "/%" PRId64, json_int_at(deployment, "status.readyReplicas", 0),
		 json_int_at(deployment, "spec.replicas", 0));
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define NAME { "Name", 0, "metadata.name", write_plain }
#define AGE { "Age", 0, "metadata.creationTimestamp", write_age }
#define SELECTOR { "Selector", 1, "spec.selector.matchLabels", write_labels }
#define END { NULL, 0, NULL, NULL }

const struct sim_column sim_pod_columns[] = {
	NAME,
	{ "Ready", 0, NULL, write_pod_ready },
	{ "Status", 0, NULL, write_pod_status },
	{ "Restarts", 0, "status.containerStatuses", write_restarts },
	AGE,
	{ "IP", 1, "status.podIP", write_plain },
	{ "Node", 1, "spec.nodeName", write_plain },
	END,
};

const struct sim_column sim_service_columns[] = {
	NAME,
	{ "Type", 0, "spec.type", write_plain },
	{ "Cluster-IP", 0, "spec.clusterIP", write_plain },
	{ "External-IP", 0, NULL, write_external_ip },
	{ "Port(s)", 0, "spec.ports", write_ports },
	AGE,
	{ "Selector", 1, "spec.selector", write_labels },
	END,
};

const struct sim_column sim_namespace_columns[] = {
	NAME,
	{ "Status", 0, "status.phase", write_plain },
	AGE,
	END,
};

const struct sim_column sim_event_columns[] = {
	{ "Last Seen", 0, "lastTimestamp", write_age },
	{ "Type", 0, "type", write_plain },
	{ "Reason", 0, "reason", write_plain },
	{ "Object", 0, "involvedObject", write_event_object },
	{ "Message", 0, "message", write_plain },
	END,
};

const struct sim_column sim_deployment_columns[] = {
	NAME,
	{ "Ready", 0, NULL, write_deployment_ready },
	{ "Up-to-date", 0, "status.updatedReplicas", write_count },
	{ "Available", 0, "status.availableReplicas", write_count },
	AGE,
	SELECTOR,
	END,
};

const struct sim_column sim_statefulset_columns[] = {
	NAME,
	{ "Ready", 0, NULL, write_deployment_ready },
	AGE,
	END,
};

const struct sim_column sim_controller_revision_columns[] = {
	NAME,
	{ "Revision", 0, "revision", write_count },
	AGE,
	END,
};

const struct sim_column sim_replicaset_columns[] = {
	NAME,
	{ "Desired", 0, "spec.replicas", write_count },
	{ "Current", 0, "status.replicas", write_count },
	{ "Ready", 0, "status.readyReplicas", write_count },
	AGE,
	SELECTOR,
	END,
};

const struct sim_column sim_autoscaler_columns[] = {
	NAME,
	{ "Reference", 0, "spec.scaleTargetRef.name", write_plain },
	{ "MinPods", 0, "spec.minReplicas", write_count },
	{ "MaxPods", 0, "spec.maxReplicas", write_count },
	AGE,
	END,
};
/* clang-format on */

/* ---- tables ------------------------------------------------------------------------------------------------------ */

bool sim_table_wanted(const char *accept)
{
	const char *table = strstr(accept, "as=Table");

	return table && (size_t)(table - accept) < strcspn(accept, ",") && strstr(accept, "v=v1");
}

static void write_definitions(struct json_writer *w, const struct sim_column *columns)
{
	json_begin_array(w, "columnDefinitions");
	for (; columns->name; columns++) {
		json_begin_object(w, NULL);
		json_string(w, "name", columns->name);
		json_string(w, "type", "string");
		json_string(w, "format", strcmp(columns->name, "Name") == 0 ? "name" : ""); /* kubectl: "pod/web" */
		json_int(w, "priority", columns->priority);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_row(struct json_writer *w, const struct sim_column *columns, const struct sim_object *object)
{
	struct buf cell cleanup_buf = buf_make(CELL_MAX);
	cleanup_json cJSON *tree = sim_object_tree(object);

	json_begin_object(w, NULL);
	json_begin_array(w, "cells");
	for (; columns->name; columns++) {
		buf_reset(&cell);
		columns->write(columns->path ? json_at(tree, columns->path) : tree, &cell);
		json_string(w, NULL, cell.data);
	}
	json_end_array(w);
	json_begin_object(w, "object");
	json_string(w, "kind", "PartialObjectMetadata");
	json_string(w, "apiVersion", "meta.k8s.io/v1");
	json_tree(w, "metadata", json_get(tree, "metadata"));
	json_end_object(w);
	json_end_object(w);
}

void sim_table_write(struct buf *out, const struct sim_kind *kind, struct sim_object *const *objects, size_t count,
		     const char *metadata_json)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "kind", "Table");
	json_string(&w, "apiVersion", "meta.k8s.io/v1");
	json_raw(&w, "metadata", metadata_json, strlen(metadata_json));
	write_definitions(&w, kind->columns);
	json_begin_array(&w, "rows");
	for (size_t i = 0; i < count; i++)
		write_row(&w, kind->columns, objects[i]);
	json_end_array(&w);
	json_end_object(&w);
}
