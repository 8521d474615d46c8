/*
 * Paths of Kubernetes objects: every part percent-encoded, never truncated.
 */
#ifndef COMMON_KUBE_KUBE_PATH_H
#define COMMON_KUBE_KUBE_PATH_H

#include "common/base/buf.h"

#define KUBE_PATH_MAX 65536 /* bytes; continue tokens are long */

/* The kinds of a container's objects, and, after their count, kinds that are only read. */
enum kube_kind {
	KUBE_DEPLOYMENT,
	KUBE_STATEFULSET,
	KUBE_REPLICASET,
	KUBE_CONTROLLER_REVISION,
	KUBE_POD,
	KUBE_SERVICE,
	KUBE_AUTOSCALER,
	KUBE_KIND_COUNT,
	KUBE_EVENT = KUBE_KIND_COUNT,
	KUBE_POD_METRICS,
	KUBE_LOOKUP_COUNT
};

/* The plural of a kind in paths: "deployments". */
const char *kube_kind_plural(enum kube_kind kind);

/* Its name: "Deployment". */
const char *kube_kind_name(enum kube_kind kind);

/* Its apiVersion in objects: "apps/v1". */
const char *kube_kind_api_version(enum kube_kind kind);

/*
 * Append the path of a kind's collection in a namespace, or of one object (name not NULL):
 * "/apis/apps/v1/namespaces/x/deployments/y". Check the buffer for failure.
 */
void kube_path_add(struct buf *path, enum kube_kind kind, const char *namespace, const char *name);

/*
 * The kind of such a path; KUBE_LOOKUP_COUNT: none.
 * ret_name  the object's name within `path`; NULL: a collection, or no kind.
 */
enum kube_kind kube_path_kind(const char *path, const char **ret_name);

/* Append a query parameter, with '?' or '&' as needed; the value is percent-encoded. */
void kube_path_add_query(struct buf *path, const char *key, const char *value);

#endif
