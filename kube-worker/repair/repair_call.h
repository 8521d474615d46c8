/*
 * The call context of repairs: without a caller, so no permission is requested.
 */
#ifndef KUBE_WORKER_REPAIR_REPAIR_CALL_H
#define KUBE_WORKER_REPAIR_REPAIR_CALL_H

#include "common/base/clock.h"
#include "kube-worker/operation/op_call.h"

#define REPAIR_TIMEOUT_MS 8000 /* per container */

/* Create one. The caller clears its faults (buf_clear()). */
static inline struct op_call repair_call(const struct op_env *env, struct kube_client *kube)
{
	return (struct op_call){
		.env = env,
		.kube = kube,
		.deadline_ms = clock_mono_ms() + REPAIR_TIMEOUT_MS,
		.attempt = 1,
		.request_id = "repair",
		.faults = buf_make(OP_FAULTS_MAX),
	};
}

#endif
