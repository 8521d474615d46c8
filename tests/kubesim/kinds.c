#include "tests/kubesim/kinds.h"

#include <string.h>

#include "tests/kubesim/controllers.h"
#include "tests/kubesim/defaults.h"
#include "tests/kubesim/metrics.h"
#include "tests/kubesim/schema.h"
#include "tests/kubesim/services.h"
#include "tests/kubesim/table.h"
#include "tests/kubesim/validate.h"

static const char *const pod_fields[] = { "spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
					  "status.phase",  "status.podIP",       NULL };
static const char *const service_fields[] = { "spec.clusterIP", "spec.type", NULL };
static const char *const namespace_fields[] = { "status.phase", NULL };
static const char *const event_fields[] = { "involvedObject.kind",
					    "involvedObject.namespace",
					    "involvedObject.name",
					    "involvedObject.uid",
					    "reason",
					    "type",
					    NULL };

const struct sim_kind sim_kinds[SIM_KIND_COUNT] = {
	[SIM_POD] = {
		.group = "", .api_version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod", .short_name = "po",
		.resource = "pods", .namespaced = true, .in_all = true, .shows_deleted = true, .generations = true,
		.fields = pod_fields, .members = schema_pod,
		.set_defaults = sim_default_pod, .validate = sim_validate_pod, .columns = sim_pod_columns, .reconcile = sim_control_pod,
	},
	[SIM_SERVICE] = {
		.group = "", .api_version = "v1", .kind = "Service", .plural = "services", .singular = "service",
		.short_name = "svc", .resource = "services", .name_form = NAME_LABEL_1035, .namespaced = true,
		.in_all = true, .shows_deleted = true, .fields = service_fields, .members = schema_service,
		.set_defaults = sim_default_service, .validate = sim_validate_service, .columns = sim_service_columns,
		.allocate = sim_service_allocate, .reconcile = sim_control_service,
	},
	[SIM_NAMESPACE] = {
		.group = "", .api_version = "v1", .kind = "Namespace", .plural = "namespaces", .singular = "namespace",
		.short_name = "ns", .resource = "namespaces", .name_form = NAME_LABEL,
		.fields = namespace_fields,
		.members = schema_namespace, .set_defaults = sim_default_namespace, .columns = sim_namespace_columns,
		.reconcile = sim_control_namespace,
	},
	[SIM_EVENT] = {
		.group = "", .api_version = "v1", .kind = "Event", .plural = "events", .singular = "event",
		.short_name = "ev", .resource = "events", .namespaced = true, .fields = event_fields, .columns = sim_event_columns,
	},
	[SIM_DEPLOYMENT] = {
		.group = "apps", .api_version = "apps/v1", .kind = "Deployment", .plural = "deployments",
		.singular = "deployment", .short_name = "deploy", .resource = "deployments.apps", .namespaced = true,
		.in_all = true, .has_scale = true, .generations = true, .counts_annotations = true,
		.members = schema_deployment, .set_defaults = sim_default_deployment,
		.validate = sim_validate_workload, .columns = sim_deployment_columns, .reconcile = sim_control_deployment,
	},
	[SIM_STATEFULSET] = {
		.group = "apps", .api_version = "apps/v1", .kind = "StatefulSet", .plural = "statefulsets",
		.singular = "statefulset", .short_name = "sts", .resource = "statefulsets.apps", .namespaced = true,
		.name_form = NAME_LABEL, .in_all = true, .has_scale = true, .generations = true, .members = schema_statefulset,
		.set_defaults = sim_default_statefulset, .validate = sim_validate_statefulset,
		.columns = sim_statefulset_columns, .reconcile = sim_control_statefulset,
	},
	[SIM_CONTROLLER_REVISION] = {
		.group = "apps", .api_version = "apps/v1", .kind = "ControllerRevision", .plural = "controllerrevisions",
		.singular = "controllerrevision", .short_name = "", .resource = "controllerrevisions.apps",
		.namespaced = true, .columns = sim_controller_revision_columns,
	},
	[SIM_REPLICASET] = {
		.group = "apps", .api_version = "apps/v1", .kind = "ReplicaSet", .plural = "replicasets",
		.singular = "replicaset", .short_name = "rs", .resource = "replicasets.apps", .namespaced = true,
		.in_all = true, .has_scale = true, .generations = true, .members = schema_replicaset,
		.set_defaults = sim_default_workload, .validate = sim_validate_workload,
		.columns = sim_replicaset_columns, .reconcile = sim_control_replicaset,
	},
	[SIM_AUTOSCALER] = { /* has no effect without metrics */
		.group = "autoscaling", .api_version = "autoscaling/v2", .kind = "HorizontalPodAutoscaler",
		.plural = "horizontalpodautoscalers", .singular = "horizontalpodautoscaler", .short_name = "hpa",
		.resource = "horizontalpodautoscalers.autoscaling", .namespaced = true, .in_all = true,
		.members = schema_autoscaler, .set_defaults = sim_default_autoscaler,
		.validate = sim_validate_autoscaler, .columns = sim_autoscaler_columns,
	},
	[SIM_POD_METRICS] = {
		.group = "metrics.k8s.io", .api_version = "metrics.k8s.io/v1beta1", .kind = "PodMetrics", .plural = "pods",
		.singular = "", .short_name = "", .resource = "pods.metrics.k8s.io", .namespaced = true,
		.list = sim_metrics_list,
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
