/*
 * What is counted of the calls to the Kubernetes API, and of what informers know. For common/kube/; a process shows the
 * list.
 */
#ifndef COMMON_KUBE_KUBE_METRICS_H
#define COMMON_KUBE_KUBE_METRICS_H

#include "common/kube/kube_path.h"
#include "common/services/metrics.h"

extern const struct metric *const kube_metrics[];

/* A call that runs: what it is counted as, and since when it runs. */
struct kube_metrics_call {
	size_t verb;
	size_t kind;
	int64_t begun_ns;
};

/* path: with its query, as kube_path.h writes it. What is not of our kinds counts as "other". */
struct kube_metrics_call kube_metrics_begin(const char *method, const char *path);

/* It is over. status: HTTP; 0: no answer came. */
void kube_metrics_end(const struct kube_metrics_call *call, int status);

/*
 * An informer's list was complete, or its watch told something or ended in order: all of the kind is known as of now.
 */
void kube_metrics_fresh(enum kube_kind kind);

/* An informer has begun (+1) or ended (-1): without any, nothing is known of the kind. */
void kube_metrics_informer(enum kube_kind kind, int change);

/* A watch has begun; a list or a watch has failed, and begins again. */
void kube_metrics_watch(enum kube_kind kind);
void kube_metrics_restart(enum kube_kind kind);

#endif
