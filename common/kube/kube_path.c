#include "common/kube/kube_path.h"

#include <string.h>

#include "common/base/strutil.h"

static const struct kind_row {
	const char *api_version;
	const char *plural;
	const char *name;
} kinds[KUBE_LOOKUP_COUNT] = {
	[KUBE_DEPLOYMENT] = { "apps/v1", "deployments", "Deployment" },
	[KUBE_REPLICASET] = { "apps/v1", "replicasets", "ReplicaSet" },
	[KUBE_POD] = { "v1", "pods", "Pod" },
	[KUBE_SERVICE] = { "v1", "services", "Service" },
	[KUBE_AUTOSCALER] = { "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler" },
	[KUBE_EVENT] = { "v1", "events", "Event" },
	[KUBE_POD_METRICS] = { "metrics.k8s.io/v1beta1", "pods", "PodMetrics" },
};

const char *kube_kind_plural(enum kube_kind kind)
{
	return kinds[kind].plural;
}

const char *kube_kind_name(enum kube_kind kind)
{
	return kinds[kind].name;
}

const char *kube_kind_api_version(enum kube_kind kind)
{
	return kinds[kind].api_version;
}

void kube_path_add(struct buf *path, enum kube_kind kind, const char *namespace, const char *name)
{
	bool core = !strchr(kinds[kind].api_version, '/'); /* the core group has no name */

	buf_addf(path, "/%s/%s/namespaces/", core ? "api" : "apis", kinds[kind].api_version);
	buf_add_percent_encoded(path, namespace);
	buf_addf(path, "/%s", kinds[kind].plural);
	if (name) {
		buf_add_char(path, '/');
		buf_add_percent_encoded(path, name);
	}
}

void kube_path_add_query(struct buf *path, const char *key, const char *value)
{
	buf_addf(path, "%c%s=", strchr(path->data, '?') ? '&' : '?', key);
	buf_add_percent_encoded(path, value);
}
