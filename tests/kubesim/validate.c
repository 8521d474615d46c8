#include "tests/kubesim/validate.h"

#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/tree.h"

#define FIELD_MAX 128

/* ---- selectors --------------------------------------------------------------------------------------------------- */

static bool expression_holds(const cJSON *expression, const cJSON *labels)
{
	const char *operation = json_string_at(expression, "operator");
	const char *label = cJSON_GetStringValue(json_get(labels, json_string_at(expression, "key")));
	const cJSON *value = NULL;
	bool is_among = false;

	cJSON_ArrayForEach (value, json_get(expression, "values"))
		is_among = is_among || (label && str_equal(cJSON_GetStringValue(value), label));
	if (str_equal(operation, "In"))
		return is_among;
	if (str_equal(operation, "NotIn"))
		return !is_among;
	return str_equal(operation, "Exists") ? label != NULL : label == NULL;
}

static bool selector_matches(const cJSON *selector, const cJSON *labels)
{
	const cJSON *wanted = NULL;

	if (!selector)
		return false;
	cJSON_ArrayForEach (wanted, json_get(selector, "matchLabels"))
		if (!str_equal(wanted->valuestring, cJSON_GetStringValue(json_get(labels, wanted->string))))
			return false;
	cJSON_ArrayForEach (wanted, json_get(selector, "matchExpressions"))
		if (!expression_holds(wanted, labels))
			return false;
	return true;
}

static void check_expressions(const cJSON *expressions, struct sim_causes *causes)
{
	static const char *const operators[] = { "In", "NotIn", "Exists", "DoesNotExist" };
	const cJSON *expression = NULL;
	char field[FIELD_MAX];
	size_t index = 0;

	cJSON_ArrayForEach (expression, expressions) {
		const char *operation = json_string_at(expression, "operator");
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(operators); i++)
			known = known || str_equal(operation, operators[i]);
		snprintf(field, sizeof(field), "spec.selector.matchExpressions[%zu].operator", index++);
		if (!known)
			sim_cause_text(causes, FAULT_INVALID, field, operation ? operation : "",
				       "not a valid selector operator");
	}
}

/* True: the selector can be used; its faults are in `causes` else. */
static bool check_selector(const cJSON *selector, const char *kind_name, struct sim_causes *causes)
{
	size_t before = causes->count;
	char detail[FIELD_MAX];

	if (!selector) {
		sim_cause_add(causes, FAULT_REQUIRED, "spec.selector", NULL, NULL);
		return true;
	}
	sim_validate_labels("spec.selector.matchLabels", json_get(selector, "matchLabels"), causes);
	check_expressions(json_get(selector, "matchExpressions"), causes);
	if (causes->count > before) {
		sim_cause_tree(causes, FAULT_INVALID, "spec.selector", selector, "invalid label selector");
		return false;
	}
	snprintf(detail, sizeof(detail), "empty selector is invalid for %s", kind_name);
	if (!selector->child)
		sim_cause_tree(causes, FAULT_INVALID, "spec.selector", selector, detail);
	return true;
}

/* ---- Deployments and ReplicaSets --------------------------------------------------------------------------------- */

static void check_template(const cJSON *spec, struct sim_causes *causes)
{
	const cJSON *selector = json_get(spec, "selector");
	const cJSON *template = json_get(spec, "template");
	const cJSON *labels = json_at(template, "metadata.labels");
	const char *restart = json_string_at(template, "spec.restartPolicy");

	if ((!selector || selector->child) && !selector_matches(selector, labels))
		sim_cause_tree(causes, FAULT_INVALID, "spec.template.metadata.labels", labels,
			       "`selector` does not match template `labels`");
	sim_validate_labels("spec.template.labels", labels, causes);
	sim_validate_annotations("spec.template.annotations", json_at(template, "metadata.annotations"), causes);
	sim_validate_pod_spec("spec.template.spec", json_get(template, "spec"), causes);
	if (!str_equal(restart, "Always"))
		sim_cause_text(causes, FAULT_UNSUPPORTED, "spec.template.spec.restartPolicy", restart ? restart : "",
			       "supported values: \"Always\"");
}

static void check_workload(const cJSON *tree, const cJSON *old, const char *kind_name, struct sim_causes *causes)
{
	const cJSON *spec = json_get(tree, "spec");
	int64_t replicas = json_int_at(spec, "replicas", 0);

	sim_validate_metadata(tree, NAME_SUBDOMAIN, causes);
	if (replicas < 0)
		sim_cause_int(causes, FAULT_INVALID, "spec.replicas", replicas, "must be greater than or equal to 0");
	if (check_selector(json_get(spec, "selector"), kind_name, causes))
		check_template(spec, causes);
	if (old && !sim_tree_equal(json_get(spec, "selector"), json_at(old, "spec.selector")))
		sim_cause_tree(causes, FAULT_INVALID, "spec.selector", json_get(spec, "selector"),
			       "field is immutable");
}

static void check_strategy(const cJSON *strategy, struct sim_causes *causes)
{
	const char *type = json_string_at(strategy, "type");
	char shown[FIELD_MAX];

	if (str_equal(type, "RollingUpdate") || str_equal(type, "Recreate"))
		return;
	snprintf(shown, sizeof(shown), "{\"Type\":\"%.60s\",\"RollingUpdate\":null}", type ? type : "");
	sim_cause_add(causes, FAULT_UNSUPPORTED, "spec.strategy", shown,
		      "supported values: \"Recreate\", \"RollingUpdate\"");
}

void sim_validate_deployment(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	(void)sim;
	check_workload(tree, old, "deployment", causes);
	check_strategy(json_at(tree, "spec.strategy"), causes);
}

void sim_validate_replicaset(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	(void)sim;
	check_workload(tree, old, "replicaset", causes);
}

void sim_validate_pod(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	(void)sim;
	(void)old;
	sim_validate_metadata(tree, NAME_SUBDOMAIN, causes);
	sim_validate_pod_spec("spec", json_get(tree, "spec"), causes);
}

/* ---- Services ---------------------------------------------------------------------------------------------------- */

static void check_target_port(const char *field, const cJSON *target, struct sim_causes *causes)
{
	if (cJSON_IsNumber(target))
		sim_validate_port(field, (int64_t)target->valuedouble, causes);
}

static bool is_protocol(const char *protocol)
{
	return str_equal(protocol, "TCP") || str_equal(protocol, "UDP") || str_equal(protocol, "SCTP");
}

/* An earlier port with the same number and protocol. */
static bool is_repeated(const cJSON *ports, const cJSON *port)
{
	const cJSON *earlier = NULL;

	cJSON_ArrayForEach (earlier, ports) {
		if (earlier == port)
			return false;
		if (json_int_at(earlier, "port", -1) == json_int_at(port, "port", -2) &&
		    str_equal(json_string_at(earlier, "protocol"), json_string_at(port, "protocol")))
			return true;
	}
	return false;
}

static void check_service_port(const cJSON *ports, const cJSON *port, size_t index, struct sim_causes *causes)
{
	const char *name = json_string_at(port, "name");
	const char *protocol = json_string_at(port, "protocol");
	const cJSON *namesake = name ? sim_tree_find(ports, "name", name) : NULL;
	char field[FIELD_MAX];

	snprintf(field, sizeof(field), "spec.ports[%zu].name", index);
	if ((!name || !*name) && cJSON_GetArraySize(ports) > 1)
		sim_cause_add(causes, FAULT_REQUIRED, field, NULL, NULL);
	else if (name && *name && namesake != port)
		sim_cause_text(causes, FAULT_DUPLICATE, field, name, NULL);
	else if (name && *name)
		sim_validate_name(field, name, NAME_LABEL, causes);
	snprintf(field, sizeof(field), "spec.ports[%zu].port", index);
	sim_validate_port(field, json_int_at(port, "port", 0), causes);
	snprintf(field, sizeof(field), "spec.ports[%zu].protocol", index);
	if (!is_protocol(protocol))
		sim_cause_text(causes, FAULT_UNSUPPORTED, field, protocol ? protocol : "",
			       "supported values: \"SCTP\", \"TCP\", \"UDP\"");
	snprintf(field, sizeof(field), "spec.ports[%zu].targetPort", index);
	check_target_port(field, json_get(port, "targetPort"), causes);
}

/* What depends on other ports, or on the type. */
static void check_service_port_in_place(const cJSON *spec, const cJSON *port, size_t index, struct sim_causes *causes)
{
	const char *protocol = json_string_at(port, "protocol");
	char field[FIELD_MAX];
	char shown[256];

	snprintf(field, sizeof(field), "spec.ports[%zu].nodePort", index);
	if (str_equal(json_string_at(spec, "type"), "ClusterIP") && json_int_at(port, "nodePort", 0))
		sim_cause_add(causes, FAULT_FORBIDDEN, field, NULL, "may not be used when `type` is 'ClusterIP'");
	if (!is_repeated(json_get(spec, "ports"), port))
		return;
	snprintf(field, sizeof(field), "spec.ports[%zu]", index);
	snprintf(shown, sizeof(shown),
		 "{\"Name\":\"\",\"Protocol\":\"%.20s\",\"AppProtocol\":null,\"Port\":%d,\"TargetPort\":0,\"NodePort\":"
		 "0}",
		 protocol ? protocol : "", (int)json_int_at(port, "port", 0));
	sim_cause_add(causes, FAULT_DUPLICATE, field, shown, NULL);
}

static void check_service_type(const char *type, struct sim_causes *causes)
{
	static const char *const types[] = { "ClusterIP", "ExternalName", "LoadBalancer", "NodePort" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_equal(types[i], type))
			return;
	sim_cause_text(causes, FAULT_UNSUPPORTED, "spec.type", type ? type : "",
		       "supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"");
}

void sim_validate_service(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	const cJSON *spec = json_get(tree, "spec");
	const cJSON *ports = json_get(spec, "ports");
	const cJSON *port = NULL;
	bool needs_ports = !str_equal(json_string_at(spec, "type"), "ExternalName") &&
			   !str_equal(json_string_at(spec, "clusterIP"), "None");
	size_t index = 0;

	(void)old; /* the fields that never change are the addresses': addresses.c */
	sim_validate_metadata(tree, sim->options.relaxed_service_names ? NAME_LABEL_NO_DOTS : NAME_LABEL_1035, causes);
	if (needs_ports && cJSON_GetArraySize(ports) == 0)
		sim_cause_add(causes, FAULT_REQUIRED, "spec.ports", NULL, NULL);
	cJSON_ArrayForEach (port, ports)
		check_service_port(ports, port, index++, causes);
	sim_validate_labels("spec.selector", json_get(spec, "selector"), causes);
	check_service_type(json_string_at(spec, "type"), causes);
	index = 0;
	cJSON_ArrayForEach (port, ports)
		check_service_port_in_place(spec, port, index++, causes);
}

void sim_validate_namespace(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	(void)sim;
	(void)old;
	sim_validate_metadata(tree, NAME_LABEL, causes);
}

void sim_validate_event(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	(void)sim;
	(void)old;
	sim_validate_metadata(tree, NAME_SUBDOMAIN, causes);
}
