/*
 * What the conditions of an object's status say.
 */
#ifndef COMMON_CONTAINER_KUBE_CONDITION_H
#define COMMON_CONTAINER_KUBE_CONDITION_H

#include <stdbool.h>

#include "common/services/json.h"

/* The condition of that type, borrowed from the object; NULL when there is none. */
const cJSON *kube_condition(const cJSON *object, const char *type);

/*
 * Whether the Pod's node no longer reports. The phase stays what it was. The node lifecycle controller sets Ready to
 * False, without a reason, and leaves ContainersReady at True; a kubelet that says False gives a reason, and without a
 * readiness gate says the same of both. Older clusters said Ready=Unknown, or NodeLost in the status. A Pod that was
 * not ready when its node went is left as it was by the controller, and cannot be told from one that is only not ready.
 *
 * Source: Kubernetes pkg/controller/util/node/controller_utils.go (MarkPodsNotReady), pkg/kubelet/status/generate.go;
 * seen on 1.36.3.
 */
bool kube_condition_node_is_lost(const cJSON *pod);

#endif
