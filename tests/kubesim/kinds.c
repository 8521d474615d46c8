#include "tests/kubesim/kinds.h"

#include <string.h>

#include "tests/kubesim/controllers.h"
#include "tests/kubesim/defaults.h"
#include "tests/kubesim/services.h"
#include "tests/kubesim/table.h"

const struct sim_kind sim_kinds[SIM_KIND_COUNT] = {
	[SIM_POD] = {
		.group = "", .api_version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod", .short_name = "po",
		.resource = "pods", .namespaced = true, .in_all = true, .generations = true,
		.set_defaults = sim_default_pod, .columns = sim_pod_columns, .reconcile = sim_control_pod,
	},
	[SIM_SERVICE] = {
		.group = "", .api_version = "v1", .kind = "Service", .plural = "services", .singular = "service",
		.short_name = "svc", .resource = "services", .name_form = NAME_LABEL_1035, .namespaced = true,
		.in_all = true, .set_defaults = sim_default_service, .columns = sim_service_columns,
		.allocate = sim_service_allocate, .reconcile = sim_control_service,
	},
	[SIM_NAMESPACE] = {
		.group = "", .api_version = "v1", .kind = "Namespace", .plural = "namespaces", .singular = "namespace",
		.short_name = "ns", .resource = "namespaces", .name_form = NAME_LABEL,
		.set_defaults = sim_default_namespace, .columns = sim_namespace_columns,
		.reconcile = sim_control_namespace,
	},
	[SIM_EVENT] = {
		.group = "", .api_version = "v1", .kind = "Event", .plural = "events", .singular = "event",
		.short_name = "ev", .resource = "events", .namespaced = true, .columns = sim_event_columns,
	},
	[SIM_DEPLOYMENT] = {
		.group = "apps", .api_version = "apps/v1", .kind = "Deployment", .plural = "deployments",
		.singular = "deployment", .short_name = "deploy", .resource = "deployments.apps", .namespaced = true,
		.in_all = true, .has_scale = true, .generations = true, .set_defaults = sim_default_workload,
		.columns = sim_deployment_columns, .reconcile = sim_control_deployment,
	},
	[SIM_REPLICASET] = {
		.group = "apps", .api_version = "apps/v1", .kind = "ReplicaSet", .plural = "replicasets",
		.singular = "replicaset", .short_name = "rs", .resource = "replicasets.apps", .namespaced = true,
		.in_all = true, .has_scale = true, .generations = true, .set_defaults = sim_default_workload,
		.columns = sim_replicaset_columns, .reconcile = sim_control_replicaset,
	},
};

size_t sim_kind_place(const struct sim_kind *kind)
{
	return (size_t)(kind - sim_kinds);
}

const struct sim_kind *sim_kind_find(const char *group, const char *plural)
{
	for (size_t i = 0; i < SIM_KIND_COUNT; i++)
		if (strcmp(sim_kinds[i].group, group) == 0 && strcmp(sim_kinds[i].plural, plural) == 0)
			return &sim_kinds[i];
	return NULL;
}
