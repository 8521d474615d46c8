/*
 * Ends the stopped state of containers that another program has scaled up. As long as the annotation
 * (ANNOTATION_STOPPED) exists, the next scaling to 0 would count as :stop; every worker checks for it, and removes it.
 *
 * Scaling up and down again within one interval, or while no worker is running, is not detected: the generation is no
 * indication, since a Deployment's controller increments it as well, and managedFields are not stored.
 */
#ifndef KUBE_WORKER_REPAIR_STOP_REPAIR_H
#define KUBE_WORKER_REPAIR_STOP_REPAIR_H

#include "kube-worker/operation/op_call.h"

/*
 * Check all roots in the cache once.
 *
 * Blocks: for the Kubernetes calls, at most 8 s per container.
 */
void stop_repair_walk(const struct op_env *env, struct kube_client *kube);

#endif
