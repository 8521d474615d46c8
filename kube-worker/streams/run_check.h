/*
 * Which run of a container a log response is of: Kubernetes does not say. The kubelet selects the run when it receives
 * the request, from its status of the Pod (pkg/kubelet/kubelet_pods.go, validateContainerLogStatus()); the cache, and
 * so the request, may be older. Therefore the Pod is read after the response has begun: if the run that was requested
 * is still the one of the status, the response is of that run, since runs are only replaced by later ones. (A list of
 * one Pod: the Role has no "get".) Not detected: a run that was started before the kubelet received the request, if the
 * API server has not received that from the kubelet when it is read.
 *
 * 	CHECK_NONE --start--> CHECK_ASKED --the Pod was read--> CHECK_SEEN, CHECK_GONE, CHECK_REPLACED
 * 	                            \--failed--> CHECK_FAILED
 */
#ifndef KUBE_WORKER_STREAMS_RUN_CHECK_H
#define KUBE_WORKER_STREAMS_RUN_CHECK_H

#include "common/container/fact.h"
#include "common/kube/kube_flow.h"
#include "kube-worker/streams/worker_stream.h"

enum run_check_state {
	CHECK_NONE,
	CHECK_ASKED,
	CHECK_SEEN,     /* `run` is set */
	CHECK_GONE,     /* the Pod no longer exists */
	CHECK_REPLACED, /* another Pod has its name */
	CHECK_FAILED,   /* `fault` is set, with a text for clients */
};

struct run_check {
	enum run_check_state state;
	struct worker_stream *stream;
	struct kube_uid pod_uid;
	struct kube_call *call;
	struct pod_run run; /* as given to start(), then as read */
	struct error fault;
};

/*
 * Read the current run of the container `run->container` of that Pod. The stream is woken when the state has changed.
 * Only in CHECK_NONE. On the loop of streams.h.
 */
void run_check_start(struct run_check *check, struct worker_stream *stream, const char *namespace, const char *pod,
		     const struct kube_uid *pod_uid, const struct pod_run *run);

/* Cancel it: CHECK_NONE. Not within a callback of kube_flow.h. */
void run_check_reset(struct run_check *check);

#endif
