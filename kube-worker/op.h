/*
 * One operation that is being carried out: what it may use, and what it answers.
 */
#ifndef KUBE_WORKER_OP_H
#define KUBE_WORKER_OP_H

#include "common/adapters/bus_call.h"
#include "common/kube/kube_cache.h"
#include "common/kube/kube_client.h"
#include "common/protocol.h"
#include "kube-worker/config.h"

#define OP_FAULTS_MAX 65536 /* bytes of the `errors` of a reply */

/* The same for all operations, for the life of the process. */
struct op_env {
	const struct worker_config *config;
	struct kube_cache *cache;
	struct bus_caller *caller; /* for questions to JetStream */
};

struct op_call {
	const struct op_env *env;
	struct kube_client *kube; /* this thread's */
	int64_t deadline_ms;      /* clock_mono_ms(); no Kubernetes call begins or lasts beyond it */
	int attempt;              /* 1, 2, ...: how often the caller has asked the same */
	const char *request_id;
	bool unsettled;    /* a create that failed may still show: it could not be taken back for certain */
	struct buf faults; /* on RC_INVALID_ARGUMENT: {"detail", "pointer"} objects, separated by commas */
};

#endif
