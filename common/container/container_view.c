#include "common/container/container_view.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/own_container.h"
#include "common/container/port_table.h"
#include "common/container/quantity.h"
#include "common/container/run_state.h"
#include "common/container/spec_ports.h"
#include "common/container/workload.h"

struct container_extras container_extras_make(void)
{
	return (struct container_extras){ .service = buf_make(SERVICE_VIEW_MAX) };
}

void container_extras_clear(struct container_extras *extras)
{
	buf_clear(&extras->service);
}

enum rc container_extras_show(struct container_extras *extras, const struct fact *child, struct error *err)
{
	if (child->service[0] && workload_has_role(child, WORKLOAD_SERVICE)) {
		buf_reset(&extras->service);
		buf_add_str(&extras->service, child->service);
	}
	return buf_check(&extras->service, err);
}

enum rc container_extras_read(struct container_extras *extras, const struct fact *root, const struct fact *const *facts,
			      size_t count, int64_t now_ms, const struct status_rules *rules, struct error *err)
{
	struct container_state state = container_state_derive(root, facts, count, now_ms, rules);
	enum rc rc = RC_OK;

	extras->root = root->kind;
	extras->status = state.status;
	extras->changed_ms = state.changed_ms;
	extras->recheck_ms = state.recheck_ms;
	snprintf(extras->ip, sizeof(extras->ip), "%s", state.ip);
	snprintf(extras->message, sizeof(extras->message), "%s", state.message);
	str_trim_broken_utf8(extras->message);
	buf_reset(&extras->service);
	extras->missing = root->wanted;
	extras->pod_seen = false;
	extras->revision = workload_revision(root, facts, count);
	for (size_t i = 0; i < count; i++)
		extras->pod_seen = extras->pod_seen || facts[i]->kind == KUBE_POD;
	for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++) {
		const struct fact *child = workload_find(root, (enum workload_role)role, facts, count);

		if (!child)
			continue;
		extras->missing &= ~(1u << role);
		rc = container_extras_show(extras, child, err);
	}
	return rc;
}

/* ---- resources --------------------------------------------------------------------------------------------------- */

static void write_cpu(struct json_writer *w, const char *key, const char *quantity, const cJSON *written)
{
	char text[32];
	int64_t milli;
	int64_t written_milli;

	if (!quantity)
		return;
	if (!quantity_parse(quantity, 1000, &milli)) {
		json_string(w, key, quantity);
		return;
	}
	if (quantity_parse_cpu(written, &written_milli) && written_milli == milli) {
		json_tree(w, key, written);
		return;
	}
	snprintf(text, sizeof(text), milli % 1000 ? "%" PRId64 "m" : "%" PRId64, milli % 1000 ? milli : milli / 1000);
	json_string(w, key, text);
}

/* In the largest unit that represents it exactly; if not a multiple of MB, as Kubernetes writes it. */
static void write_memory(struct json_writer *w, const char *key, const char *quantity, const cJSON *written)
{
	static const struct {
		int shift;
		const char *unit;
	} units[] = { { 40, "TB" }, { 30, "GB" }, { 20, "MB" } };
	const char *written_text = cJSON_GetStringValue(written);
	char text[32];
	int64_t bytes;
	int64_t written_bytes;

	if (!quantity)
		return;
	if (!quantity_parse(quantity, 1, &bytes)) {
		json_string(w, key, quantity);
		return;
	}
	if (written_text && quantity_parse_memory(written_text, &written_bytes) && written_bytes == bytes) {
		json_string(w, key, written_text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (bytes == 0 || bytes % (1LL << units[i].shift) != 0)
			continue;
		snprintf(text, sizeof(text), "%" PRId64 "%s", bytes >> units[i].shift, units[i].unit);
		json_string(w, key, text);
		return;
	}
	json_string(w, key, quantity);
}

static void write_resources(struct json_writer *w, const cJSON *container, const cJSON *skeleton)
{
	static const struct {
		const char *name;
		void (*write)(struct json_writer *w, const char *key, const char *quantity, const cJSON *written);
	} amounts[] = { { "cpu", write_cpu }, { "memory", write_memory } };
	const cJSON *requests = json_at(container, "resources.requests");
	const cJSON *limits = json_at(container, "resources.limits");

	json_begin_object(w, "resources");
	for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
		const char *name = amounts[i].name;
		const cJSON *written = json_get(json_get(skeleton, "resources"), name);

		json_begin_object(w, name);
		amounts[i].write(w, "min", json_string_at(requests, name), json_get(written, "min"));
		amounts[i].write(w, "max", json_string_at(limits, name), json_get(written, "max"));
		json_end_object(w);
	}
	json_end_object(w);
}

/* ---- the other members ------------------------------------------------------------------------------------------- */

/* The value from the cluster; if missing, an empty one written by the client. */
static const cJSON *held_or_empty(const cJSON *held, const cJSON *written)
{
	if (held && held->child)
		return held;
	return written && !written->child && (cJSON_IsArray(written) || cJSON_IsObject(written)) ? written : NULL;
}

static void write_metadata(struct json_writer *w, const cJSON *root, const cJSON *container, const cJSON *skeleton,
			   struct etag *etag)
{
	const cJSON *labels = json_members(json_at(root, "metadata.labels"));
	const cJSON *written_labels = json_at(skeleton, "metadata.labels");
	const char *container_name = json_string_at(container, "name");
	const char *namespace = json_string_at(root, "metadata.namespace");
	const cJSON *label = NULL;
	bool any = cJSON_IsObject(written_labels);
	size_t before;

	cJSON_ArrayForEach (label, labels)
		any = any || !label_is_reserved(label->string);
	json_begin_object(w, "metadata");
	json_string(w, "name", container_name ? container_name : json_string_at(root, "metadata.name"));
	if (any) {
		json_begin_object(w, "labels");
		cJSON_ArrayForEach (label, labels)
			if (!label_is_reserved(label->string))
				json_optional_string(w, label->string, cJSON_GetStringValue(label));
		json_end_object(w);
	}
	before = w->out->len;
	json_optional_string(w, "namespace", namespace);
	etag_cut(etag, before);
	json_end_object(w);
}

/* A variable with valueFrom (of other programs) is shown by name. */
static void write_env(struct json_writer *w, const cJSON *env)
{
	const cJSON *variable = NULL;

	json_begin_array(w, "env");
	cJSON_ArrayForEach (variable, env) {
		const char *name = json_string_at(variable, "name");
		const char *value = json_string_at(variable, "value");

		if (!name)
			continue;
		json_begin_object(w, NULL);
		json_string(w, "name", name);
		json_string(w, "value", value ? value : "");
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_process(struct json_writer *w, const cJSON *container, const cJSON *skeleton)
{
	const cJSON *written = json_get(skeleton, "process");
	const cJSON *command = held_or_empty(json_get(container, "command"), json_get(written, "command"));
	const cJSON *args = held_or_empty(json_get(container, "args"), json_get(written, "args"));
	const cJSON *env = held_or_empty(json_get(container, "env"), json_get(written, "env"));

	if (!command && !args && !env && !cJSON_IsObject(written))
		return;
	json_begin_object(w, "process");
	json_tree(w, "command", command);
	json_tree(w, "args", args);
	if (env)
		write_env(w, env);
	json_end_object(w);
}

/* The visibility of ports: as the client wrote it; for objects of other programs, from the Service. */
struct visibilities {
	struct port_table written;
	struct port_table served;
	const char *of_served; /* of all ports of the Service */
};

/* If out of memory, the visibility is `none`. */
static void read_visibilities(const cJSON *skeleton, const cJSON *service, struct visibilities *v)
{
	*v = (struct visibilities){ .of_served = "external" };
	if (!port_table_make(json_at(skeleton, "network.ports"), "container_port", &v->written) ||
	    !port_table_make(json_get(service, "ports"), "target_port", &v->served))
		return;
	if (str_equal(json_string_at(service, "type"), "ClusterIP"))
		v->of_served = "internal";
}

static void clear_visibilities(struct visibilities *v)
{
	port_table_clear(&v->written);
	port_table_clear(&v->served);
}

static void write_port(struct json_writer *w, int64_t number, const char *protocol, const struct visibilities *v)
{
	const cJSON *written = port_table_find(&v->written, number, protocol);
	const char *visibility = json_string_at(written, "visibility");

	if (!visibility)
		visibility = port_table_find(&v->served, number, protocol) ? v->of_served : "none";
	json_begin_object(w, NULL);
	json_int(w, "container_port", number);
	if (!str_equal(protocol, PORT_PROTOCOL_DEFAULT) || json_get(written, "protocol"))
		json_string(w, "protocol", protocol);
	json_string(w, "visibility", visibility);
	json_end_object(w);
}

static void write_ports(struct json_writer *w, const cJSON *ports, const cJSON *skeleton,
			const struct container_extras *extras)
{
	struct visibilities visibilities cleanup_with(clear_visibilities);
	cleanup_json cJSON *service = NULL;
	const cJSON *port = NULL;

	if (extras->service.len && json_parse(extras->service.data, extras->service.len, &service, NULL))
		service = NULL; /* our own text is valid: out of memory */
	read_visibilities(skeleton, service, &visibilities);
	json_begin_array(w, "ports");
	cJSON_ArrayForEach (port, ports) {
		int64_t number = json_int_at(port, "containerPort", 0);

		if (number != 0)
			write_port(w, number, spec_port_protocol(port), &visibilities);
	}
	json_end_array(w);
}

/* Without ports, and unless written by the client, the member exists only with an address. */
static void write_network(struct json_writer *w, const cJSON *container, const cJSON *skeleton,
			  const struct container_extras *extras, struct etag *etag)
{
	const cJSON *written = json_get(skeleton, "network");
	const cJSON *ports = held_or_empty(json_get(container, "ports"), json_get(written, "ports"));
	bool stays = ports || cJSON_IsObject(written);
	size_t before = w->out->len;

	if (!stays && !extras->ip[0])
		return;
	json_begin_object(w, "network");
	if (ports)
		write_ports(w, ports, skeleton, extras);
	if (stays)
		before = w->out->len;
	if (extras->ip[0])
		json_string(w, "ip", extras->ip);
	if (stays)
		etag_cut(etag, before);
	json_end_object(w);
	if (!stays)
		etag_cut(etag, before);
}

/* Unless the controller has observed the last change, no replica counts as updated. */
static void write_replicas(struct json_writer *w, const cJSON *root)
{
	bool seen = json_int_at(root, "status.observedGeneration", 0) >= json_int_at(root, "metadata.generation", 0);

	json_begin_object(w, "replicas");
	json_int(w, "desired", json_int_at(root, "spec.replicas", 1));
	json_int(w, "ready", json_int_at(root, "status.readyReplicas", 0));
	json_int(w, "updated", seen ? json_int_at(root, "status.updatedReplicas", 0) : 0);
	json_int(w, "available", json_int_at(root, "status.availableReplicas", 0));
	json_end_object(w);
}

/* A root of another program has no hint; its kind is shown. *own: hints that were already copied, or NULL. */
static const cJSON *show_kind(enum kube_kind root, const cJSON *hints, cJSON **own)
{
	cJSON *kubernetes;

	if (workload_root_kind_by_hint(json_string_at(hints, "kubernetes.kind")) == root)
		return hints;
	if (!*own)
		*own = hints ? cJSON_Duplicate(hints, 1) : cJSON_CreateObject();
	kubernetes = json_get(*own, "kubernetes");
	if (!kubernetes)
		kubernetes = cJSON_AddObjectToObject(*own, "kubernetes");
	cJSON_DeleteItemFromObjectCaseSensitive(kubernetes, "kind");
	cJSON_AddStringToObject(kubernetes, "kind", kube_kind_name(root));
	return *own ? *own : hints;
}

static enum rc write_spec(struct json_writer *w, const cJSON *root, const struct container_extras *extras,
			  char ret_etag[CONTAINER_ETAG_MAX], struct error *err)
{
	cleanup_json cJSON *skeleton = own_container_skeleton(root);
	const cJSON *container = own_container(root, skeleton);
	const struct run_state run = run_state_read(root);
	cleanup_json cJSON *own_hints = NULL;
	const cJSON *hints = run_state_show_hints(&run, json_get(skeleton, "provider_hints"), &own_hints);
	struct etag etag;
	size_t before;

	json_begin_object(w, "spec");
	etag = etag_begin(w->out);
	json_string(w, "service_type", resource_row(RESOURCE_CONTAINER)->name);
	write_metadata(w, root, container, skeleton, &etag);
	json_begin_object(w, "image");
	json_optional_string(w, "reference", json_string_at(container, "image"));
	json_end_object(w);
	write_resources(w, container, skeleton);
	write_process(w, container, skeleton);
	write_network(w, container, skeleton, extras, &etag);
	hints = show_kind(extras->root, hints, &own_hints);
	before = w->out->len;
	json_tree(w, "provider_hints", hints);
	etag_cut(&etag, before);
	json_end_object(w);
	return etag_end(&etag, hints, ret_etag, err);
}

enum rc container_view_etag(const cJSON *root, const struct container_extras *extras, char ret_etag[CONTAINER_ETAG_MAX],
			    struct error *err)
{
	struct buf text cleanup_buf = buf_make(CONTAINER_VIEW_MAX);
	struct json_writer w = json_writer_make(&text);

	return write_spec(&w, root, extras, ret_etag, err);
}

enum rc container_view_write(struct json_writer *w, const cJSON *root, const struct container_extras *extras,
			     char ret_etag[CONTAINER_ETAG_MAX], struct error *err)
{
	const char *id = cJSON_GetStringValue(json_get(json_at(root, "metadata.labels"), LABEL_INSTANCE_ID));
	const char *created = json_string_at(root, "metadata.creationTimestamp");
	const char *headless = json_string_at(root, "spec.serviceName"); /* StatefulSets only */
	char path[256];
	char changed[CLOCK_RFC3339_MAX];
	char etag[CONTAINER_ETAG_MAX];
	enum rc rc;

	snprintf(path, sizeof(path), "containers/%s", id ? id : "");
	clock_format_rfc3339(extras->changed_ms, false, changed);
	json_begin_object(w, NULL);
	json_string(w, "id", id);
	json_string(w, "path", path);
	json_optional_string(w, "uid", json_string_at(root, "metadata.uid"));
	rc = write_spec(w, root, extras, etag, err);
	if (rc)
		return rc;
	json_string(w, "etag", etag);
	json_string(w, "status", container_status_name(extras->status));
	if (extras->message[0])
		json_string(w, "status_message", extras->message);
	write_replicas(w, root);
	if (extras->revision)
		json_int(w, "revision", extras->revision);
	if (extras->service.len)
		json_raw(w, "service", extras->service.data, extras->service.len);
	if (headless && headless[0])
		json_string(w, "headless_service", headless);
	json_optional_string(w, "create_time", created);
	json_string(w, "update_time", changed);
	json_end_object(w);
	rc = buf_check(w->out, err);
	if (!rc && ret_etag)
		memcpy(ret_etag, etag, sizeof(etag));
	return rc;
}
