/*
 * A human-readable message about problems of a Pod: waiting and terminated containers, restarts, scheduling.
 */
#ifndef COMMON_CONTAINER_POD_MESSAGE_H
#define COMMON_CONTAINER_POD_MESSAGE_H

#include "common/base/buf.h"
#include "common/services/json.h"

/*
 * Append the problems in the Pod's status, for example "web: CrashLoopBackOff: back-off 5m0s restarting failed
 * container; last run: OOMKilled, exit code 137; 7 restarts". In a Pod with several containers each part begins with
 * the container's name, so that problems of sidecars can be distinguished. Nothing for a Pod without problems.
 */
void pod_message_add(const cJSON *pod, struct buf *out);

#endif
