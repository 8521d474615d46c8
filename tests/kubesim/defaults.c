#include "tests/kubesim/defaults.h"

#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/tree.h"

/* ---- Pods -------------------------------------------------------------------------------------------------------- */

/* Always for ":latest" and for no tag at all, as the API server decides it; a digest counts as a tag. */
static const char *pull_policy_of(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *tag = strrchr(slash ? slash : image, ':');
	bool plain = !strpbrk(image, " \t") && image[0] != '\0';

	if (strchr(image, '@') || !plain)
		return "IfNotPresent";
	return !tag || strcmp(tag, ":latest") == 0 ? "Always" : "IfNotPresent";
}

static void canonicalise_quantities(cJSON *list)
{
	cJSON *amount = NULL;
	char text[64];

	cJSON_ArrayForEach (amount, list) {
		if (cJSON_IsNumber(amount)) {
			snprintf(text, sizeof(text), "%.15g", amount->valuedouble);
			amount->type = (amount->type & ~0xFF) | cJSON_String;
			amount->valuestring = str_dup(text);
		}
		if (cJSON_IsString(amount) && sim_quantity_canonical(amount->valuestring, text, sizeof(text)))
			cJSON_SetValuestring(amount, text);
	}
}

/* In a Pod, but not yet in a template, a limit is also the request where none is given. */
static void default_resources(cJSON *resources, bool in_pod)
{
	cJSON *limit = NULL;

	canonicalise_quantities(json_get(resources, "limits"));
	canonicalise_quantities(json_get(resources, "requests"));
	if (!in_pod)
		return;
	cJSON_ArrayForEach (limit, json_get(resources, "limits")) {
		cJSON *requests = sim_tree_child(resources, "requests");

		if (!json_get(requests, limit->string))
			cJSON_AddItemToObject(requests, limit->string, sim_tree_copy(limit));
	}
}

static void default_probe(cJSON *probe)
{
	if (!cJSON_IsObject(probe))
		return;
	sim_tree_default_int(probe, "timeoutSeconds", 1);
	sim_tree_default_int(probe, "periodSeconds", 10);
	sim_tree_default_int(probe, "successThreshold", 1);
	sim_tree_default_int(probe, "failureThreshold", 3);
	if (json_get(probe, "httpGet")) {
		sim_tree_default_string(json_get(probe, "httpGet"), "path", "/");
		sim_tree_default_string(json_get(probe, "httpGet"), "scheme", "HTTP");
	}
}

static void default_container(cJSON *container, bool in_pod)
{
	cJSON *port = NULL;
	cJSON *variable = NULL;
	cJSON *empty[] = { json_get(container, "ports"), json_get(container, "env"), json_get(container, "args"),
			   json_get(container, "command") };
	const char *image = json_string_at(container, "image");

	for (size_t i = 0; i < ARRAY_LEN(empty); i++)
		if (cJSON_IsArray(empty[i]) && cJSON_GetArraySize(empty[i]) == 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(container, empty[i]));
	cJSON_ArrayForEach (port, json_get(container, "ports"))
		sim_tree_default_string(port, "protocol", "TCP");
	cJSON_ArrayForEach (variable, json_get(container, "env"))
		if (str_equal(json_string_at(variable, "value"), ""))
			sim_tree_drop(variable, "value");
	default_resources(sim_tree_child(container, "resources"), in_pod);
	default_probe(json_get(container, "livenessProbe"));
	default_probe(json_get(container, "readinessProbe"));
	default_probe(json_get(container, "startupProbe"));
	sim_tree_default_string(container, "terminationMessagePath", "/dev/termination-log");
	sim_tree_default_string(container, "terminationMessagePolicy", "File");
	sim_tree_default_string(container, "imagePullPolicy", pull_policy_of(image ? image : ""));
}

static void default_pod_spec(cJSON *spec, bool in_pod)
{
	cJSON *container = NULL;

	cJSON_ArrayForEach (container, json_get(spec, "initContainers"))
		default_container(container, in_pod);
	cJSON_ArrayForEach (container, json_get(spec, "containers"))
		default_container(container, in_pod);
	sim_tree_default_string(spec, "restartPolicy", "Always");
	sim_tree_default_int(spec, "terminationGracePeriodSeconds", 30);
	sim_tree_default_string(spec, "dnsPolicy", "ClusterFirst");
	sim_tree_child(spec, "securityContext");
	sim_tree_default_string(spec, "schedulerName", "default-scheduler");
}

static void add_toleration(cJSON *list, const char *key)
{
	cJSON *toleration;

	if (sim_tree_find(list, "key", key))
		return;
	toleration = sim_tree_append_object(list);
	sim_tree_set_string(toleration, "key", key);
	sim_tree_set_string(toleration, "operator", "Exists");
	sim_tree_set_string(toleration, "effect", "NoExecute");
	sim_tree_set_int(toleration, "tolerationSeconds", 300);
}

/* Guaranteed: every container's limits of cpu and memory equal its requests. BestEffort: nothing is asked for. */
static const char *quality_of(const cJSON *containers)
{
	static const char *const paths[][2] = { { "resources.limits.cpu", "resources.requests.cpu" },
						{ "resources.limits.memory", "resources.requests.memory" } };
	const cJSON *container = NULL;
	bool guaranteed = true;
	bool any = false;

	cJSON_ArrayForEach (container, containers) {
		for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
			const char *limit = json_string_at(container, paths[i][0]);
			const char *request = json_string_at(container, paths[i][1]);

			any = any || limit || request;
			guaranteed = guaranteed && limit && str_equal(limit, request);
		}
	}
	return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

void sim_default_pod(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *status = sim_tree_child(tree, "status");
	cJSON *tolerations;

	default_pod_spec(spec, true);
	if (!json_get(spec, "enableServiceLinks"))
		sim_tree_set_bool(spec, "enableServiceLinks", true);
	sim_tree_default_string(spec, "preemptionPolicy", "PreemptLowerPriority");
	sim_tree_default_int(spec, "priority", 0);
	tolerations = sim_tree_child_array(spec, "tolerations");
	add_toleration(tolerations, "node.kubernetes.io/not-ready");
	add_toleration(tolerations, "node.kubernetes.io/unreachable");
	sim_tree_default_string(status, "phase", "Pending");
	sim_tree_default_string(status, "qosClass", quality_of(json_get(spec, "containers")));
}

/* ---- Deployments and ReplicaSets --------------------------------------------------------------------------------- */

static void default_template(cJSON *spec)
{
	cJSON *template = sim_tree_child(spec, "template");

	sim_tree_child(template, "metadata");
	default_pod_spec(sim_tree_child(template, "spec"), false);
}

void sim_default_deployment(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *strategy = sim_tree_child(spec, "strategy");

	sim_tree_default_int(spec, "replicas", 1);
	default_template(spec);
	sim_tree_default_string(strategy, "type", "RollingUpdate");
	if (str_equal(json_string_at(strategy, "type"), "RollingUpdate")) {
		cJSON *rolling = sim_tree_child(strategy, "rollingUpdate");

		sim_tree_default_string(rolling, "maxUnavailable", "25%");
		sim_tree_default_string(rolling, "maxSurge", "25%");
	}
	sim_tree_default_int(spec, "revisionHistoryLimit", 10);
	sim_tree_default_int(spec, "progressDeadlineSeconds", 600);
	sim_tree_child(tree, "status");
}

void sim_default_replicaset(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");

	sim_tree_default_int(spec, "replicas", 1);
	default_template(spec);
	sim_tree_default_int(sim_tree_child(tree, "status"), "replicas", 0);
}

/* ---- Services, Namespaces, Events -------------------------------------------------------------------------------- */

static void default_service_port(cJSON *port)
{
	const cJSON *target = json_get(port, "targetPort");

	sim_tree_default_string(port, "protocol", "TCP");
	if ((!target || cJSON_IsNull(target) || (cJSON_IsNumber(target) && target->valuedouble == 0)) &&
	    json_get(port, "port"))
		sim_tree_set(port, "targetPort", sim_tree_copy(json_get(port, "port")));
}

void sim_default_service(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *port = NULL;
	const char *type;

	cJSON_ArrayForEach (port, json_get(spec, "ports"))
		default_service_port(port);
	sim_tree_default_string(spec, "type", "ClusterIP");
	sim_tree_default_string(spec, "sessionAffinity", "None");
	type = json_string_at(spec, "type");
	if (str_equal(type, "NodePort") || str_equal(type, "LoadBalancer"))
		sim_tree_default_string(spec, "externalTrafficPolicy", "Cluster");
	else
		sim_tree_drop(spec, "externalTrafficPolicy");
	if (str_equal(type, "LoadBalancer") && !json_get(spec, "allocateLoadBalancerNodePorts"))
		sim_tree_set_bool(spec, "allocateLoadBalancerNodePorts", true);
	if (!str_equal(type, "LoadBalancer"))
		sim_tree_drop(spec, "allocateLoadBalancerNodePorts");
	if (!str_equal(type, "ExternalName")) {
		if (!json_get(spec, "ipFamilies"))
			cJSON_AddItemToArray(sim_tree_child_array(spec, "ipFamilies"), cJSON_CreateString("IPv4"));
		sim_tree_default_string(spec, "ipFamilyPolicy", "SingleStack");
		sim_tree_default_string(spec, "internalTrafficPolicy", "Cluster");
	}
	sim_tree_child(sim_tree_child(tree, "status"), "loadBalancer");
}

void sim_default_namespace(cJSON *tree)
{
	cJSON *metadata = json_get(tree, "metadata");
	cJSON *finalizers = sim_tree_child_array(sim_tree_child(tree, "spec"), "finalizers");
	const char *name = json_string_at(metadata, "name");

	sim_tree_set_string(sim_tree_child(metadata, "labels"), "kubernetes.io/metadata.name", name ? name : "");
	if (cJSON_GetArraySize(finalizers) == 0)
		cJSON_AddItemToArray(finalizers, cJSON_CreateString("kubernetes"));
	sim_tree_default_string(sim_tree_child(tree, "status"), "phase", "Active");
}

void sim_default_event(cJSON *tree)
{
	sim_tree_child(tree, "source");
}
