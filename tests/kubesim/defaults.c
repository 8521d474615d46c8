#include "tests/kubesim/defaults.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/quantity.h"
#include "tests/kubesim/tree.h"

/* ---- Pods -------------------------------------------------------------------------------------------------------- */

/* Write `value` with the largest suffix that leaves a whole number; each is `step` times the one before. */
static void format_amount(int64_t value, int64_t step, const char *const *suffixes, char *out, size_t size)
{
	size_t i = 0;

	while (suffixes[i + 1] && value != 0 && value % step == 0) {
		value /= step;
		i++;
	}
	snprintf(out, size, "%" PRId64 "%s", value, suffixes[i]);
}

/* "1024Mi" becomes "1Gi", "0.5" "500m", "1000m" "1". Other forms ("1e3", parts of a binary unit) stay as they are. */
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

static void default_pod_spec(cJSON *spec)
{
	cJSON *container = NULL;
	cJSON *port = NULL;

	cJSON_ArrayForEach (container, json_get(spec, "containers")) {
		default_resources(json_get(container, "resources"));
		cJSON_ArrayForEach (port, json_get(container, "ports"))
			sim_tree_default_string(port, "protocol", "TCP");
	}
}

void sim_default_pod(cJSON *tree)
{
	default_pod_spec(sim_tree_child(tree, "spec"));
	sim_tree_default_string(sim_tree_child(tree, "status"), "phase", "Pending");
}

/* ---- the other kinds --------------------------------------------------------------------------------------------- */

void sim_default_workload(cJSON *tree)
{
	cJSON *spec = sim_tree_child(tree, "spec");

	if (!json_get(spec, "replicas"))
		sim_tree_set_int(spec, "replicas", 1);
	default_pod_spec(json_at(spec, "template.spec"));
	sim_tree_child(tree, "status");
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
