/*
 * Metrics of the calls to the Kubernetes API, and of informers. Updated by common/kube/.
 */
#ifndef COMMON_KUBE_KUBE_METRICS_H
#define COMMON_KUBE_KUBE_METRICS_H

#include "common/kube/kube_path.h"
#include "common/services/metrics.h"

extern const struct metric *const kube_metrics[];

/* A running call: its labels and its start. */
struct kube_metrics_call {
	size_t verb;
	size_t kind;
	int64_t begun_ns;
};

/* path: with its query, as kube_path.h writes it. Other kinds are counted as "other". */
struct kube_metrics_call kube_metrics_begin(const char *method, const char *path);

/* The call has ended. status: HTTP; 0: no response. */
void kube_metrics_end(const struct kube_metrics_call *call, int status);

/* It was cancelled by its caller. status: as above; 0: "cancelled", which unlike "none" is no failure of Kubernetes. */
void kube_metrics_cancel(const struct kube_metrics_call *call, int status);

/*
 * An informer completed a list, received an event, or its watch ended normally: the kind is up to date.
 */
void kube_metrics_fresh(enum kube_kind kind);

/* An informer was started (+1) or has ended (-1). */
void kube_metrics_informer(enum kube_kind kind, int change);

/* A watch was started; a list or a watch failed and is restarted. */
void kube_metrics_watch(enum kube_kind kind);
void kube_metrics_restart(enum kube_kind kind);

#endif
