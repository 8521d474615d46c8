#include "common/container/container_write.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/quantity.h"
#include "common/container/service_name.h"
#include "common/container/spec_ports.h"

#define MEBIBYTE (1024 * 1024)
#define PORT_NAME_MAX 32

/* The three reserved labels, also used as selector. */
static void write_own_labels(struct json_writer *w, const char *id)
{
	json_string(w, LABEL_MANAGED_BY, LABEL_MANAGED_BY_VALUE);
	json_string(w, LABEL_INSTANCE_ID, id);
	json_string(w, LABEL_SERVICE_TYPE, resource_row(RESOURCE_CONTAINER)->name);
}

static void write_labels(struct json_writer *w, const char *id, const cJSON *spec)
{
	const cJSON *label = NULL;

	json_begin_object(w, "labels");
	cJSON_ArrayForEach (label, json_at(spec, "metadata.labels"))
		if (!label_is_reserved(label->string))
			json_string(w, label->string, cJSON_GetStringValue(label));
	write_own_labels(w, id);
	json_end_object(w);
}

/* ---- the annotation ---------------------------------------------------------------------------------------------- */

/* Members that Kubernetes returns unchanged; only empty values ([] or {}) would be lost. */
static const struct kept_by_kubernetes {
	const char *parent;
	const char *member;
} kept[] = {
	{ "metadata", "labels" },
	{ "process", "command" },
	{ "process", "args" },
	{ "process", "env" },
};

/* The spec without what Kubernetes stores: small, even with a large environment and arguments. */
static enum rc write_skeleton(const cJSON *spec, struct buf *out, struct error *err)
{
	cleanup_json cJSON *skeleton = cJSON_Duplicate(spec, 1);
	struct json_writer w = json_writer_make(out);

	if (!skeleton)
		return error_no_memory(err);
	cJSON_DeleteItemFromObjectCaseSensitive(skeleton, "image");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		cJSON *parent = json_get(skeleton, kept[i].parent);
		const cJSON *member = json_get(parent, kept[i].member);

		if (member && member->child)
			cJSON_DeleteItemFromObjectCaseSensitive(parent, kept[i].member);
	}
	json_tree(&w, NULL, skeleton);
	if (out->failed == RC_TOO_LARGE)
		return error_set(err, RC_INVALID_ARGUMENT,
				 "provider_hints and network.ports are too large: Kubernetes stores at most about %u "
				 "bytes of both",
				 CONTAINER_SKELETON_MAX);
	return buf_check(out, err);
}

/* ---- the Pod's container ----------------------------------------------------------------------------------------- */

/*
 * as_given: for an existing container, possibly created by other programs: unsupported amounts are written as in the
 * cluster, missing ones are omitted.
 */
static enum rc write_amounts(struct json_writer *w, const char *key, const cJSON *resources, const char *end,
			     bool as_given, struct error *err)
{
	const cJSON *cpu = json_get(json_get(resources, "cpu"), end);
	const char *memory = cJSON_GetStringValue(json_get(json_get(resources, "memory"), end));
	bool has_cpu;
	bool has_memory;
	char milli_text[32];
	char mebi_text[32];
	int64_t milli;
	int64_t bytes;

	has_cpu = quantity_parse_cpu(cpu, &milli);
	has_memory = memory && quantity_parse_memory(memory, &bytes);
	if (!has_cpu && !as_given)
		return error_set(err, RC_INVALID_ARGUMENT, "resources.cpu.%s is not an amount of CPU", end);
	if (!has_memory && !as_given)
		return error_set(err, RC_INVALID_ARGUMENT, "resources.memory.%s is not an amount of memory", end);
	if (has_cpu)
		snprintf(milli_text, sizeof(milli_text), "%" PRId64 "m", milli);
	if (has_memory)
		snprintf(mebi_text, sizeof(mebi_text), "%" PRId64 "Mi", bytes / MEBIBYTE);
	json_begin_object(w, key);
	json_optional_string(w, "cpu", has_cpu ? milli_text : cJSON_GetStringValue(cpu));
	json_optional_string(w, "memory", has_memory ? mebi_text : memory);
	json_end_object(w);
	return RC_OK;
}

static void write_env(struct json_writer *w, const cJSON *env)
{
	const cJSON *variable = NULL;

	json_begin_array(w, "env");
	cJSON_ArrayForEach (variable, env) {
		json_begin_object(w, NULL);
		json_string(w, "name", json_string_at(variable, "name"));
		json_string(w, "value", json_string_at(variable, "value"));
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_container_ports(struct json_writer *w, const cJSON *ports)
{
	const cJSON *port = NULL;

	json_begin_array(w, "ports");
	cJSON_ArrayForEach (port, ports) {
		json_begin_object(w, NULL);
		json_int(w, "containerPort", json_int_at(port, "container_port", 0));
		json_string(w, "protocol", spec_port_protocol(port));
		json_end_object(w);
	}
	json_end_array(w);
}

static enum rc write_container(struct json_writer *w, const cJSON *spec, bool as_given, struct error *err)
{
	const cJSON *resources = json_get(spec, "resources");
	enum rc rc;

	json_begin_object(w, NULL);
	json_string(w, "name", json_string_at(spec, "metadata.name"));
	json_string(w, "image", json_string_at(spec, "image.reference"));
	json_tree(w, "command", json_at(spec, "process.command"));
	json_tree(w, "args", json_at(spec, "process.args"));
	write_env(w, json_at(spec, "process.env"));
	write_container_ports(w, json_at(spec, "network.ports"));
	json_begin_object(w, "resources");
	rc = write_amounts(w, "requests", resources, "min", as_given, err);
	if (!rc)
		rc = write_amounts(w, "limits", resources, "max", as_given, err);
	json_end_object(w);
	json_end_object(w);
	return rc;
}

static void write_origin(struct json_writer *w, const struct container_origin *origin)
{
	if (!origin)
		return;
	json_string(w, ANNOTATION_TOKEN, origin->token);
	json_optional_string(w, ANNOTATION_ATTEMPT, origin->attempt);
	if (origin->digest[0])
		json_string(w, ANNOTATION_DIGEST, origin->digest);
	if (origin->owed)
		json_string(w, ANNOTATION_OWED, origin->attempt);
}

/* ---- how it runs, and how it is changed -------------------------------------------------------------------------- */

static void write_run_state(struct json_writer *w, const struct run_state *run)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRId64, run->kept);
	if (run->kept != RUN_STATE_RUNS)
		json_string(w, ANNOTATION_STOPPED, number);
	json_optional_string(w, ANNOTATION_CHANGE, run->change);
}

/* Without the hint, the default of Kubernetes. */
static void write_strategy(struct json_writer *w, const cJSON *hint)
{
	bool recreate = str_equal(json_string_at(hint, "type"), "recreate");

	if (!cJSON_IsObject(hint))
		return;
	json_begin_object(w, "strategy");
	json_string(w, "type", recreate ? "Recreate" : "RollingUpdate");
	if (recreate) {
		/* null makes an update remove the defaults set by Kubernetes. */
		json_raw(w, "rollingUpdate", "null", sizeof("null") - 1);
	} else {
		json_begin_object(w, "rollingUpdate");
		json_tree(w, "maxSurge", json_get(hint, "max_surge"));
		json_tree(w, "maxUnavailable", json_get(hint, "max_unavailable"));
		json_end_object(w);
	}
	json_end_object(w);
}

static void write_template_metadata(struct json_writer *w, const char *id, const cJSON *spec,
				    const struct run_state *run)
{
	json_begin_object(w, "metadata");
	write_labels(w, id, spec);
	if (run->restarted) {
		json_begin_object(w, "annotations");
		json_string(w, ANNOTATION_RESTARTED, run->restarted);
		json_end_object(w);
	}
	json_end_object(w);
}

/* The input for a root. */
struct container_root {
	const char *id;
	const cJSON *spec;
	const struct run_state *run;
	const struct container_origin *origin; /* NULL: not written */
};

/* Writes the kind-specific members of a root's `spec`. */
typedef enum rc (*frame_writer)(struct json_writer *w, const struct container_root *root, struct error *err);

static enum rc write_deployment_frame(struct json_writer *w, const struct container_root *root,
				      struct error *err unused)
{
	write_strategy(w, json_at(root->spec, "provider_hints.kubernetes.strategy"));
	return RC_OK;
}

/*
 * Parallel, because OrderedReady waits for a Pod to become ready before it continues: a rollout whose first Pod never
 * becomes ready could not be rolled back without deleting the Pod manually (kubernetes#67250). This affects only
 * creation and scaling; a rollout replaces one Pod after the other in any case, the last one first.
 */
static enum rc write_statefulset_frame(struct json_writer *w, const struct container_root *root, struct error *err)
{
	char name[SERVICE_NAME_MAX];
	enum rc rc = service_name_derive_headless(root->id, name, err);

	if (rc)
		return rc;
	json_string(w, "serviceName", name);
	json_string(w, "podManagementPolicy", "Parallel");
	return RC_OK;
}

static void write_root_metadata(struct json_writer *w, const struct container_root *root, const struct buf *skeleton)
{
	json_begin_object(w, "metadata");
	json_string(w, "name", root->id);
	write_labels(w, root->id, root->spec);
	json_begin_object(w, "annotations");
	json_string(w, ANNOTATION_SPEC, skeleton->data);
	write_origin(w, root->origin);
	write_run_state(w, root->run);
	json_end_object(w);
	json_end_object(w);
}

static enum rc write_template(struct json_writer *w, const struct container_root *root, struct error *err)
{
	enum rc rc;

	json_begin_object(w, "template");
	write_template_metadata(w, root->id, root->spec, root->run);
	json_begin_object(w, "spec");
	json_begin_array(w, "containers");
	rc = write_container(w, root->spec, !root->origin, err);
	json_end_array(w);
	json_end_object(w);
	json_end_object(w);
	return rc;
}

static enum rc write_root(enum kube_kind kind, frame_writer write_frame, const struct container_root *root,
			  struct buf *out, struct error *err)
{
	struct buf skeleton cleanup_buf = buf_make(CONTAINER_SKELETON_MAX);
	struct json_writer w = json_writer_make(out);
	enum rc rc = write_skeleton(root->spec, &skeleton, err);

	if (rc)
		return rc;
	json_begin_object(&w, NULL);
	json_string(&w, "apiVersion", kube_kind_api_version(kind));
	json_string(&w, "kind", kube_kind_name(kind));
	write_root_metadata(&w, root, &skeleton);
	json_begin_object(&w, "spec");
	json_int(&w, "replicas", root->run->replicas);
	rc = write_frame(&w, root, err);
	json_begin_object(&w, "selector");
	json_begin_object(&w, "matchLabels");
	write_own_labels(&w, root->id);
	json_end_object(&w);
	json_end_object(&w);
	if (!rc)
		rc = write_template(&w, root, err);
	json_end_object(&w);
	json_end_object(&w);
	return rc ? rc : buf_check(out, err);
}

enum rc container_write_deployment(const char *id, const cJSON *spec, const struct run_state *run,
				   const struct container_origin *origin, struct buf *out, struct error *err)
{
	const struct run_state as_new = run_state_of_spec(spec);
	const struct container_root root = { id, spec, run ? run : &as_new, origin };

	return write_root(KUBE_DEPLOYMENT, write_deployment_frame, &root, out, err);
}

enum rc container_write_statefulset(const char *id, const cJSON *spec, const struct run_state *run,
				    const struct container_origin *origin, struct buf *out, struct error *err)
{
	const struct run_state as_new = run_state_of_spec(spec);
	const struct container_root root = { id, spec, run ? run : &as_new, origin };

	return write_root(KUBE_STATEFULSET, write_statefulset_frame, &root, out, err);
}

/* ---- the Service ------------------------------------------------------------------------------------------------- */

/* Port names are unique within a Service, as number and protocol are: "port-53", "port-53-udp". */
static void name_port(int64_t number, const char *protocol, char out[PORT_NAME_MAX])
{
	static const struct {
		const char *protocol, *suffix;
	} suffixes[] = { { "UDP", "-udp" }, { "SCTP", "-sctp" } };
	const char *suffix = "";

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_equal(protocol, suffixes[i].protocol))
			suffix = suffixes[i].suffix;
	snprintf(out, PORT_NAME_MAX, "port-%" PRId64 "%s", number, suffix);
}

static void write_service_ports(struct json_writer *w, const cJSON *ports)
{
	const cJSON *port = NULL;

	json_begin_array(w, "ports");
	cJSON_ArrayForEach (port, ports) {
		int64_t number = json_int_at(port, "container_port", 0);
		char name[PORT_NAME_MAX];

		if (!spec_port_is_exposed(port))
			continue;
		name_port(number, spec_port_protocol(port), name);
		json_begin_object(w, NULL);
		json_string(w, "name", name);
		json_string(w, "protocol", spec_port_protocol(port));
		json_int(w, "port", number);
		json_int(w, "targetPort", number);
		json_end_object(w);
	}
	json_end_array(w);
}

/* Without blockOwnerDeletion, which requires a right on finalizers in OpenShift. */
static void write_owner(struct json_writer *w, const char *id, const struct container_owner *owner)
{
	json_begin_array(w, "ownerReferences");
	json_begin_object(w, NULL);
	json_string(w, "apiVersion", kube_kind_api_version(owner->kind));
	json_string(w, "kind", kube_kind_name(owner->kind));
	json_string(w, "name", id);
	json_string(w, "uid", owner->uid);
	json_end_object(w);
	json_end_array(w);
}

/* An object beside the root, up to its spec. The object and its spec stay open. */
static void begin_child(struct json_writer *w, enum kube_kind kind, const char *id, const char *name,
			const struct container_owner *owner, const cJSON *spec)
{
	json_begin_object(w, NULL);
	json_string(w, "apiVersion", kube_kind_api_version(kind));
	json_string(w, "kind", kube_kind_name(kind));
	json_begin_object(w, "metadata");
	json_string(w, "name", name);
	write_labels(w, id, spec);
	write_owner(w, id, owner);
	json_end_object(w);
	json_begin_object(w, "spec");
}

/* The common part of a container's Services. The object and its spec stay open. */
static struct json_writer begin_service(const char *id, const char *name, const struct container_owner *owner,
					const cJSON *spec, const char *type, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	begin_child(&w, KUBE_SERVICE, id, name, owner, spec);
	json_string(&w, "type", type);
	json_begin_object(&w, "selector");
	write_own_labels(&w, id);
	json_end_object(&w);
	return w;
}

static enum rc end_service(struct json_writer *w, const struct buf *out, struct error *err)
{
	json_end_object(w);
	json_end_object(w);
	return buf_check(out, err);
}

enum rc container_write_service(const char *id, const char *name, const struct container_owner *owner,
				const cJSON *spec, const char *external_type, struct buf *out, struct error *err)
{
	const char *type = spec_ports_any(spec, spec_port_is_external) ? external_type : "ClusterIP";
	struct json_writer w = begin_service(id, name, owner, spec, type, out);

	write_service_ports(&w, json_at(spec, "network.ports"));
	return end_service(&w, out, err);
}

enum rc container_write_headless_service(const char *id, const char *name, const struct container_owner *owner,
					 const cJSON *spec, struct buf *out, struct error *err)
{
	struct json_writer w = begin_service(id, name, owner, spec, "ClusterIP", out);

	json_string(&w, "clusterIP", "None");
	json_bool(&w, "publishNotReadyAddresses", true);
	return end_service(&w, out, err);
}

/* Whether another port of the list has that name. */
static bool is_name_taken(const cJSON *ports, const cJSON *mine, const char *name)
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, ports)
		if (port != mine && str_equal(json_string_at(port, "name"), name))
			return true;
	return false;
}

enum rc container_write_port_names(cJSON *service, struct error *err)
{
	cJSON *ports = json_at(service, "spec.ports");
	cJSON *port = NULL;

	cJSON_ArrayForEach (port, ports) {
		const char *has = json_string_at(port, "name");
		char name[PORT_NAME_MAX];

		if (cJSON_GetArraySize(ports) < 2)
			return RC_OK;
		name_port(json_int_at(port, "port", 0), spec_port_protocol(port), name);
		if (is_name_taken(ports, port, has && has[0] ? has : name))
			return error_set(err, RC_ALREADY_EXISTS,
					 "the container's Service '%s' already has a port named '%s'; rename it there",
					 json_string_at(service, "metadata.name"), has && has[0] ? has : name);
		if (has && has[0])
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(port, "name");
		if (!cJSON_AddStringToObject(port, "name", name))
			return error_no_memory(err);
	}
	return RC_OK;
}

/* ---- the autoscaler ---------------------------------------------------------------------------------------------- */

static void write_metric(struct json_writer *w, const char *resource, const cJSON *percent)
{
	int64_t utilization;

	if (!json_is_int(percent, &utilization))
		return;
	json_begin_object(w, NULL);
	json_string(w, "type", "Resource");
	json_begin_object(w, "resource");
	json_string(w, "name", resource);
	json_begin_object(w, "target");
	json_string(w, "type", "Utilization");
	json_int(w, "averageUtilization", utilization);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
}

enum rc container_write_autoscaler(const char *id, const char *name, const struct container_owner *owner,
				   const cJSON *spec, struct buf *out, struct error *err)
{
	const cJSON *hint = json_at(spec, "provider_hints.kubernetes.autoscale");
	struct json_writer w = json_writer_make(out);

	begin_child(&w, KUBE_AUTOSCALER, id, name, owner, spec);
	json_begin_object(&w, "scaleTargetRef");
	json_string(&w, "apiVersion", kube_kind_api_version(owner->kind));
	json_string(&w, "kind", kube_kind_name(owner->kind));
	json_string(&w, "name", id);
	json_end_object(&w);
	json_int(&w, "minReplicas", json_int_at(hint, "min", 1));
	json_int(&w, "maxReplicas", json_int_at(hint, "max", 1));
	json_begin_array(&w, "metrics");
	write_metric(&w, "cpu", json_get(hint, "cpu_percent"));
	write_metric(&w, "memory", json_get(hint, "memory_percent"));
	json_end_array(&w);
	json_end_object(&w);
	json_end_object(&w);
	return buf_check(out, err);
}
