/*
 * The conditions of an object's status.
 */
#ifndef COMMON_CONTAINER_KUBE_CONDITION_H
#define COMMON_CONTAINER_KUBE_CONDITION_H

#include <stdbool.h>

#include "common/services/json.h"

/* The condition of that type, borrowed from the object; NULL: none. */
const cJSON *kube_condition(const cJSON *object, const char *type);

/*
 * Whether the Pod's node no longer reports. The phase does not change. The node lifecycle controller sets Ready to
 * False without a reason, and leaves ContainersReady at True; a kubelet sets a reason, and without a readiness gate the
 * same value for both. Older clusters use Ready=Unknown, or NodeLost in the status. A Pod that was not ready when its
 * node was lost is not changed by the controller, and cannot be distinguished.
 *
 * Source: Kubernetes pkg/controller/util/node/controller_utils.go (MarkPodsNotReady), pkg/kubelet/status/generate.go;
 * observed on 1.36.3.
 */
bool kube_condition_node_is_lost(const cJSON *pod);

#endif
