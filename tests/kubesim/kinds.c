#include "tests/kubesim/kinds.h"

#include <string.h>

#include "tests/kubesim/addresses.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/defaults.h"
#include "tests/kubesim/table.h"
#include "tests/kubesim/validate.h"

static const char *const pod_fields[] = { "spec.nodeName",
					  "spec.restartPolicy",
					  "spec.schedulerName",
					  "spec.serviceAccountName",
					  "status.phase",
					  "status.podIP",
					  NULL };
static const char *const service_fields[] = { "spec.clusterIP", "spec.type", NULL };
static const char *const namespace_fields[] = { "status.phase", NULL };
static const char *const event_fields[] = { "involvedObject.kind",
					    "involvedObject.namespace",
					    "involvedObject.name",
					    "involvedObject.uid",
					    "involvedObject.apiVersion",
					    "involvedObject.resourceVersion",
					    "involvedObject.fieldPath",
					    "reason",
					    "reportingComponent",
					    "source",
					    "type",
					    NULL };

const struct sim_kind sim_kinds[SIM_KIND_COUNT] = {
	[SIM_POD] = {
		.group = "", .version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod", .short_name = "po",
		.resource = "pods", .qualified = "Pod", .namespaced = true, .in_all = true, .has_status = true,
		.deletes_whole = true, .generations = true, .fields = pod_fields,
		.empty = ",\"spec\":{\"containers\":null},\"status\":{}",
		.set_defaults = sim_default_pod, .validate = sim_validate_pod,
		.columns = sim_pod_columns, .reconcile = sim_control_pod,
	},
	[SIM_SERVICE] = {
		.group = "", .version = "v1", .kind = "Service", .plural = "services", .singular = "service",
		.short_name = "svc", .resource = "services", .qualified = "Service", .namespaced = true,
		.in_all = true, .has_status = true, .deletes_whole = true, .fields = service_fields,
		.empty = ",\"spec\":{},\"status\":{\"loadBalancer\":{}}",
		.set_defaults = sim_default_service, .validate = sim_validate_service,
		.columns = sim_service_columns, .allocate = sim_service_allocate,
		.released = sim_service_released, .reconcile = sim_control_service,
	},
	[SIM_NAMESPACE] = {
		.group = "", .version = "v1", .kind = "Namespace", .plural = "namespaces", .singular = "namespace",
		.short_name = "ns", .resource = "namespaces", .qualified = "Namespace", .has_status = true,
		.deletes_whole = true, .fields = namespace_fields, .empty = ",\"spec\":{},\"status\":{}",
		.set_defaults = sim_default_namespace, .validate = sim_validate_namespace,
		.columns = sim_namespace_columns, .reconcile = sim_control_namespace,
	},
	[SIM_EVENT] = {
		.group = "", .version = "v1", .kind = "Event", .plural = "events", .singular = "event",
		.short_name = "ev", .resource = "events", .qualified = "Event", .namespaced = true,
		.fields = event_fields,
		.empty = ",\"involvedObject\":{},\"source\":{},\"firstTimestamp\":null,\"lastTimestamp\":null,"
			 "\"eventTime\":null,\"reportingComponent\":\"\",\"reportingInstance\":\"\"",
		.set_defaults = sim_default_event, .validate = sim_validate_event,
		.columns = sim_event_columns,
	},
	[SIM_DEPLOYMENT] = {
		.group = "apps", .version = "v1", .kind = "Deployment", .plural = "deployments",
		.singular = "deployment", .short_name = "deploy", .resource = "deployments.apps",
		.qualified = "Deployment.apps", .namespaced = true, .in_all = true, .has_status = true,
		.has_scale = true, .generations = true,
		.empty = ",\"spec\":{\"selector\":null,\"template\":{\"metadata\":{},\"spec\":{\"containers\":null}},"
			 "\"strategy\":{}},\"status\":{}",
		.set_defaults = sim_default_deployment, .validate = sim_validate_deployment,
		.columns = sim_deployment_columns, .reconcile = sim_control_deployment,
	},
	[SIM_REPLICASET] = {
		.group = "apps", .version = "v1", .kind = "ReplicaSet", .plural = "replicasets",
		.singular = "replicaset", .short_name = "rs", .resource = "replicasets.apps",
		.qualified = "ReplicaSet.apps", .namespaced = true, .in_all = true, .has_status = true,
		.has_scale = true, .generations = true,
		.empty = ",\"spec\":{\"selector\":null,\"template\":{\"metadata\":{},\"spec\":{\"containers\":null}}},"
			 "\"status\":{\"replicas\":0}",
		.set_defaults = sim_default_replicaset, .validate = sim_validate_replicaset,
		.columns = sim_replicaset_columns, .reconcile = sim_control_replicaset,
	},
};

size_t sim_kind_place(const struct sim_kind *kind)
{
	return (size_t)(kind - sim_kinds);
}

const struct sim_kind *sim_kind_find(const char *group, const char *version, const char *plural)
{
	for (size_t i = 0; i < SIM_KIND_COUNT; i++) {
		const struct sim_kind *k = &sim_kinds[i];

		if (strcmp(k->group, group) == 0 && strcmp(k->version, version) == 0 && strcmp(k->plural, plural) == 0)
			return k;
	}
	return NULL;
}

bool sim_kind_group_exists(const char *group, const char *version)
{
	for (size_t i = 0; i < SIM_KIND_COUNT; i++)
		if (strcmp(sim_kinds[i].group, group) == 0 && strcmp(sim_kinds[i].version, version) == 0)
			return true;
	return false;
}
