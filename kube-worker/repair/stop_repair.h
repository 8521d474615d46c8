/*
 * Stops that are over: others have scaled up what we had stopped. As long as the annotation (ANNOTATION_STOPPED) is
 * there, their next scaling to 0 would count as our stop; every worker looks for it, and takes it away.
 *
 * Who scales up and down again within one interval of the looks, or while no worker runs, is not noticed: the
 * generation cannot tell it, since a Deployment's controller raises it as well, and managedFields are not kept.
 */
#ifndef KUBE_WORKER_REPAIR_STOP_REPAIR_H
#define KUBE_WORKER_REPAIR_STOP_REPAIR_H

#include "kube-worker/operation/op_call.h"

/*
 * Look once at all roots in the cache.
 *
 * Blocks: for the Kubernetes calls, each container 8 s at most.
 */
void stop_repair_walk(const struct op_env *env, struct kube_client *kube);

#endif
