#include "tests/kubesim/table.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/tree.h"

#define CELL_MAX ((size_t)1 << 20) /* bytes */

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static void add_or_none(struct buf *out, const char *text)
{
	buf_add_str(out, text && *text ? text : "<none>");
}

static void write_name(const cJSON *tree, struct buf *out)
{
	buf_add_str(out, json_string_at(tree, "metadata.name"));
}

/* Two units at most, as kubectl rounds. */
static void add_age(struct buf *out, const char *since)
{
	int64_t then_ms;
	int64_t s;

	if (!clock_parse_rfc3339(since, &then_ms)) {
		buf_add_str(out, "<unknown>");
		return;
	}
	s = (clock_wall_ms() - then_ms) / 1000;
	s = s < 0 ? 0 : s;
	if (s < 120)
		buf_addf(out, "%" PRId64 "s", s);
	else if (s < 600)
		buf_addf(out, "%" PRId64 "m%" PRId64 "s", s / 60, s % 60);
	else if (s < 3 * 3600)
		buf_addf(out, "%" PRId64 "m", s / 60);
	else if (s < 48 * 3600)
		buf_addf(out, "%" PRId64 "h", s / 3600);
	else
		buf_addf(out, "%" PRId64 "d", s / 86400);
}

static void write_age(const cJSON *tree, struct buf *out)
{
	add_age(out, json_string_at(tree, "metadata.creationTimestamp"));
}

static void write_labels(const cJSON *labels, struct buf *out)
{
	const cJSON *label = NULL;
	size_t start = out->len;

	cJSON_ArrayForEach (label, labels)
		buf_addf(out, "%s%s=%s", out->len > start ? "," : "", label->string, label->valuestring);
	if (out->len == start)
		buf_add_str(out, "<none>");
}

static void write_members(const cJSON *array, const char *key, struct buf *out)
{
	const cJSON *element = NULL;

	cJSON_ArrayForEach (element, array)
		buf_addf(out, "%s%s", element == array->child ? "" : ",", json_string_at(element, key));
}

/* ---- Pods -------------------------------------------------------------------------------------------------------- */

static void write_pod_ready(const cJSON *tree, struct buf *out)
{
	const cJSON *status = NULL;
	int ready = 0;

	cJSON_ArrayForEach (status, json_at(tree, "status.containerStatuses"))
		ready += json_true_at(status, "ready");
	buf_addf(out, "%d/%d", ready, cJSON_GetArraySize(json_at(tree, "spec.containers")));
}

static void write_pod_status(const cJSON *tree, struct buf *out)
{
	const char *text = json_string_at(tree, "status.phase");
	const cJSON *status = NULL;

	if (json_string_at(tree, "status.reason"))
		text = json_string_at(tree, "status.reason");
	cJSON_ArrayForEach (status, json_at(tree, "status.containerStatuses"))
		if (json_string_at(status, "state.waiting.reason"))
			text = json_string_at(status, "state.waiting.reason");
	if (json_at(tree, "metadata.deletionTimestamp"))
		text = "Terminating";
	buf_add_str(out, text ? text : "Unknown");
}

static void write_pod_restarts(const cJSON *tree, struct buf *out)
{
	const cJSON *status = NULL;
	int64_t restarts = 0;

	cJSON_ArrayForEach (status, json_at(tree, "status.containerStatuses"))
		restarts += json_int_at(status, "restartCount", 0);
	buf_addf(out, "%" PRId64, restarts);
}

static void write_pod_ip(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "status.podIP"));
}

static void write_pod_node(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "spec.nodeName"));
}

const struct sim_column sim_pod_columns[] = {
	{ "Name", 0, write_name },         { "Ready", 0, write_pod_ready },
	{ "Status", 0, write_pod_status }, { "Restarts", 0, write_pod_restarts },
	{ "Age", 0, write_age },           { "IP", 1, write_pod_ip },
	{ "Node", 1, write_pod_node },     { NULL, 0, NULL },
};

/* ---- Services ---------------------------------------------------------------------------------------------------- */

static void write_service_type(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "spec.type"));
}

static void write_service_ip(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "spec.clusterIP"));
}

static void write_service_external_ip(const cJSON *tree, struct buf *out)
{
	const char *ip = json_string_at(cJSON_GetArrayItem(json_at(tree, "status.loadBalancer.ingress"), 0), "ip");

	if (!ip && str_equal(json_string_at(tree, "spec.type"), "LoadBalancer"))
		ip = "<pending>";
	add_or_none(out, ip);
}

static void write_service_ports(const cJSON *tree, struct buf *out)
{
	const cJSON *ports = json_at(tree, "spec.ports");
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, ports) {
		int64_t node_port = json_int_at(port, "nodePort", 0);

		buf_addf(out, "%s%" PRId64, port == ports->child ? "" : ",", json_int_at(port, "port", 0));
		if (node_port)
			buf_addf(out, ":%" PRId64, node_port);
		buf_addf(out, "/%s", json_string_at(port, "protocol"));
	}
}

static void write_service_selector(const cJSON *tree, struct buf *out)
{
	write_labels(json_at(tree, "spec.selector"), out);
}

const struct sim_column sim_service_columns[] = {
	{ "Name", 0, write_name },
	{ "Type", 0, write_service_type },
	{ "Cluster-IP", 0, write_service_ip },
	{ "External-IP", 0, write_service_external_ip },
	{ "Port(s)", 0, write_service_ports },
	{ "Age", 0, write_age },
	{ "Selector", 1, write_service_selector },
	{ NULL, 0, NULL },
};

/* ---- Namespaces and Events --------------------------------------------------------------------------------------- */

static void write_phase(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "status.phase"));
}

const struct sim_column sim_namespace_columns[] = {
	{ "Name", 0, write_name },
	{ "Status", 0, write_phase },
	{ "Age", 0, write_age },
	{ NULL, 0, NULL },
};

static void write_event_seen(const cJSON *tree, struct buf *out)
{
	add_age(out, json_string_at(tree, "lastTimestamp"));
}

static void write_event_type(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "type"));
}

static void write_event_reason(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "reason"));
}

static void write_event_object(const cJSON *tree, struct buf *out)
{
	const char *kind = json_string_at(tree, "involvedObject.kind");
	const char *name = json_string_at(tree, "involvedObject.name");

	for (; kind && *kind; kind++)
		buf_add_char(out, (char)(*kind >= 'A' && *kind <= 'Z' ? *kind + ('a' - 'A') : *kind));
	buf_addf(out, "/%s", name ? name : "");
}

static void write_event_message(const cJSON *tree, struct buf *out)
{
	add_or_none(out, json_string_at(tree, "message"));
}

const struct sim_column sim_event_columns[] = {
	{ "Last Seen", 0, write_event_seen },
	{ "Type", 0, write_event_type },
	{ "Reason", 0, write_event_reason },
	{ "Object", 0, write_event_object },
	{ "Message", 0, write_event_message },
	{ "Name", 1, write_name },
	{ NULL, 0, NULL },
};

/* ---- Deployments and ReplicaSets --------------------------------------------------------------------------------- */

static void write_deployment_ready(const cJSON *tree, struct buf *out)
{
	buf_addf(out, "%" PRId64 "/%" PRId64, json_int_at(tree, "status.readyReplicas", 0),
		 json_int_at(tree, "spec.replicas", 0));
}

static void write_updated(const cJSON *tree, struct buf *out)
{
	buf_addf(out, "%" PRId64, json_int_at(tree, "status.updatedReplicas", 0));
}

static void write_available(const cJSON *tree, struct buf *out)
{
	buf_addf(out, "%" PRId64, json_int_at(tree, "status.availableReplicas", 0));
}

static void write_desired(const cJSON *tree, struct buf *out)
{
	buf_addf(out, "%" PRId64, json_int_at(tree, "spec.replicas", 0));
}

static void write_current(const cJSON *tree, struct buf *out)
{
	buf_addf(out, "%" PRId64, json_int_at(tree, "status.replicas", 0));
}

static void write_ready(const cJSON *tree, struct buf *out)
{
	buf_addf(out, "%" PRId64, json_int_at(tree, "status.readyReplicas", 0));
}

static void write_containers(const cJSON *tree, struct buf *out)
{
	write_members(json_at(tree, "spec.template.spec.containers"), "name", out);
}

static void write_images(const cJSON *tree, struct buf *out)
{
	write_members(json_at(tree, "spec.template.spec.containers"), "image", out);
}

static void write_selector(const cJSON *tree, struct buf *out)
{
	write_labels(json_at(tree, "spec.selector.matchLabels"), out);
}

const struct sim_column sim_deployment_columns[] = {
	{ "Name", 0, write_name },
	{ "Ready", 0, write_deployment_ready },
	{ "Up-to-date", 0, write_updated },
	{ "Available", 0, write_available },
	{ "Age", 0, write_age },
	{ "Containers", 1, write_containers },
	{ "Images", 1, write_images },
	{ "Selector", 1, write_selector },
	{ NULL, 0, NULL },
};

const struct sim_column sim_replicaset_columns[] = {
	{ "Name", 0, write_name },     { "Desired", 0, write_desired },   { "Current", 0, write_current },
	{ "Ready", 0, write_ready },   { "Age", 0, write_age },           { "Containers", 1, write_containers },
	{ "Images", 1, write_images }, { "Selector", 1, write_selector }, { NULL, 0, NULL },
};

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
		json_string(w, "format", strcmp(columns->name, "Name") == 0 ? "name" : "");
		json_string(w, "description", columns->name);
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
		columns->write(tree, &cell);
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
