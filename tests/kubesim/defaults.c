#include "tests/kubesim/defaults.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/quantity.h"
#include "tests/kubesim/tree.h"

/* ---- Pods -------------------------------------------------------------------------------------------------------- */

/* Write `value` with the largest suffix that leaves a whole number; each is `step` times the previous one. */
static void format_amount(int64_t value, int64_t step, const char *const *suffixes, char *out, size_t size)
{
	size_t i = 0;

	while (suffixes[i + 1] && value != 0 && value % step == 0) {
		value /= step;
		i++;
	}
	snprintf(out, size, "%" PRId64 "%s", value, suffixes[i]);
}

/* "1024Mi" becomes "1Gi", "0.5" "500m", "1000m" "1". Other forms ("1e3", fractions of binary units) are kept. */
static void canonicalise(cJSON *quantity)
{
	static const char *const binary[] = { "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", NULL };
	static const char *const decimal[] = { "m", "", "k", "M", "G", "T", "P", "E", NULL };
	const char *text = cJSON_GetStringValue(quantity);
	char out[64];
	int64_t amount;

	if (!text || strpbrk(text, "eE"))
		return;
	if (strchr(text, 'i') && quantity_parse(text, 1, &amount) && amount % 1024 == 0)
		format_amount(amount / 1024, 1024, binary, out, sizeof(out));
	else if (!strchr(text, 'i') && quantity_parse(text, 1000, &amount))
		format_amount(amount, 1000, decimal, out, sizeof(out));
	else
		return;
	cJSON_SetValuestring(quantity, amount ? out : "0");
}

static void default_resources(cJSON *resources)
{
	cJSON *quantity = NULL;

	cJSON_ArrayForEach (quantity, json_get(resources, "limits"))
		canonicalise(quantity);
	cJSON_ArrayForEach (quantity, json_get(resources, "requests"))
		canonicalise(quantity);
}

/* No tag and no digest, or the tag "latest"; an invalid reference is not examined. */
static bool is_latest(const char *image)
{
	const char *name = image ? strrchr(image, '/') : NULL;
	const char *tag = strchr(name ? name : image ? image : "", ':');

	return image && strspn(image, "abcdefghijklmnopqrstuvwxyz0123456789._-/:") == strlen(image) &&
	       (!tag || str_equal(tag, ":latest"));
}

static void default_containers(cJSON *containers)
{
	cJSON *container = NULL;
	cJSON *port = NULL;

	cJSON_ArrayForEach (container, containers) {
		sim_tree_default_string(container, "imagePullPolicy",
					is_latest(json_string_at(container, "image")) ? "Always" : "IfNotPresent");
		sim_tree_default_string(container, "terminationMessagePath", "/dev/termination-log");
		sim_tree_default_string(container, "terminationMessagePolicy", "File");
		default_resources(sim_tree_child(container, "resources"));
		cJSON_ArrayForEach (port, json_get(container, "ports"))
			sim_tree_default_string(port, "protocol", "TCP");
	}
}

static void default_pod_spec(cJSON *spec)
{
	default_containers(json_get(spec, "containers"));
	default_containers(json_get(spec, "initContainers"));
	sim_tree_default_string(spec, "restartPolicy", "Always");
	sim_tree_default_string(spec, "dnsPolicy", "ClusterFirst");
	sim_tree_default_string(spec, "schedulerName", "default-scheduler");
	sim_tree_default_int(spec, "terminationGracePeriodSeconds", 30);
	sim_tree_child(spec, "securityContext");
}

/* Requests default to limits. */
static void default_requests(cJSON *resources)
{
	const cJSON *limit = NULL;

	cJSON_ArrayForEach (limit, json_get(resources, "limits"))
		if (!json_get(json_get(resources, "requests"), limit->string))
			sim_tree_set(sim_tree_child(resources, "requests"), limit->string, sim_tree_copy(limit));
}

void sim_default_pod(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *container = NULL;

	default_pod_spec(spec);
	if (json_int_at(spec, "terminationGracePeriodSeconds", 0) < 0)
		sim_tree_set_int(spec, "terminationGracePeriodSeconds", 1);
	cJSON_ArrayForEach (container, json_get(spec, "containers"))
		default_requests(json_get(container, "resources"));
	sim_tree_default_string(sim_tree_child(tree, "status"), "phase", "Pending");
}

/* ---- the other kinds --------------------------------------------------------------------------------------------- */

void sim_default_workload(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");

	sim_tree_default_int(spec, "replicas", 1);
	default_pod_spec(sim_tree_child(sim_tree_child(spec, "template"), "spec"));
	sim_tree_child(tree, "status");
}

void sim_default_deployment(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *strategy = sim_tree_child(spec, "strategy");

	sim_default_workload(tree);
	sim_tree_default_string(strategy, "type", "RollingUpdate");
	if (str_equal(json_string_at(strategy, "type"), "RollingUpdate")) {
		cJSON *rolling = sim_tree_child(strategy, "rollingUpdate");

		if (!json_get(rolling, "maxSurge"))
			sim_tree_set_string(rolling, "maxSurge", "25%");
		if (!json_get(rolling, "maxUnavailable"))
			sim_tree_set_string(rolling, "maxUnavailable", "25%");
	}
	sim_tree_default_int(spec, "revisionHistoryLimit", 10);
	sim_tree_default_int(spec, "progressDeadlineSeconds", 600);
}

void sim_default_statefulset(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *strategy = sim_tree_child(spec, "updateStrategy");
	cJSON *retention = sim_tree_child(spec, "persistentVolumeClaimRetentionPolicy");

	sim_default_workload(tree);
	sim_tree_default_string(spec, "serviceName", "");
	sim_tree_default_string(spec, "podManagementPolicy", "OrderedReady");
	if (!json_string_at(strategy, "type"))
		sim_tree_default_int(sim_tree_child(strategy, "rollingUpdate"), "partition", 0);
	sim_tree_default_string(strategy, "type", "RollingUpdate");
	sim_tree_default_int(spec, "revisionHistoryLimit", 10);
	sim_tree_default_string(retention, "whenDeleted", "Retain");
	sim_tree_default_string(retention, "whenScaled", "Retain");
	sim_tree_default_int(json_get(tree, "status"), "replicas", 0);
	sim_tree_default_int(json_get(tree, "status"), "availableReplicas", 0);
}

void sim_default_service(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *port = NULL;

	cJSON_ArrayForEach (port, json_get(spec, "ports")) {
		sim_tree_default_string(port, "protocol", "TCP");
		if (!json_get(port, "targetPort"))
			sim_tree_set(port, "targetPort", sim_tree_copy(json_get(port, "port")));
	}
	sim_tree_default_string(spec, "type", "ClusterIP");
	sim_tree_default_string(spec, "sessionAffinity", "None");
	sim_tree_child(sim_tree_child(tree, "status"), "loadBalancer");
}

void sim_default_namespace(cJSON *tree)
{
	sim_tree_default_string(sim_tree_child(tree, "status"), "phase", "Active");
}

void sim_default_autoscaler(cJSON *tree)
{
	sim_tree_default_int(sim_tree_child(tree, "spec"), "minReplicas", 1);
	sim_tree_child(tree, "status");
}
