#include "common/kube/kube_path.h"

#include <string.h>

#include "common/base/strutil.h"

#define NAMESPACES "/namespaces/"

static const struct kind_row {
	const char *api_version;
	const char *plural;
	const char *name;
} kinds[KUBE_LOOKUP_COUNT] = {
	[KUBE_DEPLOYMENT] = { "apps/v1", "deployments", "Deployment" },
	[KUBE_STATEFULSET] = { "apps/v1", "statefulsets", "StatefulSet" },
	[KUBE_REPLICASET] = { "apps/v1", "replicasets", "ReplicaSet" },
	[KUBE_CONTROLLER_REVISION] = { "apps/v1", "controllerrevisions", "ControllerRevision" },
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

/* The core group has no name. */
static const char *root_of(enum kube_kind kind)
{
	return strchr(kinds[kind].api_version, '/') ? "/apis/" : "/api/";
}

void kube_path_add(struct buf *path, enum kube_kind kind, const char *namespace, const char *name)
{
	buf_addf(path, "%s%s" NAMESPACES, root_of(kind), kinds[kind].api_version);
	percent_encode(path, namespace);
	buf_addf(path, "/%s", kinds[kind].plural);
	if (name) {
		buf_add_char(path, '/');
		percent_encode(path, name);
	}
}

/* The part after a prefix; NULL: another prefix, or text was NULL. */
static const char *after(const char *text, const char *prefix)
{
	return text && str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

/* The part after the plural of the kind in a path; NULL: another kind. */
static const char *after_plural(const char *path, enum kube_kind kind)
{
	const char *at = after(after(after(path, root_of(kind)), kinds[kind].api_version), NAMESPACES);

	if (at)
		at += strcspn(at, "/");
	at = after(after(at, "/"), kinds[kind].plural);
	return at && strchr("/?", *at) ? at : NULL; /* or the end */
}

enum kube_kind kube_path_kind(const char *path, const char **ret_name)
{
	const char *rest = NULL;
	int kind = 0;

	while (kind < KUBE_LOOKUP_COUNT && !(rest = after_plural(path, (enum kube_kind)kind)))
		kind++;
	*ret_name = rest && *rest == '/' ? rest + 1 : NULL;
	return (enum kube_kind)kind;
}

void kube_path_add_query(struct buf *path, const char *key, const char *value)
{
	buf_addf(path, "%c%s=", strchr(path->data, '?') ? '&' : '?', key);
	percent_encode(path, value);
}
