/*
 * Why a Pod is as it is, in words human-readable: waiting and terminated containers, restarts, scheduling.
 */
#ifndef COMMON_CONTAINER_POD_MESSAGE_H
#define COMMON_CONTAINER_POD_MESSAGE_H

#include "common/base/buf.h"
#include "common/services/json.h"

/*
 * Append what the Pod's status says about trouble, for example "web: CrashLoopBackOff: back-off 5m0s restarting failed
 * container; last run: OOMKilled, exit code 137; 7 restarts". In a Pod of several containers each part begins with the
 * name of its container: nothing of a sidecar can be taken for ours. Nothing for a Pod without trouble.
 */
void pod_message_add(const cJSON *pod, struct buf *out);

#endif
